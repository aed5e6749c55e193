import { exportJWK, exportSPKI, type GenerateKeyPairResult, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { IdentitySource, KeySetDocument, KeyVerdict, Revocation } from './index.ts'

export const issuer = 'https://slipway.test'
export const audience = 'slipway'
export const tenant = { id: '0190a000-0000-7000-8000-000000000001', slug: 'acme' }
export const start = Date.UTC(2026, 0, 5)

type Algorithm = 'EdDSA' | 'ES256' | 'RS256'

export interface SigningKey extends GenerateKeyPairResult {
  kid: string
  algorithm: Algorithm
}

export async function signingKey(algorithm: Algorithm, kid: string = algorithm): Promise<SigningKey> {
  return { ...(await generateKeyPair(algorithm, { extractable: true })), kid, algorithm }
}

export async function keySetOf(...keys: SigningKey[]): Promise<KeySetDocument> {
  return {
    keys: await Promise.all(
      keys.map(async ({ publicKey, kid, algorithm }) => ({ ...((await exportJWK(publicKey)) as { kty: string }), kid, alg: algorithm })),
    ),
  }
}

export const publicPem = (key: SigningKey) => exportSPKI(key.publicKey)

/** A clock that stands still until it is told otherwise. */
export function handClock(at = start) {
  const clock = { at, now: () => clock.at, advance: (milliseconds: number) => void (clock.at += milliseconds) }
  return clock
}

export function claims(now: number, changes: Record<string, unknown> = {}): JWTPayload {
  const iat = Math.floor(now / 1000)
  return {
    iss: issuer,
    aud: audience,
    sub: 'user-1',
    sid: 'session-1',
    tenant: tenant.id,
    tenant_slug: tenant.slug,
    role: 'member',
    iat,
    iat_ms: now,
    exp: iat + 900,
    jti: 'token-1',
    ...changes,
  }
}

export function sign(payload: JWTPayload, key: SigningKey, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: key.algorithm, kid: key.kid, ...header }).sign(key.privateKey)
}

/** Identity as far as a verifier sees it, held in memory; counts what it is asked. */
export function memoryIdentity(now: () => number, keys: KeySetDocument) {
  const identity = {
    keys,
    down: false,
    apiKeys: new Map<string, KeyVerdict>(),
    revoked: [] as Revocation[],
    asked: { keySet: 0, revocations: 0, verifyKey: 0 },
    since: [] as number[],
    revoke: (kind: Revocation['kind'], subject: string) => void identity.revoked.push({ kind, subject, at: now() }),
    source: {} as IdentitySource,
  }
  const answer = async <T>(what: keyof typeof identity.asked, value: () => T): Promise<T> => {
    identity.asked[what]++
    if (identity.down) throw new Error('connect ECONNREFUSED')
    return value()
  }
  identity.source = {
    keySet: () => answer('keySet', () => identity.keys),
    revocations: (since) => {
      identity.since.push(since)
      return answer('revocations', () => ({ items: identity.revoked.filter(({ at }) => at >= since), now: now() }))
    },
    verifyKey: (key) => answer('verifyKey', () => identity.apiKeys.get(key) ?? { valid: false, reason: 'unknown' }),
  }
  return identity
}
