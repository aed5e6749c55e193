import type { IncomingHttpHeaders } from 'node:http'
import { credentialsOf, refused } from './credentials.ts'
import { fetchJson, type IdentitySource, identityClient, keySetDocument } from './identity-source.ts'
import { KeySet } from './key-set.ts'
import { KeyVerifier, looksLikeKey } from './key-verifier.ts'
import type { Principal } from './principal.ts'
import { RevocationList } from './revocation-list.ts'
import { type Issuer, TokenVerifier } from './token-verifier.ts'

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

/** A second issuer whose tokens are accepted, with the same claims as ours. */
export interface ExternalIssuer {
  readonly issuer: string
  readonly audience: string
  readonly jwksUrl?: string | null
  /** HS256, at least 32 bytes; only without `jwksUrl`. */
  readonly secret?: string | null
}

/** Where keys, revocations and API keys are asked for: identity's internal listener, or identity itself. */
type Upstream = { readonly identityUrl: string; readonly serviceCredential: string } | { readonly source: IdentitySource }

export type AuthenticatorOptions = Upstream & {
  readonly issuer: string
  readonly audience?: string
  readonly external?: ExternalIssuer | null
  readonly now?: () => number
}

const hour = 3600

/** Verifies bearer tokens and API keys. Access that identity has ended is refused here within 5 s. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator & AsyncDisposable {
  const now = options.now ?? Date.now
  const source = 'source' in options ? options.source : identityClient({ url: options.identityUrl, credential: options.serviceCredential })
  const revocations = new RevocationList({ source, now, retentionMilliseconds: hour * 1000 })
  const tokens = new TokenVerifier({ issuers: issuersOf(options, source, now), now })
  const keys = new KeyVerifier({ source, revocations, now })
  return {
    async authenticate({ headers }) {
      const credentials = bearerOf(headers)
      if (credentials === null) return null
      if (looksLikeKey(credentials)) {
        await revocations.refresh()
        return keys.verify(credentials)
      }
      const { principal, issuedAt } = await tokens.verify(credentials)
      await revocations.refresh()
      const about = { userId: principal.id, tenantId: principal.tenant?.id, sessionId: principal.sessionId, issuedAt }
      if (revocations.isRevoked(about)) throw refused('auth.revoked')
      return principal
    },
    [Symbol.asyncDispose]: () => revocations[Symbol.asyncDispose](),
  }
}

/** A header of another scheme is a mistake worth a word: `null` would read as "no credentials sent". */
function bearerOf({ authorization }: IncomingHttpHeaders): string | null {
  if (authorization === undefined) return null
  const credentials = credentialsOf(authorization, 'Bearer')
  if (credentials === undefined) throw refused('auth.invalid')
  return credentials
}

function issuersOf({ issuer, audience = 'slipway', external }: AuthenticatorOptions, source: IdentitySource, now: () => number): Issuer[] {
  const own = { issuer, audience, keys: new KeySet({ load: () => source.keySet(), now }), own: true, longestLifeSeconds: hour }
  return external ? [own, externalIssuer(external, now)] : [own]
}

function externalIssuer({ issuer, audience, jwksUrl, secret }: ExternalIssuer, now: () => number): Issuer {
  return { issuer, audience, keys: externalKeys(jwksUrl, secret, now), own: false, longestLifeSeconds: hour }
}

/** RFC 7518 §3.2: an HS256 secret has at least the 256 bits of the hash. */
function externalKeys(jwksUrl: string | null | undefined, secret: string | null | undefined, now: () => number): KeySet | Uint8Array {
  if (jwksUrl && secret) throw new Error('an external issuer has either jwksUrl or a shared secret, not both')
  if (jwksUrl) return new KeySet({ load: () => fetchJson(keySetDocument, new URL(jwksUrl), { signal: AbortSignal.timeout(2_000) }), now })
  const bytes = new TextEncoder().encode(secret ?? '')
  if (bytes.length < 32) throw new Error('an external issuer needs jwksUrl, or a shared secret of at least 32 bytes')
  return bytes
}
