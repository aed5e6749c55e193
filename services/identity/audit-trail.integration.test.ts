import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'

const password = 'a long enough passphrase'
const next = 'an even longer passphrase'
const probe = 'audit-probe/1.0'

let room: Room
let owner: Person
let tenantId: string
beforeAll(async () => {
  room = await openRoom({ IDENTITY_ATTEMPTS_PER_ACCOUNT: '1000' })
  owner = await room.person('owner')
  tenantId = (await call('POST', 'tenants', { token: await owner.token(), body: { slug: 'acme', name: 'Acme' } })).body.id
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const call = (method: string, path: string, { token, body }: { token?: string | undefined; body?: unknown } = {}) =>
  room.call(method, `/api/v1/${path}`, { token, body, headers: { 'user-agent': probe } })
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows
/** Everything that audit records say, and how many there are. */
const trail = async () => rows(sql`select * from audit order by id`)

interface Recorded {
  actions: string[]
  entries: Record<string, unknown>[]
  answer: Answer
}

/** What one request has left in the trail. */
async function recorded(work: () => Promise<Answer>): Promise<Recorded> {
  const before = new Set((await trail()).map(({ id }) => id))
  const answer = await work()
  const entries = (await trail()).filter(({ id }) => !before.has(id))
  return { actions: entries.map(({ action }) => String(action)).sort(), entries, answer }
}

async function linkFor(email: string): Promise<string> {
  await call('POST', 'auth/magic-link', { body: { email } })
  return room.linkTo(email, 'magic-link')
}

async function invited(email: string, role = 'member'): Promise<{ id: string; token: string }> {
  const made = await call('POST', 'invitations', { token: await owner.token('acme'), body: { email, role } })
  return { id: made.body.id, token: await room.linkTo(email, 'invitation') }
}

async function joined(name: string): Promise<Person> {
  const person = await room.person(name)
  const { token } = await invited(person.email)
  expect((await call('POST', 'invitations/accept', { token: await person.token(), body: { token } })).status).toBe(200)
  return person
}

type Act = () => Promise<() => Promise<Answer>>

/** Prepares, and returns the one request that is looked at. */
const acts: [string, string[], Act][] = [
  [
    'a sign-up',
    ['account.created', 'session.opened'],
    async () => () => call('POST', 'auth/sign-up', { body: { email: 'signs-up@example.com', password, name: 'New' } }),
  ],
  [
    'a sign-in',
    ['session.opened'],
    async () => {
      const { email } = await room.person('signs-in')
      return () => call('POST', 'auth/sign-in', { body: { email, password } })
    },
  ],
  [
    'a failed sign-in',
    ['sign-in.failed'],
    async () => () => call('POST', 'auth/sign-in', { body: { email: 'fails@example.com', password } }),
  ],
  [
    'a sign-out',
    ['session.ended'],
    async () => {
      const { session } = await room.person('signs-out')
      return () => call('POST', 'auth/sign-out', { token: session })
    },
  ],
  [
    'a link that makes an account',
    ['account.created', 'session.opened'],
    async () => {
      const token = await linkFor('by-link@example.com')
      return () => call('POST', 'auth/magic-link/consume', { body: { token } })
    },
  ],
  [
    'a link that takes an account from whoever had not confirmed it',
    ['email.confirmed', 'session.ended', 'session.opened'],
    async () => {
      const token = await linkFor((await room.person('squatted')).email)
      return () => call('POST', 'auth/magic-link/consume', { body: { token } })
    },
  ],
  [
    'a link of a confirmed account',
    ['session.opened'],
    async () => {
      const { email } = await joined('confirmed')
      const token = await linkFor(email)
      return () => call('POST', 'auth/magic-link/consume', { body: { token } })
    },
  ],
  ['a request for a link', [], async () => () => call('POST', 'auth/magic-link', { body: { email: 'asks@example.com' } })],
  [
    'a change of password with another session open',
    ['password.changed', 'session.ended'],
    async () => {
      const { email, session } = await room.person('changes')
      await call('POST', 'auth/sign-in', { body: { email, password } })
      return () => call('POST', 'auth/password', { token: session, body: { currentPassword: password, newPassword: next } })
    },
  ],
  [
    'the end of all other sessions',
    ['session.ended', 'session.ended'],
    async () => {
      const person = await room.person('ends-others')
      for (let i = 0; i < 2; i++) await call('POST', 'auth/sign-in', { body: { email: person.email, password } })
      const token = await person.token()
      return () => call('DELETE', 'auth/sessions', { token })
    },
  ],
  [
    'a new tenant',
    ['tenant.created'],
    async () => {
      const token = await owner.token()
      return () => call('POST', 'tenants', { token, body: { slug: 'another', name: 'Another' } })
    },
  ],
  [
    'a new name',
    ['tenant.renamed'],
    async () => {
      const token = await owner.token('acme')
      return () => call('PATCH', `tenants/${tenantId}`, { token, body: { name: 'Acme 2' } })
    },
  ],
  [
    'an invitation',
    ['invitation.created'],
    async () => {
      const token = await owner.token('acme')
      return () => call('POST', 'invitations', { token, body: { email: 'invited@example.com', role: 'viewer' } })
    },
  ],
  [
    'an invitation that is taken back',
    ['invitation.canceled'],
    async () => {
      const { id } = await invited('taken-back@example.com')
      const token = await owner.token('acme')
      return () => call('DELETE', `invitations/${id}`, { token })
    },
  ],
  [
    'an invitation that is accepted',
    ['member.joined'],
    async () => {
      const person = await room.person('accepts')
      const { token } = await invited(person.email)
      const by = await person.token()
      return () => call('POST', 'invitations/accept', { token: by, body: { token } })
    },
  ],
  [
    'a sign-up by invitation',
    ['account.created', 'member.joined', 'session.opened'],
    async () => {
      const email = 'comes-in@example.com'
      const { token: invitation } = await invited(email)
      return () => call('POST', 'auth/sign-up', { body: { email, password, name: 'New', invitation } })
    },
  ],
  [
    'a new role',
    ['member.role-changed'],
    async () => {
      const { id } = await joined('promoted')
      const token = await owner.token('acme')
      return () => call('PATCH', `members/${id}`, { token, body: { role: 'admin' } })
    },
  ],
  [
    'the role that somebody has already',
    [],
    async () => {
      const { id } = await joined('same')
      const token = await owner.token('acme')
      return () => call('PATCH', `members/${id}`, { token, body: { role: 'member' } })
    },
  ],
  [
    'the removal of a member with a key and an invitation',
    ['api-key.revoked', 'invitation.canceled', 'member.removed'],
    async () => {
      const person = await joined('removed')
      const token = await owner.token('acme')
      await call('PATCH', `members/${person.id}`, { token, body: { role: 'admin' } })
      const by = await person.token('acme')
      await call('POST', 'api-keys', { token: by, body: { name: 'theirs', scopes: ['tenant:read'] } })
      await call('POST', 'invitations', { token: by, body: { email: 'their-guest@example.com', role: 'viewer' } })
      return () => call('DELETE', `members/${person.id}`, { token })
    },
  ],
  [
    'a member who leaves',
    ['member.left'],
    async () => {
      const person = await joined('leaves')
      const token = await person.token('acme')
      return () => call('DELETE', `members/${person.id}`, { token })
    },
  ],
  [
    'a new key',
    ['api-key.created'],
    async () => {
      const token = await owner.token('acme')
      return () => call('POST', 'api-keys', { token, body: { name: 'k', scopes: ['tenant:read'] } })
    },
  ],
  [
    'a setting',
    ['setting.changed'],
    async () => {
      const token = await owner.token('acme')
      return () => call('PUT', 'settings/audited', { token, body: { type: 'secret', value: 'hunter2-hunter2' } })
    },
  ],
  [
    'a setting that is removed',
    ['setting.removed'],
    async () => {
      const token = await owner.token('acme')
      await call('PUT', 'settings/removed', { token, body: { type: 'secret', value: 'hunter2-hunter2' } })
      return () => call('DELETE', 'settings/removed', { token })
    },
  ],
]

describe('the audit trail', () => {
  it.each(acts)('of %s is %j', async (_name, actions, act) => {
    const found = await recorded(await act())
    expect(found.answer.status).toBeLessThan(found.actions.includes('sign-in.failed') ? 402 : 300)
    expect(found.actions).toEqual(actions)
    for (const entry of found.entries) {
      expect(entry).toMatchObject({ ip: '127.0.0.1', user_agent: probe, request_id: found.answer.headers.get('x-request-id') })
      expect(entry.actor_id).toMatch(/^([0-9a-f-]{36}|sign-in)$/)
      const ofTenant = /^(tenant|member|invitation|api-key|setting)\./.test(String(entry.action))
      expect(entry.tenant_id !== null).toBe(ofTenant)
    }
  })

  it('holds none of the secrets that went by', async () => {
    const said = JSON.stringify(await trail())
    const mailed = room.mail.messages().map(({ text }) => /token=([\w-]+)/.exec(text)?.[1] ?? 'no-link-in-it')
    expect(mailed.length).toBeGreaterThan(5)
    for (const secret of [password, next, 'hunter2', 'sls_', 'slp_', owner.session, ...mailed]) expect(said).not.toContain(secret)
  })

  it.each([
    ['a change by nobody', 401, () => call('PATCH', `members/${owner.id}`, { body: { role: 'viewer' } })],
    ['a slug that is taken', 409, async () => call('POST', 'tenants', { token: await owner.token(), body: { slug: 'acme', name: 'X' } })],
    ['a link that does not exist', 401, () => call('POST', 'auth/magic-link/consume', { body: { token: 'x'.repeat(32) } })],
    ['the last owner who stays', 409, async () => call('DELETE', `members/${owner.id}`, { token: await owner.token('acme') })],
  ])('says nothing of %s', async (_name, status, work) => {
    const found = await recorded(work)
    expect(found.answer.status).toBe(status)
    expect(found.actions).toEqual([])
  })

  it.each([sql`update audit set actor_id = 'nobody'`, sql`delete from audit`])('cannot be changed by the API', async (statement) => {
    const change = room.context.database.tenantTransaction(tenantId, (tx) => tx.execute(statement))
    await expect(change).rejects.toMatchObject({ cause: { message: expect.stringMatching(/permission denied/) } })
  })
})

describe('where addresses are confirmed', () => {
  let strict: Room
  beforeAll(async () => {
    strict = await openRoom({ IDENTITY_VERIFY_EMAIL: 'true' })
  })
  afterAll(async () => {
    await strict?.[Symbol.asyncDispose]()
  })
  const post = (path: string, body: unknown) => strict.call('POST', `/api/v1/auth/${path}`, { body })
  const actionsOf = async (id: string) => {
    const found = await strict.context.system.transaction((tx) =>
      tx.execute<{ action: string }>(sql`select action from audit where subject_id = ${id} order by id`),
    )
    return found.rows.map(({ action }) => action)
  }

  it('a confirmation works once, however many use it at the same time, and is recorded once', async () => {
    const email = 'confirms@example.com'
    await post('sign-up', { email, password, name: 'C' })
    const token = await strict.linkTo(email, 'confirm-email')
    const tries = await Promise.all([1, 2, 3, 4].map(() => post('confirm-email', { token })))
    expect(tries.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 401, 401, 401])
    const { id } = (await post('sign-in', { email, password })).body.user
    expect(await actionsOf(id)).toEqual(['account.created', 'email.confirmed'])
  })

  it('a password that was set before does not make an operator of whoever has set it', async () => {
    const email = 'root@example.com'
    await post('sign-up', { email, password, name: 'Squatter' })
    const added = await strict.addOperator(email)
    expect(added.body).toMatchObject({ email, created: false })
    await post('confirm-email', { token: await strict.linkTo(email, 'confirm-email') })
    expect(await post('sign-in', { email, password })).toMatchObject({ status: 401, body: { code: 'auth.sign-in-failed' } })
    expect(await actionsOf(added.body.userId)).toEqual([
      'account.created',
      'password.removed',
      'operator.added',
      'email.confirmed',
      'sign-in.failed',
    ])
  })

  it('an operator who has confirmed the address keeps the password', async () => {
    const email = 'known-root@example.com'
    await post('sign-up', { email, password, name: 'Root' })
    await post('confirm-email', { token: await strict.linkTo(email, 'confirm-email') })
    await strict.addOperator(email)
    expect((await post('sign-in', { email, password })).status).toBe(200)
  })
})
