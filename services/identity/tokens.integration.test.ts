import { sql } from 'drizzle-orm'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addOperator } from './domain/operators.ts'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'
import { process as upkeep } from './jobs/identity-upkeep.processor.ts'

let room: Room
let owner: Person
beforeAll(async () => {
  room = await openRoom()
  owner = await room.person('owner')
  await room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug: 'acme', name: 'Acme' } })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const issue = (session: string, body: unknown = {}, headers = {}) =>
  room.call('POST', '/api/v1/auth/token', { token: session, body, headers })
const code = ({ status, body }: Answer) => `${status} ${body.code}`
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

describe('POST /auth/token', () => {
  it('gives a token for a tenant that any JWT library can verify by the key set', async () => {
    const { status, body } = await issue(owner.session, { tenant: 'acme' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ tokenType: 'Bearer', expiresIn: 900, tenant: { slug: 'acme', name: 'Acme' }, role: 'owner' })
    const keys = createRemoteJWKSet(new URL(`${room.url}/.well-known/jwks.json`))
    const { payload, protectedHeader } = await jwtVerify(body.accessToken, keys, { issuer: 'http://localhost:8800', audience: 'slipway' })
    expect(protectedHeader.alg).toBe('EdDSA')
    expect(payload).toMatchObject({
      sub: owner.id,
      tenant: body.tenant.id,
      tenant_slug: 'acme',
      role: 'owner',
      sid: expect.any(String),
      jti: expect.any(String),
    })
    expect(payload.exp).toBe(Number(payload.iat) + 900)
    expect(Math.floor(Number(payload.iat_ms) / 1000)).toBe(payload.iat)
    expect(payload.operator).toBeUndefined()
  })

  it('gives one without a tenant, for those who have none yet', async () => {
    const { body } = await issue(owner.session)
    expect(body).toMatchObject({ tenant: null, role: null })
    expect(decodeJwt(body.accessToken)).not.toHaveProperty('tenant')
    expect(code(await room.call('GET', '/api/v1/members', { token: body.accessToken }))).toBe('400 tenant.required')
  })

  it('takes the tenant from the host name or X-Tenant-Slug, too', async () => {
    expect((await issue(owner.session, {}, { 'x-tenant-slug': 'acme' })).body.tenant.slug).toBe('acme')
  })

  it('says of a foreign tenant what it says of a missing one', async () => {
    const stranger = await room.person('stranger')
    const [foreign, missing] = [
      await issue(stranger.session, { tenant: 'acme' }),
      await issue(stranger.session, { tenant: 'no-such-tenant' }),
    ]
    expect(code(foreign)).toBe('404 resource.not-found')
    expect({ ...foreign.body, traceId: '' }).toEqual({ ...missing.body, traceId: '' })
  })

  it.each(['%00', "'; drop table member; --", 'a'.repeat(63), '..'])('finds no tenant %j', async (slug) => {
    expect(code(await issue(owner.session, { tenant: slug }))).toBe('404 resource.not-found')
  })

  it('can be limited to scopes', async () => {
    const { accessToken } = (await issue(owner.session, { tenant: 'acme', scopes: ['tenant:read'] })).body
    expect((await room.call('GET', '/api/v1/members', { token: accessToken })).status).toBe(200)
    expect(code(await room.call('GET', '/api/v1/api-keys', { token: accessToken }))).toBe('403 auth.scope-missing')
    expect((await issue(owner.session, { scopes: ['everything:ever'] })).body).toMatchObject({
      code: 'request.invalid',
      errors: [{ pointer: '/body/scopes/0' }],
    })
  })

  it.each([
    ['no credentials', {}, '401 auth.required'],
    ['an unknown session', { token: `sls_${'x'.repeat(32)}` }, '401 auth.invalid'],
    ['an API key', { token: `slp_${'0'.repeat(32)}_${'x'.repeat(43)}` }, '401 auth.invalid'],
    ['another scheme', { headers: { authorization: 'Basic dTpw' } }, '401 auth.invalid'],
    ['an unknown cookie', { headers: { cookie: 'slipway-session=sls_x', origin: 'http://localhost:8800' } }, '401 auth.invalid'],
  ])('refuses %s', async (_name, call, expected) => {
    expect(code(await room.call('POST', '/api/v1/auth/token', { body: {}, ...call }))).toBe(expected)
  })

  it('does not take an access token for a session', async () => {
    expect(code(await issue(await owner.token('acme'), { tenant: 'acme' }))).toBe('401 auth.invalid')
  })
})

describe('access tokens', () => {
  const me = (token: string, headers = {}) => room.call('GET', '/api/v1/me', { token, headers })

  it('say who is there', async () => {
    expect((await me(await owner.token('acme'))).body).toMatchObject({
      kind: 'user',
      id: owner.id,
      user: { email: owner.email },
      tenant: { slug: 'acme' },
      role: 'owner',
      scopes: ['*'],
      tenants: [{ slug: 'acme', role: 'owner' }],
    })
  })

  it('are good for their own tenant only', async () => {
    expect(code(await me(await owner.token('acme'), { 'x-tenant-slug': 'other' }))).toBe('403 tenant.mismatch')
    expect((await me(await owner.token('acme'), { 'x-tenant-slug': 'acme' })).status).toBe(200)
  })

  it('are refused when they are forged', async () => {
    const real = await owner.token('acme')
    const { kid } = decodeProtectedHeader(real)
    const { privateKey } = await generateKeyPair('EdDSA')
    const forge = (header: object, changes: object = {}) =>
      new SignJWT({ ...decodeJwt(real), ...changes }).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(privateKey)
    const [head, , signature] = real.split('.')
    const edited = Buffer.from(JSON.stringify({ ...decodeJwt(real), role: 'owner', tenant: owner.id })).toString('base64url')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${real.split('.')[1]}.`
    for (const token of [
      await forge({ kid }),
      await forge({ kid: 'unknown' }),
      await forge({}),
      `${head}.${edited}.${signature}`,
      none,
      `${real}x`,
      real.repeat(20),
    ]) {
      expect(code(await me(token))).toBe('401 auth.invalid')
    }
  })

  it('are refused in other places than the Authorization header', async () => {
    const token = await owner.token('acme')
    expect(code(await room.call('GET', '/api/v1/members', { headers: { cookie: `slipway-session=${owner.session}` } }))).toBe(
      '401 auth.required',
    )
    expect((await room.call('GET', `/api/v1/members?access_token=${token}`)).status).toBe(401)
  })
})

describe('keys of tokens', () => {
  it('are published without their private part, and kept encrypted', async () => {
    for (const path of ['/api/v1/auth/jwks', '/.well-known/jwks.json']) {
      const { body, headers } = await room.call('GET', path)
      expect(body.keys).toEqual([{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' }])
      expect(headers.get('cache-control')).toContain('max-age')
    }
    const [stored] = await rows(sql`select private_key from jwks`)
    expect(stored?.private_key).not.toMatch(/"d"|kty/)
  })

  it('are published before they sign, and withdrawn long after', async () => {
    await using own = await openRoom({ IDENTITY_SIGNING_KEY_DAYS: '2' })
    const person = await own.person('rotation')
    const kid = async () => decodeProtectedHeader(await person.token()).kid
    const published = async () => (await own.call('GET', '/api/v1/auth/jwks')).body.keys.map((key: { kid: string }) => key.kid)
    const age = (interval: string) =>
      own.context.system.transaction((tx) =>
        tx.execute(sql`update jwks set created_at = created_at - ${interval}::interval, expires_at = expires_at - ${interval}::interval`),
      )
    const first = await kid()
    expect((await upkeep({} as never, own.workerContext)).keyMade).toBe(false)
    await age('37 hours')
    expect((await upkeep({} as never, own.workerContext)).keyMade).toBe(true)
    expect((await upkeep({} as never, own.workerContext)).keyMade).toBe(false)
    expect(await kid()).toBe(first)
    expect(await published()).toHaveLength(2)
    await age('11 minutes')
    const second = await kid()
    expect(second).not.toBe(first)
    await age('24 hours')
    expect(await published()).toContain(first)
    await age('48 hours')
    await upkeep({} as never, own.workerContext)
    expect(await published()).not.toContain(first)
  })
})

describe('operators', () => {
  it('see all tenants, after they were made by the system, and every look is recorded', async () => {
    const person = await room.person('operator')
    expect(code(await issue(person.session, { operator: true }))).toBe('403 auth.forbidden')
    const made = await room.addOperator(person.email)
    expect(made).toMatchObject({ status: 200, body: { userId: person.id } })
    const { accessToken } = (await issue(person.session, { operator: true })).body
    expect((await room.call('GET', '/api/v1/operator/tenants', { token: accessToken })).body.items).toContainEqual(
      expect.objectContaining({ slug: 'acme' }),
    )
    expect(await rows(sql`select actor_kind from audit where action = 'operator.looked' and actor_id = ${person.id}`)).toEqual([
      { actor_kind: 'operator' },
    ])
  })

  it('enter a tenant as admins do, and the tenant sees it', async () => {
    const person = await room.person('visitor')
    const actor = { kind: 'system', id: 'test', from: {} } as const
    await room.context.system.transaction((tx) => addOperator(tx, person.email, actor))
    expect(code(await issue(person.session, { tenant: 'acme' }))).toBe('404 resource.not-found')
    const { accessToken } = (await issue(person.session, { tenant: 'acme', operator: true })).body
    expect((await room.call('GET', '/api/v1/members', { token: accessToken })).status).toBe(200)
    const trail = (await room.call('GET', '/api/v1/audit?action=operator.entered', { token: await owner.token('acme') })).body.items
    expect(trail).toMatchObject([{ actor: { kind: 'operator', id: person.id, name: person.email } }])
  })

  it('are nobody by their role in a tenant', async () => {
    expect(code(await room.call('GET', '/api/v1/operator/tenants', { token: await owner.token('acme') }))).toBe('403 auth.forbidden')
    expect(code(await issue(owner.session, { tenant: 'acme', operator: true }))).toBe('403 auth.forbidden')
  })
})

describe('the internal listener', () => {
  it('serves services only, and the open listener does not have its routes', async () => {
    const paths = ['/internal/v1/jwks', '/internal/v1/revocations?since=2026-01-01T00:00:00Z', '/internal/v1/tenants/acme']
    for (const path of paths) {
      expect((await room.internal('GET', path)).status).toBe(200)
      expect(code(await room.internal('GET', path, { headers: { authorization: 'Service files.wrong' } }))).toBe('401 auth.invalid')
      expect((await room.internal('GET', path, { headers: { authorization: `Bearer ${await owner.token('acme')}` } })).status).toBe(401)
      expect((await room.call('GET', path)).status).toBe(404)
    }
  })

  it('does not have the open routes', async () => {
    expect((await room.internal('GET', '/api/v1/me')).status).toBe(404)
  })
})

describe('in the end', () => {
  it('access tokens expire', async () => {
    const token = await owner.token('acme')
    room.clock.advance(901_000)
    expect(code(await room.call('GET', '/api/v1/me', { token }))).toBe('401 auth.expired')
  })
})
