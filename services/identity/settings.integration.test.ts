import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSealer } from './domain/seal.ts'
import { resealSettings, revealSetting } from './domain/settings.ts'
import { type Answer, type Call, openRoom, type Person, type Room } from './identity.fixtures.ts'

const oldKey = `k1:${randomBytes(32).toString('base64')}`
let room: Room
let owner: Person
let token: string
let tenantId: string
beforeAll(async () => {
  room = await openRoom({ IDENTITY_ENCRYPTION_KEY: oldKey })
  owner = await room.person('owner')
  tenantId = (await room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug: 'acme', name: 'Acme' } })).body.id
  token = await owner.token('acme')
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const put = (key: string, body: unknown, call: Call = {}) => room.call('PUT', `/api/v1/settings/${key}`, { token, body, ...call })
const get = (key: string, by = token) => room.call('GET', `/api/v1/settings/${key}`, { token: by })
const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

describe('settings', () => {
  it.each([
    ['string', 'Kind regards'],
    ['number', 1.5],
    ['boolean', false],
    ['json', { a: [1, null, { b: 'c' }] }],
    ['json', null],
    ['json', String.raw`not NUL: \u0000`],
    ['string', '🔑'],
  ])('keep a %s: %j', async (type, value) => {
    const set = await put('kept.value', { type, value })
    expect(set).toMatchObject({ status: 200, body: { key: 'kept.value', type, value, updatedBy: owner.id } })
    expect((await get('kept.value')).body).toEqual(set.body)
  })

  it.each([
    ['a type that does not exist', 'x', { type: 'date', value: '1' }, '422 request.invalid'],
    ['a value of another type', 'x', { type: 'number', value: '1' }, '422 request.invalid'],
    ['no value', 'x', { type: 'string' }, '422 request.invalid'],
    ['an empty secret', 'x', { type: 'secret', value: '' }, '422 request.invalid'],
    ['NUL', 'x', { type: 'string', value: 'a\u0000b' }, '400 request.malformed'],
    ['NUL deep in JSON', 'x', { type: 'json', value: [{ a: '\u0000' }] }, '400 request.malformed'],
    ['half a surrogate pair', 'x', { type: 'json', value: '\ud800' }, '400 request.malformed'],
    ['16 kB and more', 'x', { type: 'string', value: 'x'.repeat(16_385) }, '422 request.invalid'],
    ['64 kB and more', 'x', { type: 'json', value: 'x'.repeat(70_000) }, '413 request.too-large'],
    ['a key in capitals', 'Mail', { type: 'number', value: 1 }, '400 request.parameters-invalid'],
    ['a key that climbs', '..%2Fx', { type: 'number', value: 1 }, '400 request.parameters-invalid'],
  ])('refuse %s', async (...[, key, body, expected]) => {
    expect(code(await put(key, body))).toBe(expected)
  })

  it('are listed by key, page by page', async () => {
    for (const key of ['list.b', 'list.a', 'list.c']) await put(key, { type: 'number', value: 1 })
    const keys = async (query: string) => (await room.call('GET', `/api/v1/settings?${query}`, { token })).body
    const first = await keys('limit=2')
    const rest = await keys(`limit=100&cursor=${first.nextCursor}`)
    const all = [...first.items, ...rest.items].map(({ key }: { key: string }) => key)
    expect(all).toEqual([...all].sort())
    expect(all).toEqual(expect.arrayContaining(['list.a', 'list.b', 'list.c']))
  })

  it('are guarded by If-Match and If-None-Match', async () => {
    const first = await put('guarded', { type: 'number', value: 1 }, { headers: { 'if-none-match': '*' } })
    expect(first.status).toBe(200)
    expect(code(await put('guarded', { type: 'number', value: 2 }, { headers: { 'if-none-match': '*' } }))).toBe('412 precondition.failed')
    const etag = first.headers.get('etag') ?? ''
    expect((await put('guarded', { type: 'number', value: 2 }, { headers: { 'if-match': etag } })).status).toBe(200)
    expect(code(await put('guarded', { type: 'number', value: 3 }, { headers: { 'if-match': etag } }))).toBe('412 precondition.failed')
    expect(code(await put('not-there', { type: 'number', value: 3 }, { headers: { 'if-match': '*' } }))).toBe('412 precondition.failed')
  })

  it('are removed', async () => {
    await put('gone', { type: 'number', value: 1 })
    expect((await room.call('DELETE', '/api/v1/settings/gone', { token })).status).toBe(204)
    expect(code(await get('gone'))).toBe('404 resource.not-found')
    expect(code(await room.call('DELETE', '/api/v1/settings/gone', { token }))).toBe('404 resource.not-found')
  })

  it('of other tenants do not exist', async () => {
    await put('private', { type: 'string', value: 'ours' })
    const other = await room.person('other')
    await room.call('POST', '/api/v1/tenants', { token: await other.token(), body: { slug: 'other', name: 'Other' } })
    const theirs = await other.token('other')
    expect(code(await get('private', theirs))).toBe('404 resource.not-found')
    await put('private', { type: 'string', value: 'theirs' }, { token: theirs })
    expect((await get('private')).body.value).toBe('ours')
  })
})

describe('secrets', () => {
  const secret = 'hunter2-hunter2-hunter2'

  it('are sealed at rest, never returned, and read by services', async () => {
    const set = await put('smtp.password', { type: 'secret', value: secret })
    expect(set.body).not.toHaveProperty('value')
    expect((await get('smtp.password')).body).not.toHaveProperty('value')
    const stored = JSON.stringify([await rows(sql`select *, encode(sealed, 'escape') from setting`), await rows(sql`select * from audit`)])
    expect(stored).not.toContain(secret)
    const trail = (await room.call('GET', '/api/v1/audit?subjectType=setting&subjectId=smtp.password', { token })).body.items
    expect(trail[0].after).toMatchObject({ type: 'secret', value: '[secret]' })
    const revealed = await room.internal('GET', `/internal/v1/tenants/${tenantId}/settings/smtp.password`)
    expect(revealed.body).toEqual({ type: 'secret', value: secret })
  })

  it('survive a change of keys: the old one opens until everything is sealed with the new one', async () => {
    await put('rotated', { type: 'secret', value: secret })
    const newKey = `k2:${randomBytes(32).toString('base64')}`
    const both = createSealer(`${newKey},${oldKey}`)
    const onlyNew = createSealer(newKey)
    const { system, database } = room.context
    const open = (sealer = both) => database.tenantTransaction(tenantId, (tx) => revealSetting(tx, sealer, 'rotated'))
    await expect(open(onlyNew)).rejects.toThrow(/k1/)
    expect(await system.transaction((tx) => resealSettings(tx, both))).toMatchObject({ failed: null })
    expect(await system.transaction((tx) => resealSettings(tx, both))).toEqual({ done: 0, failed: null })
    expect((await open(onlyNew))?.value).toBe(secret)
  })

  it('cannot be moved to another tenant or key', async () => {
    await put('moved.from', { type: 'secret', value: secret })
    await rows(
      sql`insert into setting (tenant_id, key, type, sealed, updated_by) select tenant_id, 'moved.to', type, sealed, 'x' from setting where key = 'moved.from'`,
    )
    const { database, sealer } = room.context
    await expect(database.tenantTransaction(tenantId, (tx) => revealSetting(tx, sealer, 'moved.to'))).rejects.toThrow()
  })
})
