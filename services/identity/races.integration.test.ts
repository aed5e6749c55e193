import type { RequestInfo } from '@slipway/http'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acceptInvitation } from './domain/invitations.ts'
import { endSessions } from './domain/sessions.ts'
import { openByPassword } from './domain/sign-in.ts'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'
import { process as upkeep } from './jobs/identity-upkeep.processor.ts'

let room: Room
beforeAll(async () => {
  room = await openRoom({ IDENTITY_ATTEMPTS_PER_ACCOUNT: '1000' })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const password = 'a long enough passphrase'
const next = 'an even longer passphrase'
const request = { ip: '127.0.0.1', userAgent: 'test', id: 'r-1', traceId: '0'.repeat(32) } as RequestInfo
const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const post = (path: string, body: unknown, token?: string) => room.call('POST', `/api/v1/${path}`, { body, token })
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows
const changePassword = (session: string, body: object) => post('auth/password', body, session)
const signIn = (email: string, given: string) => post('auth/sign-in', { email, password: given })

/** Until a statement of somebody else waits for what our open transaction holds. */
async function somebodyWaits(): Promise<void> {
  const blocked = sql`select count(*)::int as n from pg_locks join pg_stat_activity using (pid) where not granted and datname = current_database()`
  await expect.poll(async () => (await rows(blocked))[0]?.n).toBeGreaterThan(0)
}

/** Begins `meanwhile` while what `held` has done is not committed, and commits when it waits. */
async function during(held: Parameters<Room['context']['system']['transaction']>[0], meanwhile: () => Promise<Answer>): Promise<Answer> {
  let answer: Promise<Answer> | undefined
  await room.context.system.transaction(async (tx) => {
    await held(tx)
    answer = meanwhile()
    await somebodyWaits()
  })
  return answer as Promise<Answer>
}

async function tenantOf(owner: Person, slug: string): Promise<string> {
  const made = await post('tenants', { slug, name: 'Tenant' }, await owner.token())
  expect(made.status).toBe(201)
  return made.body.id
}

describe('a session that is being ended', () => {
  it('changes no password any more', async () => {
    const person = await room.person('ending')
    const actor = { kind: 'user', id: person.id, from: {} } as const
    const answer = await during(
      (tx) => endSessions(tx, actor, { userId: person.id, which: { except: undefined } }),
      () => changePassword(person.session, { currentPassword: password, newPassword: next }),
    )
    expect(code(answer)).toBe('401 auth.invalid')
    expect((await signIn(person.email, password)).status).toBe(200)
    expect(await rows(sql`select 1 from audit where action = 'password.changed' and subject_id = ${person.id}`)).toEqual([])
  })

  it('is ended once, and recorded once, however many end it', async () => {
    const person = await room.person('thrice')
    const { session } = (await signIn(person.email, password)).body
    const token = await person.token()
    const tries = await Promise.all(Array.from({ length: 5 }, () => room.call('DELETE', `/api/v1/auth/sessions/${session.id}`, { token })))
    expect(tries.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 404, 404, 404, 404])
    expect(await rows(sql`select count(*)::int as n from audit where action = 'session.ended' and subject_id = ${session.id}`)).toEqual([
      { n: 1 },
    ])
    expect(await rows(sql`select count(*)::int as n from revocation where kind = 'session' and subject = ${session.id}`)).toEqual([
      { n: 1 },
    ])
  })

  it('does not stop others from ending theirs: all of them at once end all but one at most', async () => {
    const person = await room.person('crowd')
    const sessions = [person.session]
    for (let i = 0; i < 4; i++) sessions.push((await signIn(person.email, password)).body.sessionToken)
    const tokens = await Promise.all(sessions.map(async (session) => (await post('auth/token', {}, session)).body.accessToken as string))
    const answers = await Promise.all(tokens.map((token) => room.call('DELETE', '/api/v1/auth/sessions', { token })))
    for (const { status } of answers) expect([200, 401]).toContain(status)
    const left = await rows(sql`select count(*)::int as n from session where user_id = ${person.id}`)
    expect(Number(left[0]?.n)).toBeLessThanOrEqual(1)
    expect(answers.reduce((sum, { body }) => sum + Number(body.ended ?? 0), 0)).toBe(5 - Number(left[0]?.n))
  })
})

describe('a password that is being changed', () => {
  it('lets no sign-in with the old one outlive it', async () => {
    const person = await room.person('caught')
    let stolen = ''
    const answer = await during(
      async (tx) => {
        const credentials = { email: person.email, password }
        stolen = (await openByPassword(room.context, tx, { credentials, request })).secret
      },
      () => changePassword(person.session, { currentPassword: password, newPassword: next }),
    )
    expect(answer.status).toBe(204)
    expect(code(await post('auth/token', {}, stolen))).toBe('401 auth.invalid')
    expect((await post('auth/token', {}, person.session)).status).toBe(200)
  })

  it('is changed by one of two who know the old one; the other one is out', async () => {
    const person = await room.person('duel')
    const rival = (await signIn(person.email, password)).body.sessionToken as string
    const answers = await Promise.all([
      changePassword(person.session, { currentPassword: password, newPassword: `${next} 1` }),
      changePassword(rival, { currentPassword: password, newPassword: `${next} 2` }),
    ])
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 401])
    const won = answers[0]?.status === 204 ? 1 : 2
    expect((await signIn(person.email, `${next} ${won}`)).status).toBe(200)
    expect(code(await post('auth/token', {}, won === 1 ? rival : person.session))).toBe('401 auth.invalid')
  })

  it('is compared anew for each of several changes by one session', async () => {
    const person = await room.person('repeated')
    const answers = await Promise.all(
      [1, 2, 3].map((n) => changePassword(person.session, { currentPassword: password, newPassword: `${next} ${n}` })),
    )
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 401, 401])
    const worked = await Promise.all([1, 2, 3].map(async (n) => (await signIn(person.email, `${next} ${n}`)).status))
    expect(worked.map((status) => status === 200)).toEqual(answers.map(({ status }) => status === 204))
  })

  it('is not set by two who have none: there is one password in the end', async () => {
    const email = 'none-yet@example.com'
    await post('auth/magic-link', { email })
    const { sessionToken, user } = (await post('auth/magic-link/consume', { token: await room.linkTo(email, 'magic-link') })).body
    const answers = await Promise.all([1, 2, 3].map((n) => changePassword(sessionToken, { newPassword: `${next} ${n}` })))
    for (const { status } of answers) expect(status).toBe(204)
    expect(await rows(sql`select count(*)::int as n from account where user_id = ${user.id}`)).toEqual([{ n: 1 }])
  })
})

describe('links', () => {
  it('two of one unconfirmed account, opened at the same time, both let the owner in, and only the owner', async () => {
    const squatter = await room.person('squatter')
    const links: string[] = []
    for (let i = 0; i < 2; i++) {
      await room.mail.clear()
      await post('auth/magic-link', { email: squatter.email })
      links.push(await room.linkTo(squatter.email, 'magic-link'))
    }
    const opened = await Promise.all(links.map((token) => post('auth/magic-link/consume', { token })))
    expect(opened.map(({ status }) => status)).toEqual([200, 200])
    for (const { body } of opened) expect((await post('auth/token', {}, body.sessionToken)).status).toBe(200)
    expect(code(await post('auth/token', {}, squatter.session))).toBe('401 auth.invalid')
    expect(await rows(sql`select 1 from account where user_id = ${squatter.id}`)).toEqual([])
  })

  it('two of an address without an account make one', async () => {
    const email = 'double-link@example.com'
    const links: string[] = []
    for (let i = 0; i < 2; i++) {
      await room.mail.clear()
      await post('auth/magic-link', { email })
      links.push(await room.linkTo(email, 'magic-link'))
    }
    const opened = await Promise.all(links.map((token) => post('auth/magic-link/consume', { token })))
    expect(opened.map(({ status }) => status)).toEqual([200, 200])
    expect(await rows(sql`select count(*)::int as n from "user" where email = ${email}`)).toEqual([{ n: 1 }])
  })
})

describe('an invitation that is being accepted', () => {
  it('is not followed by another one for the new member', async () => {
    const [owner, guest] = [await room.person('owner'), await room.person('guest')]
    await tenantOf(owner, 'invites-twice')
    const token = await owner.token('invites-twice')
    await post('invitations', { email: guest.email, role: 'viewer' }, token)
    const link = await room.linkTo(guest.email, 'invitation')
    const again = await during(
      (tx) => acceptInvitation(tx, { token: link, user: { ...guest, name: 'Guest' }, request }),
      () => post('invitations', { email: guest.email, role: 'admin' }, token),
    )
    expect(code(again)).toBe('409 resource.conflict')
    expect((await room.call('GET', '/api/v1/invitations', { token })).body.items).toEqual([])
    expect(await rows(sql`select role from member where user_id = ${guest.id}`)).toEqual([{ role: 'viewer' }])
  })

  it('can be taken back or accepted, not both', async () => {
    const [owner, guest] = [await room.person('owner'), await room.person('guest')]
    await tenantOf(owner, 'takes-back')
    const token = await owner.token('takes-back')
    const { id } = (await post('invitations', { email: guest.email, role: 'viewer' }, token)).body
    const body = { token: await room.linkTo(guest.email, 'invitation') }
    const by = await guest.token()
    const [accepted, canceled] = await Promise.all([
      post('invitations/accept', body, by),
      room.call('DELETE', `/api/v1/invitations/${id}`, { token }),
    ])
    expect([`${accepted.status} ${canceled.status}`]).toEqual([expect.stringMatching(/^(200 404|401 204)$/)])
    const members = await rows(sql`select 1 from member where user_id = ${guest.id}`)
    expect(members).toHaveLength(accepted.status === 200 ? 1 : 0)
  })

  it('by somebody whose inviter is removed at the same time, ends or has ended', async () => {
    const [owner, admin, guest] = [await room.person('owner'), await room.person('admin'), await room.person('guest')]
    const tenantId = await tenantOf(owner, 'removes-inviter')
    const token = await owner.token('removes-inviter')
    await post('invitations', { email: admin.email, role: 'admin' }, token)
    await post('invitations/accept', { token: await room.linkTo(admin.email, 'invitation') }, await admin.token())
    await post('invitations', { email: guest.email, role: 'viewer' }, await admin.token('removes-inviter'))
    const body = { token: await room.linkTo(guest.email, 'invitation') }
    const by = await guest.token()
    const [removed, accepted] = await Promise.all([
      room.call('DELETE', `/api/v1/members/${admin.id}`, { token }),
      post('invitations/accept', body, by),
    ])
    expect(removed.status).toBe(204)
    expect([200, 401]).toContain(accepted.status)
    const [invitation] = await rows(sql`select status from invitation where tenant_id = ${tenantId} and email = ${guest.email}`)
    expect(invitation?.status).toBe(accepted.status === 200 ? 'accepted' : 'canceled')
  })
})

describe('a tenant that several rename at the same time', () => {
  it('gets all names one after the other, each of them recorded from the one before', async () => {
    const owner = await room.person('renamer')
    const id = await tenantOf(owner, 'renamed')
    const token = await owner.token('renamed')
    const names = Array.from({ length: 6 }, (_, n) => `Name ${n}`)
    const answers = await Promise.all(names.map((name) => room.call('PATCH', `/api/v1/tenants/${id}`, { token, body: { name } })))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    const trail = await rows(
      sql`select before->>'name' as before, after->>'name' as after from audit where action = 'tenant.renamed' and subject_id = ${id}`,
    )
    expect(new Set(trail.map(({ before }) => before)).size).toBe(6)
    const { body } = await room.call('GET', `/api/v1/tenants/${id}`, { token })
    expect(trail.map(({ after }) => after)).toContain(body.name)
    expect(trail.map(({ before }) => before)).not.toContain(body.name)
  })

  it('is renamed once for those who have all seen the same state', async () => {
    const owner = await room.person('guarded')
    const id = await tenantOf(owner, 'guarded')
    const token = await owner.token('guarded')
    const headers = { 'if-match': (await room.call('GET', `/api/v1/tenants/${id}`, { token })).headers.get('etag') ?? '' }
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => room.call('PATCH', `/api/v1/tenants/${id}`, { token, body: { name: `Name ${n}` }, headers })),
    )
    expect(answers.map(code).sort()).toEqual(['200 undefined', ...Array(3).fill('412 precondition.failed')])
  })
})

describe('keys of tokens', () => {
  const live = () => rows(sql`select count(*)::int as n from jwks where expires_at > now()`)

  it.each([
    ['there is none yet', sql`delete from jwks`],
    ['all have expired while no worker ran', sql`update jwks set expires_at = now() - interval '1 s'`],
  ])('are one, although many ask for tokens at once when %s', async (_name, prepare) => {
    const person = await room.person('signs')
    await rows(prepare)
    const tokens = await Promise.all(Array.from({ length: 8 }, () => person.token()))
    expect(await live()).toEqual([{ n: 1 }])
    room.clock.advance(10_000)
    for (const token of tokens) expect((await room.call('GET', '/api/v1/me', { token })).status).toBe(200)
  })

  it('get one successor, although several workers look after them', async () => {
    await (await room.person('successor')).token()
    await rows(sql`update jwks set expires_at = now() + interval '1 hour'`)
    const before = await rows(sql`select id from jwks`)
    const reports = await Promise.all(Array.from({ length: 4 }, () => upkeep({} as Parameters<typeof upkeep>[0], room.workerContext)))
    expect(reports.filter(({ keyMade }) => keyMade)).toHaveLength(1)
    expect(await rows(sql`select id from jwks`)).toHaveLength(before.length + 1)
  })
})
