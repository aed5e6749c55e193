import { assertTenantTables, connect } from '@slipway/db'
import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'

let room: Room
let owner: Person
let token: string
let tenantId: string
beforeAll(async () => {
  room = await openRoom()
  owner = await room.person('owner')
  tenantId = (await create(await owner.token(), 'acme')).body.id
  token = await owner.token('acme')
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const create = (by: string, slug: string, name = 'A Tenant') => room.call('POST', '/api/v1/tenants', { token: by, body: { slug, name } })
const code = ({ status, body }: Answer) => `${status} ${body.code}`

describe('making a tenant', () => {
  it('makes its maker the owner', async () => {
    const person = await room.person('maker')
    const made = await create(await person.token(), 'makers', 'The Makers')
    expect(made).toMatchObject({ status: 201, body: { slug: 'makers', name: 'The Makers' } })
    expect(made.headers.get('location')).toBe(`/api/v1/tenants/${made.body.id}`)
    const members = await room.call('GET', '/api/v1/members', { token: await person.token('makers') })
    expect(members.body).toMatchObject({ items: [{ id: person.id, email: person.email, role: 'owner' }], nextCursor: null })
  })

  it.each([
    'ab',
    'Acme',
    '-acme',
    'acme-',
    'ac_me',
    'ac.me',
    'ac me',
    'ac/me',
    'xn--acme',
    'äcme',
    'a'.repeat(63) + 'b',
    '',
    'www',
    'api',
    'admin',
    'internal',
  ])('refuses the slug %j', async (slug) => {
    const answer = await create(await owner.token(), slug)
    expect(code(answer)).toBe('422 request.invalid')
    expect(answer.body.errors[0].pointer).toBe('/body/slug')
  })

  it('gives a slug once', async () => {
    expect(code(await create(await owner.token(), 'acme'))).toBe('409 tenant.slug-taken')
    const fresh = await owner.token()
    const tries = await Promise.all(Array.from({ length: 5 }, () => create(fresh, 'contested')))
    expect(tries.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
  })

  it('is once for one Idempotency-Key', async () => {
    // A token of another tenant: the answer is recorded there, in the transaction that makes this one.
    const by = await owner.token('acme')
    const once = () =>
      room.call('POST', '/api/v1/tenants', {
        token: by,
        body: { slug: 'only-once', name: 'Once' },
        headers: { 'idempotency-key': '"k-1"' },
      })
    const [first, second] = [await once(), await once()]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
  })

  it('is made together with the answer for its Idempotency-Key, or not at all', async () => {
    await using admin = connect({ url: room.database.adminUrl })
    await admin.pool.query(`
      create function identity.refuse() returns trigger language plpgsql as $$ begin raise exception 'no answer today'; end $$;
      create trigger refuse before update of answer on identity.idempotency_keys for each row execute function identity.refuse()`)
    const headers = { 'idempotency-key': '"k-2"' }
    const send = async () =>
      room.call('POST', '/api/v1/tenants', { token: await owner.token(), body: { slug: 'together', name: 'Together' }, headers })
    expect((await send()).status).toBe(500)
    await admin.pool.query('drop trigger refuse on identity.idempotency_keys')
    expect((await send()).status).toBe(201)
  })

  it('is for people', async () => {
    const key = await room.call('POST', '/api/v1/api-keys', { token, body: { name: 'k', scopes: ['tenant:write'] } })
    expect(code(await create(key.body.key, 'by-a-key'))).toBe('403 auth.forbidden')
    expect(code(await room.call('POST', '/api/v1/tenants', { body: { slug: 'nobody', name: 'N' } }))).toBe('401 auth.required')
  })
})

describe('a tenant', () => {
  it('is read, and not sent again while it is the same', async () => {
    const read = await room.call('GET', `/api/v1/tenants/${tenantId}`, { token })
    expect(read).toMatchObject({ status: 200, body: { id: tenantId, slug: 'acme' } })
    const again = await room.call('GET', `/api/v1/tenants/${tenantId}`, {
      token,
      headers: { 'if-none-match': read.headers.get('etag') ?? '' },
    })
    expect(again.status).toBe(304)
  })

  it('is renamed under If-Match, and the change is recorded', async () => {
    const { headers } = await room.call('GET', `/api/v1/tenants/${tenantId}`, { token })
    const etag = headers.get('etag') ?? ''
    const rename = (name: string) =>
      room.call('PATCH', `/api/v1/tenants/${tenantId}`, { token, body: { name }, headers: { 'if-match': etag } })
    expect((await rename('Acme Corporation')).body.name).toBe('Acme Corporation')
    expect(code(await rename('Too Late'))).toBe('412 precondition.failed')
    const trail = await room.call('GET', '/api/v1/audit?action=tenant.renamed', { token })
    expect(trail.body.items).toMatchObject([
      { actor: { id: owner.id, name: owner.email }, after: { name: 'Acme Corporation' }, from: { ip: '127.0.0.1' } },
    ])
  })

  it('keeps its slug', async () => {
    expect(code(await room.call('PATCH', `/api/v1/tenants/${tenantId}`, { token, body: { slug: 'other' } }))).toBe('422 request.invalid')
  })

  it('of others looks like a missing one', async () => {
    const other = await room.person('other')
    const foreign = (await create(await other.token(), 'foreign')).body.id
    const answers = await Promise.all([foreign, owner.id].map((id) => room.call('GET', `/api/v1/tenants/${id}`, { token })))
    for (const answer of answers) expect(code(answer)).toBe('404 resource.not-found')
    expect({ ...answers[0]?.body, instance: '', traceId: '' }).toEqual({ ...answers[1]?.body, instance: '', traceId: '' })
    expect(code(await room.call('PATCH', `/api/v1/tenants/${foreign}`, { token, body: { name: 'Mine' } }))).toBe('404 resource.not-found')
  })

  it('is in the list of its members, page by page', async () => {
    const person = await room.person('lists')
    const by = await person.token()
    for (const slug of ['list-1', 'list-2', 'list-3']) await create(by, slug)
    const first = await room.call('GET', '/api/v1/tenants?limit=2', { token: by })
    expect(first.body.items.map(({ slug }: { slug: string }) => slug)).toEqual(['list-1', 'list-2'])
    const rest = await room.call('GET', `/api/v1/tenants?limit=2&cursor=${first.body.nextCursor}`, { token: by })
    expect(rest.body).toMatchObject({ items: [{ slug: 'list-3', role: 'owner' }], nextCursor: null })
    expect(code(await room.call('GET', '/api/v1/tenants?cursor=nonsense', { token: by }))).toBe('400 request.parameters-invalid')
    expect(code(await room.call('GET', '/api/v1/tenants?unknown=1', { token: by }))).toBe('400 request.parameters-invalid')
  })
})

describe('roles and routes', () => {
  const roles = ['owner', 'admin', 'member', 'viewer'] as const
  const nobody = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b10'
  /** Strongest role that is refused decides: every route is tried by everybody, with ids that lead nowhere. */
  const routes: [string, string, (typeof roles)[number], unknown?][] = [
    ['GET', '/api/v1/tenants/:tenant', 'viewer'],
    ['PATCH', '/api/v1/tenants/:tenant', 'admin', { name: 'Acme' }],
    ['GET', '/api/v1/members', 'viewer'],
    ['GET', `/api/v1/members/${nobody}`, 'viewer'],
    ['PATCH', `/api/v1/members/${nobody}`, 'admin', { role: 'viewer' }],
    ['DELETE', `/api/v1/members/${nobody}`, 'viewer'],
    ['GET', '/api/v1/invitations', 'admin'],
    ['POST', '/api/v1/invitations', 'admin', { email: 'matrix@example.com', role: 'viewer' }],
    ['DELETE', `/api/v1/invitations/${nobody}`, 'admin'],
    ['GET', '/api/v1/api-keys', 'admin'],
    ['POST', '/api/v1/api-keys', 'admin', { name: 'matrix', scopes: ['files:read'] }],
    ['DELETE', `/api/v1/api-keys/${nobody}`, 'admin'],
    ['GET', '/api/v1/settings', 'admin'],
    ['GET', '/api/v1/settings/matrix', 'admin'],
    ['PUT', '/api/v1/settings/matrix', 'admin', { type: 'number', value: 1 }],
    ['DELETE', '/api/v1/settings/no-such', 'admin'],
    ['GET', '/api/v1/audit', 'admin'],
    ['GET', '/api/v1/identity/status', 'admin'],
  ]
  const tokens = new Map<string, string>()
  beforeAll(async () => {
    tokens.set('owner', token)
    for (const role of roles.slice(1)) {
      const person = await room.person(role)
      await room.call('POST', '/api/v1/invitations', { token, body: { email: person.email, role } })
      const invitation = await room.linkTo(person.email, 'invitation')
      await room.call('POST', '/api/v1/invitations/accept', { token: await person.token(), body: { token: invitation } })
      tokens.set(role, await person.token('acme'))
    }
  })

  it.each(routes)('%s %s is for %s and above', async (...[method, path, needed, body]) => {
    for (const role of roles) {
      const answer = await room.call(method, path.replace(':tenant', tenantId), { token: tokens.get(role), ...(body ? { body } : {}) })
      const allowed = roles.indexOf(role) <= roles.indexOf(needed)
      expect(answer.status === 403 && answer.body.needs !== undefined, `${role}: ${answer.status}`).toBe(!allowed)
      expect([200, 201, 204, 404].includes(answer.status), `${role}: ${answer.status} ${JSON.stringify(answer.body)}`).toBe(allowed)
    }
    const withoutAny = await room.call(method, path.replace(':tenant', tenantId), body ? { body } : {})
    expect(code(withoutAny)).toBe('401 auth.required')
    expect(withoutAny.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })
})

describe('in the database', () => {
  it('tenants are kept apart by policies on every table that has tenants', async () => {
    const checked = await assertTenantTables(room.database.adminUrl, 'identity', {
      withoutTenant: [
        'user',
        'session',
        'account',
        'verification',
        'jwks',
        'organization',
        'revocation',
        'operator',
        'sent_mail',
        'notice',
      ],
    })
    expect(checked).toEqual(expect.arrayContaining(['member', 'invitation', 'api_key', 'setting', 'audit', 'jobs']))
  })

  it('the runtime role sees no members without saying of which tenant', async () => {
    const runtime = (statement: SQL) => room.context.database.transaction((tx) => tx.execute(statement))
    for (const table of ['member', 'invitation', 'api_key', 'setting', 'audit']) {
      expect((await runtime(sql`select * from ${sql.identifier(table)}`)).rowCount).toBe(0)
    }
    await expect(runtime(sql`update revocation set at = now()`)).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/permission denied/) },
    })
  })
})
