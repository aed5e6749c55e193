import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addOperator } from './domain/operators.ts'
import { putSetting } from './domain/settings.ts'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'
import { process as upkeep } from './jobs/identity-upkeep.processor.ts'

type Role = 'owner' | 'admin' | 'member' | 'viewer'

let room: Room
let owner: Person
let slug: string
let count = 0
beforeAll(async () => {
  room = await openRoom({ IDENTITY_ATTEMPTS_PER_ACCOUNT: '100' })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  owner = await room.person('owner')
  slug = `tenant-${++count}`
  await room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug, name: 'Tenant' } })
})

const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows
const invite = (token: string, email: string, role: Role) => room.call('POST', '/api/v1/invitations', { token, body: { email, role } })
const setRole = async (whom: Person, role: Role) =>
  room.call('PATCH', `/api/v1/members/${whom.id}`, { token: await owner.token(slug), body: { role } })
const remove = async (whom: Person) => room.call('DELETE', `/api/v1/members/${whom.id}`, { token: await owner.token(slug) })
const members = (token: string) => room.call('GET', '/api/v1/members', { token })
const makeKey = (token: string, scopes: string[], more: object = {}) =>
  room.call('POST', '/api/v1/api-keys', { token, body: { name: 'key', scopes, ...more } })

async function accept(person: Person, given?: string): Promise<Answer> {
  const body = { token: given ?? (await room.linkTo(person.email, 'invitation')) }
  return room.call('POST', '/api/v1/invitations/accept', { token: await person.token(), body })
}

async function join(role: Role): Promise<Person> {
  const person = await room.person(role)
  await invite(await owner.token(slug), person.email, role)
  expect((await accept(person)).status).toBe(200)
  return person
}

async function narrow(person: Person, body: object): Promise<string> {
  const issued = await room.call('POST', '/api/v1/auth/token', { token: person.session, body })
  expect(issued.status).toBe(200)
  return issued.body.accessToken
}

/** Verifiers may not know for some seconds that access has ended: what is made in them must not outlive it. */
describe('in the seconds before verifiers know', () => {
  beforeEach(() => {
    // The next request asks what has ended until now, and none after it does. Tokens made meanwhile must not lie too far ahead.
    room.clock.advance(10_000)
    room.clock.hold()
  })
  afterEach(() => room.clock.letGo())

  it('a former owner invites nobody', async () => {
    const former = await join('owner')
    const token = await former.token(slug)
    await setRole(former, 'viewer')
    expect(code(await invite(token, 'accomplice@example.com', 'owner'))).toBe('403 auth.forbidden')
    await remove(former)
    expect(code(await invite(token, 'accomplice@example.com', 'viewer'))).toBe('403 auth.forbidden')
    expect(await rows(sql`select 1 from invitation where email = 'accomplice@example.com'`)).toEqual([])
  })

  it('an owner who is an admin now invites as an admin', async () => {
    const former = await join('owner')
    const token = await former.token(slug)
    await setRole(former, 'admin')
    expect(code(await invite(token, 'accomplice@example.com', 'owner'))).toBe('403 auth.forbidden')
    expect((await invite(token, 'colleague@example.com', 'admin')).status).toBe(201)
  })

  it('a former admin makes no keys', async () => {
    const former = await join('admin')
    const token = await former.token(slug)
    await setRole(former, 'viewer')
    expect(code(await makeKey(token, ['files:read']))).toBe('403 auth.forbidden')
    await remove(former)
    expect(code(await makeKey(token, ['files:read']))).toBe('403 auth.forbidden')
    expect(await rows(sql`select 1 from api_key where created_by = ${former.id}`)).toEqual([])
  })

  it('a revoked key makes no keys and changes no roles', async () => {
    const token = await owner.token(slug)
    const [member, made] = [await join('member'), await makeKey(token, ['keys:write', 'tenant:write', 'tenant:read'])]
    expect((await members(made.body.key)).status).toBe(200)
    expect((await room.call('DELETE', `/api/v1/api-keys/${made.body.id}`, { token })).status).toBe(204)
    expect(code(await makeKey(made.body.key, ['tenant:read']))).toBe('401 auth.revoked')
    const promoted = await room.call('PATCH', `/api/v1/members/${member.id}`, { token: made.body.key, body: { role: 'owner' } })
    expect(code(promoted)).toBe('401 auth.revoked')
    expect((await rows(sql`select 1 from api_key join organization o on o.id = tenant_id where slug = ${slug}`)).length).toBe(1)
  })

  it('a key goes by what its maker is now', async () => {
    const [former, member] = [await join('owner'), await join('member')]
    const { key } = (await makeKey(await former.token(slug), ['tenant:write', 'tenant:read'])).body
    expect((await members(key)).status).toBe(200)
    await setRole(former, 'admin')
    const promoted = await room.call('PATCH', `/api/v1/members/${member.id}`, { token: key, body: { role: 'owner' } })
    expect(code(promoted)).toBe('403 auth.forbidden')
  })
})

describe('what somebody leaves behind', () => {
  it('keys do not come back to life when their maker comes back', async () => {
    const admin = await join('admin')
    const { key, id } = (await makeKey(await admin.token(slug), ['tenant:read'])).body
    expect((await members(key)).status).toBe(200)
    await remove(admin)
    await invite(await owner.token(slug), admin.email, 'admin')
    const latest = room.mail.messages().findLast(({ to }) => to.includes(admin.email))
    await room.mail.waitFor((mail) => mail.to.includes(admin.email) && mail.text !== latest?.text)
    expect((await accept(admin)).status).toBe(200)
    room.clock.advance(4_500)
    expect(code(await members(key))).toBe('401 auth.revoked')
    const listed = await room.call('GET', '/api/v1/api-keys', { token: await admin.token(slug) })
    expect(listed.body.items).toEqual([])
    expect(await rows(sql`select action from audit where subject_id = ${id} order by at desc limit 1`)).toEqual([
      { action: 'api-key.revoked' },
    ])
  })

  it('invitations end with the rank that they were made by', async () => {
    const [former, second] = [await join('owner'), await room.person('second')]
    const token = await former.token(slug)
    await invite(token, second.email, 'owner')
    await invite(token, 'third@example.com', 'member')
    const link = await room.linkTo(second.email, 'invitation')
    await setRole(former, 'admin')
    expect(code(await accept(second, link))).toMatch(/auth\.link-invalid$/)
    const waiting = async () => (await room.call('GET', '/api/v1/invitations', { token: await owner.token(slug) })).body.items
    expect(await waiting()).toMatchObject([{ email: 'third@example.com' }])
    await remove(former)
    expect(await waiting()).toEqual([])
    expect(await rows(sql`select count(*)::int as n from audit where action = 'invitation.canceled'`)).toEqual([{ n: 2 }])
  })

  it('invitations of others stay', async () => {
    const admin = await join('admin')
    await invite(await owner.token(slug), 'guest@example.com', 'owner')
    await remove(admin)
    expect((await room.call('GET', '/api/v1/invitations', { token: await owner.token(slug) })).body.items).toHaveLength(1)
  })
})

describe('credentials with limits', () => {
  it('an ending key makes no key that lives longer', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    const later = new Date(Date.now() + 7_200_000).toISOString()
    const { key } = (await makeKey(await owner.token(slug), ['keys:write', 'tenant:read'], { expiresAt: soon })).body
    for (const more of [{}, { expiresAt: later }]) {
      const answer = await makeKey(key, ['tenant:read'], more)
      expect(answer).toMatchObject({ status: 422, body: { code: 'request.invalid', errors: [{ pointer: '/body/expiresAt' }] } })
    }
    expect((await makeKey(key, ['tenant:read'], { expiresAt: soon })).status).toBe(201)
  })

  it.each([
    ['GET', '/api/v1/auth/sessions', undefined],
    ['DELETE', '/api/v1/auth/sessions', undefined],
    ['DELETE', '/api/v1/auth/sessions/019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b30', undefined],
    ['POST', '/api/v1/tenants', { slug: 'made-by-narrow', name: 'Narrow' }],
    ['POST', '/api/v1/invitations/accept', { token: 'x'.repeat(43) }],
  ])('a token limited to scopes is not the whole person: %s %s', async (method, path, body) => {
    const token = await narrow(owner, { tenant: slug, scopes: ['files:read'] })
    expect(code(await room.call(method, path, { token, body }))).toBe('403 auth.scope-missing')
    expect((await room.call('GET', '/api/v1/me', { token })).status).toBe(200)
  })

  it('nor is one of an operator', async () => {
    const actor = { kind: 'system', id: 'test', from: {} } as const
    await room.context.system.transaction((tx) => addOperator(tx, owner.email, actor))
    const token = await narrow(owner, { operator: true, scopes: ['files:read'] })
    expect(code(await room.call('GET', '/api/v1/operator/tenants', { token }))).toBe('403 auth.scope-missing')
    expect(code(await room.call('DELETE', '/api/v1/auth/sessions', { token }))).toBe('403 auth.scope-missing')
    const whole = await narrow(owner, { operator: true })
    expect((await room.call('GET', '/api/v1/operator/tenants', { token: whole })).status).toBe(200)
  })
})

describe('moments that Postgres does not have', () => {
  it.each(['0000-01-01T00:00:00Z', '0000-12-31T23:59:59Z'])('%s is refused', async (moment) => {
    const token = await owner.token(slug)
    expect(code(await room.call('GET', `/api/v1/audit?since=${moment}`, { token }))).toBe('400 request.parameters-invalid')
    expect(code(await room.call('GET', `/api/v1/audit?until=${moment}`, { token }))).toBe('400 request.parameters-invalid')
    expect(code(await makeKey(token, ['files:read'], { expiresAt: moment }))).toBe('422 request.invalid')
    expect(code(await room.internal('GET', `/internal/v1/revocations?since=${moment}`))).toBe('400 request.parameters-invalid')
  })

  it('the last one it has is not', async () => {
    const answer = await makeKey(await owner.token(slug), ['files:read'], { expiresAt: '9999-12-31T23:59:59.999Z' })
    expect(answer).toMatchObject({ status: 201, body: { expiresAt: '9999-12-31T23:59:59.999Z' } })
  })
})

describe('two at the same time', () => {
  it('do not both create a setting under If-None-Match', async () => {
    const token = await owner.token(slug)
    const { id: tenantId } = (await room.call('GET', '/api/v1/me', { token })).body.tenant
    const { database, sealer } = room.context
    const change = { tenantId, key: 'once', actor: { kind: 'system', id: 'test', from: {} }, sealer, check: () => undefined } as const
    let second: Promise<Answer> | undefined
    await database.tenantTransaction(tenantId, async (tx) => {
      await putSetting(tx, change, { type: 'number', value: 1 })
      const call = { token, body: { type: 'number', value: 2 }, headers: { 'if-none-match': '*' } }
      second = room.call('PUT', '/api/v1/settings/once', call)
      const blocked = sql`select count(*)::int as n from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`
      await expect.poll(async () => (await rows(blocked))[0]?.n).toBeGreaterThan(0)
    })
    expect(code(await (second as Promise<Answer>))).toBe('412 precondition.failed')
    expect((await room.call('GET', '/api/v1/settings/once', { token })).body.value).toBe(1)
  })

  it('create a setting once under If-None-Match', async () => {
    const token = await owner.token(slug)
    const put = (value: number) =>
      room.call('PUT', '/api/v1/settings/once', { token, body: { type: 'number', value }, headers: { 'if-none-match': '*' } })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, value) => put(value)))
    expect(answers.map(code).sort()).toEqual(['200 undefined', ...Array.from({ length: 11 }, () => '412 precondition.failed')])
    const winner = answers.find(({ status }) => status === 200)
    expect((await room.call('GET', '/api/v1/settings/once', { token })).body).toEqual(winner?.body)
  })

  it('accept an invitation once', async () => {
    const guest = await room.person('guest')
    await invite(await owner.token(slug), guest.email, 'member')
    const link = await room.linkTo(guest.email, 'invitation')
    const answers = await Promise.all(Array.from({ length: 8 }, () => accept(guest, link)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.code))).toEqual(new Set(['auth.link-invalid']))
    expect(await rows(sql`select count(*)::int as n from audit where action = 'member.joined' and subject_id = ${guest.id}`)).toEqual([
      { n: 1 },
    ])
  })

  it('sign up by one invitation once', async () => {
    const email = `newcomer-${slug}@example.com`
    await invite(await owner.token(slug), email, 'member')
    const invitation = await room.linkTo(email, 'invitation')
    const body = { email, password: 'a long enough passphrase', name: 'New', invitation }
    const answers = await Promise.all(Array.from({ length: 4 }, () => room.call('POST', '/api/v1/auth/sign-up', { body })))
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1)
    expect(answers.every(({ status }) => status < 500)).toBe(true)
    expect(await rows(sql`select count(*)::int as n from member join "user" u on u.id = user_id where u.email = ${email}`)).toEqual([
      { n: 1 },
    ])
  })

  it('owners who demote each other leave one owner', async () => {
    const second = await join('owner')
    const tokens = [await owner.token(slug), await second.token(slug)] as const
    const demote = (token: string, whom: Person) => room.call('PATCH', `/api/v1/members/${whom.id}`, { token, body: { role: 'viewer' } })
    const answers = await Promise.all([demote(tokens[0], second), demote(tokens[1], owner)])
    expect(answers.map(code).sort()).toEqual(['200 undefined', '403 auth.forbidden'])
  })

  it('owners who remove each other leave one owner', async () => {
    const second = await join('owner')
    const tokens = [await owner.token(slug), await second.token(slug)] as const
    const gone = (token: string, whom: Person) => room.call('DELETE', `/api/v1/members/${whom.id}`, { token })
    const answers = await Promise.all([gone(tokens[0], second), gone(tokens[1], owner)])
    expect(answers.map(code).sort()).toEqual(['204 undefined', '403 auth.forbidden'])
  })

  it('a key that is deleted while it is used answers 200 or 401, and is dead within 5 s', async () => {
    const token = await owner.token(slug)
    const { key, id } = (await makeKey(token, ['tenant:read'])).body
    const uses = Array.from({ length: 20 }, () => members(key))
    const revoked = await Promise.all(Array.from({ length: 3 }, () => room.call('DELETE', `/api/v1/api-keys/${id}`, { token })))
    expect(revoked.map(code).sort()).toEqual(['204 undefined', '404 resource.not-found', '404 resource.not-found'])
    for (const { status } of await Promise.all(uses)) expect([200, 401]).toContain(status)
    room.clock.advance(4_500)
    expect(code(await members(key))).toBe('401 auth.revoked')
  })

  it('keys that are made while their maker is removed are all dead', async () => {
    const admin = await join('admin')
    const token = await admin.token(slug)
    const [made] = await Promise.all([Promise.all(Array.from({ length: 6 }, () => makeKey(token, ['tenant:read']))), remove(admin)])
    for (const { status } of made) expect([201, 401, 403]).toContain(status)
    const alive = sql`select 1 from api_key where created_by = ${admin.id} and revoked_at is null`
    expect(await rows(alive)).toEqual([])
  })

  it('a key that changes a role and the removal of its maker do not wait for each other', async () => {
    const [admin, member] = [await join('admin'), await join('member')]
    const { key } = (await makeKey(await admin.token(slug), ['tenant:write', 'tenant:read'])).body
    await members(key)
    const change = (role: Role) => room.call('PATCH', `/api/v1/members/${member.id}`, { token: key, body: { role } })
    const [removed, ...changed] = await Promise.all([
      remove(admin),
      ...Array.from({ length: 10 }, (_, i) => change(i % 2 ? 'viewer' : 'member')),
    ])
    expect(removed.status).toBe(204)
    for (const answer of changed) expect(['200 undefined', '401 auth.revoked', '403 auth.forbidden']).toContain(code(answer))
  })

  it('take a slug once', async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => room.person('racer')))
    const make = async (person: Person) =>
      room.call('POST', '/api/v1/tenants', { token: await person.token(), body: { slug: `race-${slug}`, name: 'Race' } })
    const answers = await Promise.all(people.map(make))
    expect(answers.map(code).sort()).toEqual(['201 undefined', ...Array.from({ length: 3 }, () => '409 tenant.slug-taken')])
    expect(
      await rows(sql`select count(*)::int as n from member join organization o on o.id = tenant_id where slug = ${`race-${slug}`}`),
    ).toEqual([{ n: 1 }])
  })

  it('with one Idempotency-Key make one invitation and one mail', async () => {
    const token = await owner.token(slug)
    const email = `keyed-${slug}@example.com`
    const headers = { 'idempotency-key': `"invite-${slug}"` }
    const send = () => room.call('POST', '/api/v1/invitations', { token, body: { email, role: 'member' }, headers })
    const answers = await Promise.all(Array.from({ length: 5 }, send))
    const made = answers.filter(({ status }) => status === 201)
    expect(made.length).toBeGreaterThan(0)
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1)
    for (const answer of answers.filter(({ status }) => status !== 201)) expect(code(answer)).toBe('409 idempotency.in-progress')
    await room.linkTo(email, 'invitation')
    expect(
      await rows(sql`select count(*)::int as n from audit where action = 'invitation.created' and after->>'email' = ${email}`),
    ).toEqual([{ n: 1 }])
  })
})

describe('upkeep', () => {
  it('publishes the next signing key although a secret cannot be opened any more', async () => {
    const token = await owner.token(slug)
    await room.call('PUT', '/api/v1/settings/lost', { token, body: { type: 'secret', value: 'x' } })
    await rows(
      sql`update setting set sealed = ${Buffer.concat([Buffer.from([4]), Buffer.from('gone'), randomBytes(40)])} where key = 'lost'`,
    )
    await rows(sql`update jwks set expires_at = now() + interval '1 hour'`)
    const keys = async () => (await rows(sql`select id from jwks`)).length
    const before = await keys()
    await expect(upkeep({} as Parameters<typeof upkeep>[0], room.workerContext)).rejects.toThrow(/"gone"/)
    expect(await keys()).toBe(before + 1)
  })
})
