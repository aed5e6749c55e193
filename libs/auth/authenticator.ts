import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from './principal.ts'

export interface AuthenticateRequest {
  readonly headers: IncomingHttpHeaders
  readonly host?: string | undefined
}

/** Turns the credentials of a request into a principal. */
export interface Authenticator {
  /**
   * @returns null when the request carries no credentials
   * @throws auth.invalid, auth.expired, auth.revoked, identity.unavailable
   */
  authenticate(request: AuthenticateRequest): Promise<Principal | null>
}
