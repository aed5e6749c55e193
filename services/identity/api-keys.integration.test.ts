import { scopes } from '@slipway/auth'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'

let room: Room
let owner: Person
let token: string
beforeAll(async () => {
  room = await openRoom()
  owner = await room.person('owner')
  await room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug: 'acme', name: 'Acme' } })
  token = await owner.token('acme')
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

/** The secret may have underscores of its own. */
const secretOf = (key: string) => key.slice(`slp_${'0'.repeat(32)}_`.length)
const make = (body: object, by = token, headers = {}) => room.call('POST', '/api/v1/api-keys', { token: by, body, headers })
const members = (by: string, headers = {}) => room.call('GET', '/api/v1/members', { token: by, headers })
const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

describe('an API key', () => {
  it('is shown once, kept as a hash, and says who it is', async () => {
    const made = await make({ name: 'ci', scopes: ['tenant:read'] })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'ci', scopes: ['tenant:read'], createdBy: owner.id, expiresAt: null, lastUsedAt: null },
    })
    expect(made.body.key).toMatch(/^slp_[0-9a-f]{32}_[\w-]{43}$/)
    const stored = JSON.stringify([
      await rows(sql`select * from api_key`),
      await rows(sql`select * from audit`),
      await rows(sql`select * from idempotency_keys`),
    ])
    expect(stored).not.toContain(secretOf(made.body.key))
    const listed = (await room.call('GET', '/api/v1/api-keys', { token })).body.items
    expect(listed.find(({ id }: { id: string }) => id === made.body.id)).toBeDefined()
    expect(JSON.stringify(listed)).not.toContain('slp_')
    const me = await room.call('GET', '/api/v1/me', { token: made.body.key })
    expect(me.body).toMatchObject({
      kind: 'key',
      id: made.body.id,
      user: null,
      tenant: { slug: 'acme' },
      role: 'owner',
      scopes: ['tenant:read'],
    })
  })

  it('does what its scopes say, in its own tenant', async () => {
    const { key } = (await make({ name: 'reader', scopes: ['tenant:read'] })).body
    expect((await members(key)).status).toBe(200)
    expect((await members(key, { 'x-tenant-slug': 'acme' })).status).toBe(200)
    expect(code(await members(key, { 'x-tenant-slug': 'other' }))).toBe('403 tenant.mismatch')
    expect(code(await room.call('GET', '/api/v1/api-keys', { token: key }))).toBe('403 auth.scope-missing')
    expect(code(await room.call('GET', '/api/v1/auth/sessions', { token: key }))).toBe('403 auth.forbidden')
    expect((await room.call('GET', '/api/v1/tenants', { token: key })).body.items).toMatchObject([{ slug: 'acme', role: 'owner' }])
  })

  it('notes when it was used', async () => {
    const { key, id } = (await make({ name: 'used', scopes: ['tenant:read'] })).body
    await members(key)
    const found = (await room.call('GET', '/api/v1/api-keys', { token })).body.items.find((item: { id: string }) => item.id === id)
    expect(found.lastUsedAt).toMatch(/^\d{4}-/)
  })

  it('ends within 5 s after it was revoked', async () => {
    const { key, id } = (await make({ name: 'short', scopes: ['tenant:read'] })).body
    expect((await members(key)).status).toBe(200)
    expect((await room.call('DELETE', `/api/v1/api-keys/${id}`, { token })).status).toBe(204)
    room.clock.advance(4_500)
    expect(code(await members(key))).toBe('401 auth.revoked')
    expect(code(await room.call('DELETE', `/api/v1/api-keys/${id}`, { token }))).toBe('404 resource.not-found')
  })

  it('expires', async () => {
    const { key, id } = (
      await make({ name: 'expiring', scopes: ['tenant:read'], expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
    ).body
    expect((await members(key)).status).toBe(200)
    await rows(sql`update api_key set expires_at = now() - interval '1 s' where id = ${id}`)
    room.clock.advance(61_000)
    expect(code(await members(key))).toBe('401 auth.expired')
  })

  it.each([
    ['a wrong secret', (key: string) => `${key.slice(0, -3)}abc`],
    ['an unknown id', (key: string) => `slp_${'0'.repeat(32)}_${secretOf(key)}`],
    ['no secret', (key: string) => key.slice(0, 37)],
    ['a suffix', (key: string) => `${key}x`],
    ['SQL', () => `slp_${"'or'1'='1".padEnd(32, '0')}_${'x'.repeat(43)}`],
  ])('is refused with %s', async (_name, change) => {
    const { key } = (await make({ name: 'changed', scopes: ['tenant:read'] })).body
    expect(code(await members(change(key)))).toBe('401 auth.invalid')
  })
})

describe('making API keys', () => {
  it.each([
    ['an unknown scope', { name: 'k', scopes: ['files:everything'] }, '/body/scopes/0'],
    ['the scope *', { name: 'k', scopes: ['*'] }, '/body/scopes/0'],
    ['no scope', { name: 'k', scopes: [] }, '/body/scopes'],
    ['a scope twice', { name: 'k', scopes: ['files:read', 'files:read'] }, '/body/scopes'],
    ['an expiry in the past', { name: 'k', scopes: ['files:read'], expiresAt: '2020-01-01T00:00:00Z' }, '/body/expiresAt'],
    ['an expiry that is no time', { name: 'k', scopes: ['files:read'], expiresAt: 'tomorrow' }, '/body/expiresAt'],
    ['no name', { scopes: ['files:read'] }, '/body/name'],
  ])('refuses %s', async (_name, body, pointer) => {
    const answer = await make(body)
    expect(code(answer)).toBe('422 request.invalid')
    expect(answer.body.errors[0].pointer).toBe(pointer)
  })

  it('gives all scopes to an owner', async () => {
    expect((await make({ name: 'all', scopes: Object.keys(scopes) })).status).toBe(201)
  })

  it('lets a key give away what it has, and no more', async () => {
    const { key } = (await make({ name: 'parent', scopes: ['keys:write', 'tenant:read'] })).body
    const child = await make({ name: 'child', scopes: ['tenant:read'] }, key)
    expect(child).toMatchObject({ status: 201, body: { createdBy: owner.id } })
    const greedy = await make({ name: 'greedy', scopes: ['tenant:read', 'tenant:write'] }, key)
    expect(greedy.body).toMatchObject({ code: 'request.invalid', errors: [{ pointer: '/body/scopes/1' }] })
  })

  it('makes one key for one Idempotency-Key, and shows it again', async () => {
    const once = () => make({ name: 'once', scopes: ['files:read'] }, token, { 'idempotency-key': '"key-once"' })
    const [first, second] = [await once(), await once()]
    expect(first.body.key).toBeDefined()
    expect(second.body).toEqual(first.body)
    expect(code(await make({ name: 'twice', scopes: ['files:read'] }, token, { 'idempotency-key': '"key-once"' }))).toBe(
      '422 idempotency.key-reused',
    )
  })

  it('does not reach keys of other tenants', async () => {
    const other = await room.person('other')
    await room.call('POST', '/api/v1/tenants', { token: await other.token(), body: { slug: 'other', name: 'Other' } })
    const foreign = (await make({ name: 'foreign', scopes: ['files:read'] }, await other.token('other'))).body
    expect(code(await room.call('DELETE', `/api/v1/api-keys/${foreign.id}`, { token }))).toBe('404 resource.not-found')
    const listed = (await room.call('GET', '/api/v1/api-keys', { token })).body.items
    expect(listed.map(({ id }: { id: string }) => id)).not.toContain(foreign.id)
  })

  it('is recorded without the key', async () => {
    const { id } = (await make({ name: 'recorded', scopes: ['files:read'] })).body
    await room.call('DELETE', `/api/v1/api-keys/${id}`, { token })
    const trail = (await room.call('GET', `/api/v1/audit?subjectType=api-key&subjectId=${id}`, { token })).body.items
    expect(trail.map(({ action }: { action: string }) => action)).toEqual(['api-key.revoked', 'api-key.created'])
  })
})
