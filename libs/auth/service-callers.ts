import type { Authenticator } from './authenticator.ts'
import { credentialsOf, fingerprint, refused, sameFingerprint } from './credentials.ts'

/**
 * Authenticates calls between services, on internal listeners only.
 *
 * @param callers `<service>:<sha256 of the credential in hex>`; the credential is `<service>.<secret>`, sent as
 *   `Authorization: Service <service>.<secret>`. A name may occur twice, for as long as its secret is being changed.
 */
export function serviceCallers(callers: readonly string[]): Authenticator {
  const known = callers.map(parseCaller)
  return {
    authenticate({ headers: { authorization } }) {
      if (authorization === undefined) return Promise.resolve(null)
      const credential = credentialsOf(authorization, 'Service')
      const name = credential?.split('.', 1)[0]
      const print = fingerprint(credential ?? '')
      const found = known.filter((caller) => sameFingerprint(caller.print, print)).find((caller) => caller.name === name)
      if (found === undefined) return Promise.reject(refused('auth.invalid'))
      return Promise.resolve({ kind: 'service', id: found.name, scopes: [], name: found.name })
    },
  }
}

/** One entry of `SLIPWAY_SERVICE_CALLERS` for a credential. */
export function serviceCaller(credential: string): string {
  return `${credential.split('.', 1)[0]}:${fingerprint(credential)}`
}

function parseCaller(entry: string): { name: string; print: string } {
  const match = /^([a-z][a-z0-9-]*):([0-9a-f]{64})$/.exec(entry)
  if (!match?.[1] || !match[2])
    throw new Error(`"${entry.split(':', 1)[0]}" in the list of service callers is not <service>:<sha256 in hex>`)
  return { name: match[1], print: match[2] }
}
