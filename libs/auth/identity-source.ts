import { problem } from '@slipway/problem'
import { z } from 'zod'
import { tenantRoles } from './principal.ts'

const revocation = z.object({
  /** What ended: a session, an API key, a membership (`<tenant>:<user>`), or everything of a user. */
  kind: z.enum(['session', 'key', 'member', 'user']),
  subject: z.string(),
  /** Milliseconds since the epoch by the clock of identity's database, like `iat_ms` in tokens. */
  at: z.number(),
})

/** Answer of `GET /internal/v1/revocations?since=`. */
export const revocationPage = z.object({
  items: z.array(revocation),
  /** Identity's clock when the list was read: the next `since` is counted from it. */
  now: z.number(),
})

/** Answer of `POST /internal/v1/api-keys/verify`. */
export const keyVerdict = z.discriminatedUnion('valid', [
  z.object({ valid: z.literal(false), reason: z.enum(['unknown', 'expired', 'revoked']) }),
  z.object({
    valid: z.literal(true),
    id: z.string(),
    name: z.string(),
    tenant: z.object({ id: z.uuid(), slug: z.string() }),
    /** The role that the key's maker has now: a key can never do more than they. */
    role: z.enum(tenantRoles),
    scopes: z.array(z.string()),
    createdBy: z.string(),
    expiresAt: z.number().nullable(),
    verifiedAt: z.number(),
  }),
])

/** Public keys in JWK form; members that we do not know are kept for the importer. */
export const keySetDocument = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) })

export type Revocation = z.infer<typeof revocation>
export type RevocationPage = z.infer<typeof revocationPage>
export type KeyVerdict = z.infer<typeof keyVerdict>
export type KeySetDocument = z.infer<typeof keySetDocument>

/** Where a verifier learns what it cannot know by itself. */
export interface IdentitySource {
  keySet(): Promise<KeySetDocument>
  /** What ended at or after `since`, oldest first. */
  revocations(since: number): Promise<RevocationPage>
  verifyKey(key: string): Promise<KeyVerdict>
}

export interface IdentityClientOptions {
  /** The internal listener of identity. */
  readonly url: string
  /** `<service>.<secret>` of the calling service. */
  readonly credential: string
  readonly timeoutMilliseconds?: number
}

/**
 * Identity over HTTP, on its internal listener. Every failure is `identity.unavailable`: callers cannot tell a wrong
 * credential of ours from an outage, operators find the reason in the cause.
 */
export function identityClient({ url, credential, timeoutMilliseconds = 5_000 }: IdentityClientOptions): IdentitySource {
  const call = async <T>(schema: z.ZodType<T>, path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { authorization: `Service ${credential}`, accept: 'application/json', 'content-type': 'application/json' }
    const request = { ...init, headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMilliseconds) } as const
    return fetchJson(schema, new URL(path, url), request)
  }
  return {
    keySet: () => call(keySetDocument, '/internal/v1/jwks'),
    revocations: (since) => call(revocationPage, `/internal/v1/revocations?since=${encodeURIComponent(new Date(since).toISOString())}`),
    verifyKey: (key) => call(keyVerdict, '/internal/v1/api-keys/verify', { method: 'POST', body: JSON.stringify({ key }) }),
  }
}

export async function fetchJson<T>(schema: z.ZodType<T>, url: URL, init: RequestInit): Promise<T> {
  try {
    const response = await fetch(url, init)
    if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`)
    return schema.parse(await response.json())
  } catch (cause) {
    throw problem('identity.unavailable', { cause })
  }
}
