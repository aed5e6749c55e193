import { createHmac } from 'node:crypto'
import { base64url, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator, type ExternalIssuer, type KeyVerdict } from './index.ts'
import {
  audience,
  claims,
  handClock,
  issuer,
  keySetOf,
  memoryIdentity,
  publicPem,
  type SigningKey,
  sign,
  signingKey,
  start,
  tenant,
} from './issuer.fixtures.ts'

let ed: SigningKey
let es: SigningKey
let rs: SigningKey
let stranger: SigningKey

beforeAll(async () => {
  ;[ed, es, rs, stranger] = await Promise.all([
    signingKey('EdDSA'),
    signingKey('ES256'),
    signingKey('RS256'),
    signingKey('EdDSA', 'stranger'),
  ])
})

async function room(options: { external?: ExternalIssuer } = {}) {
  const clock = handClock()
  const identity = memoryIdentity(clock.now, await keySetOf(ed, es, rs))
  const authenticator = createAuthenticator({ source: identity.source, issuer, audience, now: clock.now, ...options })
  const send = (authorization?: string) => authenticator.authenticate({ headers: authorization === undefined ? {} : { authorization } })
  const bearer = (token: string) => send(`Bearer ${token}`)
  return { clock, identity, send, bearer, authenticator }
}

const refusedAs = (code: string) =>
  expect.objectContaining({ code, status: 401, headers: { 'www-authenticate': expect.stringContaining('invalid_token') } })

/** A token put together by hand, for headers that no library would sign. */
function forged(header: object, payload: JWTPayload, signature = ''): string {
  return `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}.${signature}`
}

describe('a good token', () => {
  it('becomes a principal, whatever the allowed algorithm', async () => {
    const { bearer } = await room()
    for (const key of [ed, es, rs]) {
      expect(await bearer(await sign(claims(start, { name: 'Ann' }), key))).toEqual({
        kind: 'user',
        id: 'user-1',
        tenant,
        role: 'member',
        scopes: ['*'],
        sessionId: 'session-1',
        name: 'Ann',
      })
    }
  })

  it('can be limited to scopes', async () => {
    const { bearer } = await room()
    expect(await bearer(await sign(claims(start, { scope: 'files:read jobs:read' }), ed))).toMatchObject({
      scopes: ['files:read', 'jobs:read'],
    })
    expect(await bearer(await sign(claims(start, { scope: '' }), ed))).toMatchObject({ scopes: [] })
  })

  it('can be without a tenant, and can be an operator', async () => {
    const { bearer } = await room()
    const nowhere = { tenant: undefined, tenant_slug: undefined, role: undefined }
    expect(await bearer(await sign(claims(start, { ...nowhere, operator: true }), ed))).toEqual({
      kind: 'operator',
      id: 'user-1',
      scopes: ['*'],
      sessionId: 'session-1',
    })
  })

  it('has its signature checked once and its keys loaded once', async () => {
    const { bearer, identity } = await room()
    const token = await sign(claims(start), ed)
    await Promise.all([bearer(token), bearer(token)])
    for (let i = 0; i < 20; i++) await bearer(token)
    expect(identity.asked).toEqual({ keySet: 1, revocations: 1, verifyKey: 0 })
  })

  it('ends when it expires, also when it is remembered', async () => {
    const { bearer, clock } = await room()
    const token = await sign(claims(start), ed)
    await bearer(token)
    clock.advance(899_999)
    await bearer(token)
    clock.advance(1)
    await expect(bearer(token)).rejects.toThrow(refusedAs('auth.expired'))
  })

  it('is not needed: without credentials the answer is null', async () => {
    const { send, identity } = await room()
    expect(await send()).toBeNull()
    expect(identity.asked).toEqual({ keySet: 0, revocations: 0, verifyKey: 0 })
  })
})

describe('token abuse', () => {
  const seconds = start / 1000
  const cases: [string, string, () => Promise<string> | string][] = [
    ['algorithm none', 'auth.invalid', () => forged({ alg: 'none', kid: 'EdDSA' }, claims(start))],
    ['algorithm None', 'auth.invalid', () => forged({ alg: 'None', kid: 'EdDSA' }, claims(start))],
    ['a signature cut off', 'auth.invalid', async () => `${(await sign(claims(start), ed)).split('.').slice(0, 2).join('.')}.`],
    ['a signature from another key with our kid', 'auth.invalid', () => sign(claims(start), stranger, { kid: 'EdDSA' })],
    ['an unknown kid', 'auth.invalid', () => sign(claims(start), stranger)],
    ['no kid', 'auth.invalid', () => sign(claims(start), ed, { kid: undefined })],
    ['a kid that is a path', 'auth.invalid', () => sign(claims(start), stranger, { kid: '../../dev/null' })],
    ['a kid that is SQL', 'auth.invalid', () => sign(claims(start), stranger, { kid: "' or '1'='1" })],
    ['a kid that objects inherit', 'auth.invalid', () => sign(claims(start), stranger, { kid: '__proto__' })],
    ['a kid of 4 kB', 'auth.invalid', () => sign(claims(start), stranger, { kid: 'k'.repeat(4096) })],
    ['its own key in the header', 'auth.invalid', async () => sign(claims(start), stranger, { jwk: (await keySetOf(stranger)).keys[0] })],
    ['a key set URL in the header', 'auth.invalid', () => sign(claims(start), stranger, { jku: 'http://127.0.0.1:1/jwks' })],
    ['a critical extension', 'auth.invalid', () => forged({ alg: 'EdDSA', kid: 'EdDSA', crit: ['x'], x: 1 }, claims(start), 'AAAA')],
    ['HS256 with the public key as secret', 'auth.invalid', async () => hmacToken(await publicPem(rs), { kid: 'RS256' })],
    ['the algorithm of another key', 'auth.invalid', () => sign(claims(start), ed, { kid: 'ES256' })],
    ['another issuer', 'auth.invalid', () => sign(claims(start, { iss: 'https://evil.example' }), ed)],
    ['an issuer with a slash more', 'auth.invalid', () => sign(claims(start, { iss: `${issuer}/` }), ed)],
    ['no issuer', 'auth.invalid', () => sign(claims(start, { iss: undefined }), ed)],
    ['another audience', 'auth.invalid', () => sign(claims(start, { aud: 'elsewhere' }), ed)],
    ['no audience', 'auth.invalid', () => sign(claims(start, { aud: undefined }), ed)],
    ['no subject', 'auth.invalid', () => sign(claims(start, { sub: undefined }), ed)],
    ['no session', 'auth.invalid', () => sign(claims(start, { sid: undefined }), ed)],
    ['no expiry', 'auth.invalid', () => sign(claims(start, { exp: undefined }), ed)],
    ['a life beyond what revocations cover', 'auth.invalid', () => sign(claims(start, { exp: seconds + 86_400 }), ed)],
    ['an expiry in the past', 'auth.expired', () => sign(claims(start, { iat: seconds - 1000, exp: seconds - 100 }), ed)],
    ['an expiry in this moment', 'auth.expired', () => sign(claims(start, { iat: seconds - 900, exp: seconds }), ed)],
    ['nbf in the future', 'auth.invalid', () => sign(claims(start, { nbf: seconds + 60 }), ed)],
    ['iat in the future', 'auth.invalid', () => sign(claims(start, { iat: seconds + 60, exp: seconds + 900 }), ed)],
    ['a role that does not exist', 'auth.invalid', () => sign(claims(start, { role: 'root' }), ed)],
    ['a tenant without a role', 'auth.invalid', () => sign(claims(start, { role: undefined }), ed)],
    ['a role without a tenant', 'auth.invalid', () => sign(claims(start, { tenant: undefined, tenant_slug: undefined }), ed)],
    ['a tenant that is no UUID', 'auth.invalid', () => sign(claims(start, { tenant: "x'; drop table files" }), ed)],
    ['claims of the wrong type', 'auth.invalid', () => sign(claims(start, { operator: 'true', sub: 'x' }), ed)],
    ['8 kB and more', 'auth.invalid', () => sign(claims(start, { filler: 'x'.repeat(8192) }), ed)],
    ['no token at all', 'auth.invalid', () => 'x'],
    ['dots only', 'auth.invalid', () => '..'],
    ['JSON that is none', 'auth.invalid', () => `${base64url.encode('{')}.${base64url.encode('[]')}.AAAA`],
  ]

  function hmacToken(secret: string, header: object): string {
    const unsigned = forged({ alg: 'HS256', ...header }, claims(start)).slice(0, -1)
    return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`
  }

  it.each(cases)('%s → %s', async (_name, code, make) => {
    const { bearer } = await room()
    await expect(bearer(await make())).rejects.toThrow(refusedAs(code))
  })

  it.each(['Basic dTpw', 'Bearer', 'Bearer a b', 'bearer', 'Token abc', ''])('refuses the header %j', async (header) => {
    const { send } = await room()
    await expect(send(header)).rejects.toThrow(refusedAs('auth.invalid'))
  })

  it('tolerates clocks that differ by seconds', async () => {
    const { bearer } = await room()
    await bearer(await sign(claims(start, { iat: seconds + 4, nbf: seconds + 4 }), ed))
  })

  it('says the same of every bad signature', async () => {
    const { bearer } = await room()
    const errors = await Promise.all(
      [sign(claims(start), stranger), sign(claims(start), stranger, { kid: 'EdDSA' })].map(async (token) =>
        bearer(await token).catch((error) => error.details()),
      ),
    )
    expect(errors[0]).toEqual(errors[1])
  })
})

describe('keys of the issuer', () => {
  it('are asked for again on an unknown kid, but not more often than the floor allows', async () => {
    const { bearer, identity, clock } = await room()
    await bearer(await sign(claims(start), ed))
    const strange = await sign(claims(start), stranger)
    for (let i = 0; i < 10; i++) await expect(bearer(strange)).rejects.toThrow(refusedAs('auth.invalid'))
    expect(identity.asked.keySet).toBe(1)
    clock.advance(10_000)
    for (let i = 0; i < 10; i++) await expect(bearer(strange)).rejects.toThrow(refusedAs('auth.invalid'))
    expect(identity.asked.keySet).toBe(2)
  })

  it('rotate: a new one is found by its kid, a withdrawn one stops to count', async () => {
    const { bearer, identity, clock } = await room()
    await bearer(await sign(claims(start), ed))
    identity.keys = await keySetOf(stranger)
    clock.advance(10_000)
    await bearer(await sign(claims(clock.at), stranger))
    await expect(bearer(await sign(claims(clock.at, { jti: 'later' }), ed))).rejects.toThrow(refusedAs('auth.invalid'))
  })

  it('of kinds that we do not trust are left out', async () => {
    const { bearer, identity } = await room()
    const [odd] = (await keySetOf(ed)).keys
    const shared = { kty: 'oct', kid: 'oct', alg: 'HS256', k: base64url.encode('x'.repeat(32)) }
    identity.keys = {
      keys: [{ ...odd!, kid: 'enc', use: 'enc' }, shared, { kty: 'EC', kid: 'broken', crv: 'P-256', x: 'AA', y: 'AA' }, odd!],
    }
    await bearer(await sign(claims(start), ed))
    await expect(bearer(await sign(claims(start), ed, { kid: 'enc' }))).rejects.toThrow(refusedAs('auth.invalid'))
    const hmac = new SignJWT(claims(start)).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(new TextEncoder().encode('x'.repeat(32)))
    await expect(bearer(await hmac)).rejects.toThrow(refusedAs('auth.invalid'))
  })
})

describe('revocation', () => {
  it.each([
    ['session', 'session-1'],
    ['member', `${tenant.id}:user-1`],
    ['user', 'user-1'],
  ] as const)('of a %s ends its tokens within 5 s', async (kind, subject) => {
    const { bearer, identity, clock } = await room()
    const token = await sign(claims(start), ed)
    await bearer(token)
    clock.advance(1)
    identity.revoke(kind, subject)
    clock.advance(4_500)
    await expect(bearer(token)).rejects.toThrow(refusedAs('auth.revoked'))
    clock.advance(600_000)
    await expect(bearer(token)).rejects.toThrow(refusedAs('auth.revoked'))
  })

  it('of a membership spares other tenants, other users and tokens made later', async () => {
    const { bearer, identity, clock } = await room()
    identity.revoke('member', `${tenant.id}:user-1`)
    clock.advance(5_000)
    await bearer(await sign(claims(start, { sub: 'user-2' }), ed))
    await bearer(await sign(claims(start, { tenant: '0190a000-0000-7000-8000-000000000002' }), ed))
    await bearer(await sign(claims(clock.at), ed))
    await expect(bearer(await sign(claims(start), ed))).rejects.toThrow(refusedAs('auth.revoked'))
  })

  it('is learned at the first request too', async () => {
    const { bearer, identity, clock } = await room()
    identity.revoke('session', 'session-1')
    clock.advance(600_000)
    await expect(bearer(await sign(claims(start), ed))).rejects.toThrow(refusedAs('auth.revoked'))
  })

  it('is looked for in the background from 2 s on, waited for from 4 s on', async () => {
    const { bearer, identity, clock, authenticator } = await room()
    const token = await sign(claims(start), ed)
    const polls: number[] = []
    for (const step of [0, 2_000, 1, 1_999, 4_001]) {
      clock.advance(step)
      await bearer(token)
      await authenticator[Symbol.asyncDispose]()
      polls.push(identity.asked.revocations)
    }
    expect(polls).toEqual([1, 1, 2, 2, 3])
  })

  it('looks back 30 s, so that a late commit is not missed', async () => {
    const { bearer, identity, clock } = await room()
    const token = await sign(claims(start), ed)
    await bearer(token)
    clock.advance(10_000)
    identity.revoked.push({ kind: 'session', subject: 'session-1', at: start - 15_000 })
    await expect(bearer(token)).rejects.toThrow(refusedAs('auth.revoked'))
    expect(identity.since[1]).toBe(start - 30_000)
  })

  it('fails closed: without news for 4 s nobody passes, and all pass again afterwards', async () => {
    const { bearer, identity, clock } = await room()
    const token = await sign(claims(start), ed)
    await bearer(token)
    identity.down = true
    clock.advance(3_000)
    await bearer(token)
    clock.advance(1_500)
    await expect(bearer(token)).rejects.toThrow('ECONNREFUSED')
    identity.down = false
    await bearer(token)
  })
})

describe('API keys', () => {
  const key = `slp_0190a000aaaa_${'s'.repeat(43)}`
  const good = (at: number, changes = {}): KeyVerdict => ({
    valid: true,
    id: '0190a000aaaa',
    name: 'ci',
    tenant,
    role: 'admin',
    scopes: ['files:read'],
    createdBy: 'user-1',
    expiresAt: null,
    verifiedAt: at,
    ...changes,
  })

  it('become principals, and are asked about once a minute', async () => {
    const { bearer, identity, clock } = await room()
    identity.apiKeys.set(key, good(start))
    expect(await bearer(key)).toEqual({
      kind: 'key',
      id: '0190a000aaaa',
      keyId: '0190a000aaaa',
      person: 'user-1',
      name: 'ci',
      tenant,
      role: 'admin',
      scopes: ['files:read'],
    })
    for (let i = 0; i < 10; i++) await bearer(key)
    expect(identity.asked.verifyKey).toBe(1)
    clock.advance(60_000)
    await bearer(key)
    expect(identity.asked.verifyKey).toBe(2)
  })

  it('are asked about once, however many requests come at the same time', async () => {
    const { bearer, identity } = await room()
    identity.apiKeys.set(key, good(start))
    await Promise.all(Array.from({ length: 20 }, () => bearer(key)))
    expect(identity.asked.verifyKey).toBe(1)
  })

  it.each([
    ['key', '0190a000aaaa'],
    ['member', `${tenant.id}:user-1`],
    ['user', 'user-1'],
  ] as const)('are asked about again within 5 s after a revocation of the %s', async (kind, subject) => {
    const { bearer, identity, clock } = await room()
    identity.apiKeys.set(key, good(start))
    await bearer(key)
    clock.advance(1)
    identity.revoke(kind, subject)
    identity.apiKeys.set(key, { valid: false, reason: 'revoked' })
    clock.advance(4_500)
    await expect(bearer(key)).rejects.toThrow(refusedAs('auth.revoked'))
  })

  it('take over the new role of their maker', async () => {
    const { bearer, identity, clock } = await room()
    identity.apiKeys.set(key, good(start))
    await bearer(key)
    clock.advance(1)
    identity.revoke('member', `${tenant.id}:user-1`)
    clock.advance(4_500)
    identity.apiKeys.set(key, good(clock.at, { role: 'viewer' }))
    expect(await bearer(key)).toMatchObject({ role: 'viewer' })
  })

  it('expire while they are remembered', async () => {
    const { bearer, identity, clock } = await room()
    identity.apiKeys.set(key, good(start, { expiresAt: start + 10_000 }))
    await bearer(key)
    clock.advance(10_000)
    await expect(bearer(key)).rejects.toThrow(refusedAs('auth.expired'))
  })

  it('that nobody made are refused, and not asked about at every try', async () => {
    const { bearer, identity } = await room()
    for (let i = 0; i < 10; i++) await expect(bearer(key)).rejects.toThrow(refusedAs('auth.invalid'))
    expect(identity.asked.verifyKey).toBe(1)
  })

  it.each(['slp_', 'slp_a_b', `slp_0190a000aaaa_${'s'.repeat(500)}`, `slp_../../x_${'s'.repeat(43)}`])(
    'are refused unasked when they look like %s',
    async (odd) => {
      const { bearer, identity } = await room()
      await expect(bearer(odd)).rejects.toThrow(refusedAs('auth.invalid'))
      expect(identity.asked.verifyKey).toBe(0)
    },
  )
})

describe('an external issuer', () => {
  const secret = 'a-shared-secret-of-32-bytes-or-more'
  const external = { issuer: 'https://login.example', audience: 'slipway', secret }
  const signed = (payload: JWTPayload, by = secret) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(by))
  const foreign = (changes: Record<string, unknown> = {}) =>
    claims(start, { iss: external.issuer, sid: undefined, iat_ms: undefined, ...changes })

  it('with a shared secret is believed, as far as tenants go', async () => {
    const { bearer } = await room({ external })
    expect(await bearer(await signed(foreign()))).toMatchObject({ kind: 'user', tenant, role: 'member' })
    expect(await bearer(await signed(foreign({ operator: true })))).toMatchObject({ kind: 'user' })
  })

  it('cannot speak for us, nor we with its secret', async () => {
    const { bearer } = await room({ external })
    await expect(bearer(await signed(claims(start)))).rejects.toThrow(refusedAs('auth.invalid'))
    await expect(bearer(await signed(foreign(), 'another-secret-of-32-bytes-or-more!'))).rejects.toThrow(refusedAs('auth.invalid'))
    await expect(bearer(await sign(foreign(), ed))).rejects.toThrow(refusedAs('auth.invalid'))
  })

  it('is nobody when it is not configured', async () => {
    const { bearer } = await room()
    await expect(bearer(await signed(foreign()))).rejects.toThrow(refusedAs('auth.invalid'))
  })

  it.each([{ secret: 'short' }, { secret: null }, { jwksUrl: 'http://127.0.0.1:1/jwks' }])(
    'is refused at start-up when it is configured as %j',
    async (change) => {
      await expect(room({ external: { ...external, ...change } })).rejects.toThrow(/external issuer/)
    },
  )
})
