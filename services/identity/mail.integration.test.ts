import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestMail } from './domain/mail-request.ts'
import { type Answer, openRoom, type Room } from './identity.fixtures.ts'
import { process as sendMail } from './jobs/identity-mail.processor.ts'
import type { MailPayload } from './jobs/identity-mail.ts'
import { process as upkeep } from './jobs/identity-upkeep.processor.ts'

const password = 'a long enough passphrase'
const code = ({ status, body }: Answer) => `${status} ${body?.code}`

describe('where addresses are verified', () => {
  let room: Room
  beforeAll(async () => {
    room = await openRoom({ IDENTITY_VERIFY_EMAIL: 'true' })
  })
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]()
  })
  const post = (path: string, body: unknown) => room.call('POST', `/api/v1/auth/${path}`, { body })
  const signUp = (email: string) => post('sign-up', { email, password, name: 'Ada' })

  it('an account is confirmed by mail before anybody signs in', async () => {
    expect(await signUp('ada@example.com')).toMatchObject({ status: 202, body: { status: 'accepted' } })
    expect(code(await post('sign-in', { email: 'ada@example.com', password }))).toBe('403 auth.email-unverified')
    expect(code(await post('sign-in', { email: 'ada@example.com', password: 'wrong passphrase' }))).toBe('401 auth.sign-in-failed')
    const token = await room.linkTo('ada@example.com', 'confirm-email')
    expect((await post('confirm-email', { token })).status).toBe(204)
    expect(code(await post('confirm-email', { token }))).toBe('401 auth.link-invalid')
    expect((await post('sign-in', { email: 'ada@example.com', password })).status).toBe(200)
  })

  it('a sign-up says the same of known and unknown addresses; the mail tells the difference', async () => {
    const first = await signUp('known@example.com')
    const second = await signUp('known@example.com')
    expect({ status: second.status, body: second.body }).toEqual({ status: first.status, body: first.body })
    const mail = await room.mail.waitFor(({ to, subject }) => to.includes('known@example.com') && subject.includes('already'))
    expect(mail.text).not.toContain('token=')
  })

  it('a password given by a stranger does not outlive the link of the owner', async () => {
    await signUp('mine@example.com')
    await post('magic-link', { email: 'mine@example.com' })
    const opened = await post('magic-link/consume', { token: await room.linkTo('mine@example.com', 'magic-link') })
    expect(opened.status).toBe(200)
    expect(code(await post('sign-in', { email: 'mine@example.com', password }))).toBe('401 auth.sign-in-failed')
  })
})

describe('where accounts are made by invitation', () => {
  let room: Room
  beforeAll(async () => {
    room = await openRoom({ IDENTITY_OPEN_SIGN_UP: 'false' })
  })
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]()
  })

  it('nobody signs up, by password or by link, and the answers do not say who has an account', async () => {
    const signUp = await room.call('POST', '/api/v1/auth/sign-up', { body: { email: 'x@example.com', password, name: 'X' } })
    expect(code(signUp)).toBe('403 auth.forbidden')
    const link = await room.call('POST', '/api/v1/auth/magic-link', { body: { email: 'x@example.com' } })
    expect(link).toMatchObject({ status: 202, body: { status: 'accepted' } })
    const { rows } = await room.context.system.transaction((tx) => tx.execute<{ payload: MailPayload }>(sql`select payload from jobs`))
    const payload = rows[0]?.payload
    if (payload === undefined) throw new Error('the mail was not requested')
    expect(await sendMail({ id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b99', payload } as never, room.workerContext)).toBe('nobody')
    expect(room.mail.messages().filter(({ to }) => to.includes('x@example.com'))).toEqual([])
  })
})

describe('a new installation as production has it', () => {
  let room: Room
  beforeAll(async () => {
    room = await openRoom({ IDENTITY_OPEN_SIGN_UP: 'false', IDENTITY_VERIFY_EMAIL: 'true' })
  })
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]()
  })
  const post = (path: string, body: unknown, token?: string) => room.call('POST', `/api/v1/${path}`, { body, token })
  const byLink = async (email: string) => {
    await post('auth/magic-link', { email })
    const opened = await post('auth/magic-link/consume', { token: await room.linkTo(email, 'magic-link') })
    return {
      session: opened.body.sessionToken as string,
      token: async (tenant?: string) =>
        (await post('auth/token', tenant ? { tenant } : {}, opened.body.sessionToken)).body.accessToken as string,
    }
  }

  it('lets the operator in by link, who makes a tenant and invites others, who sign up and in', async () => {
    const added = await room.addOperator('Root@example.com')
    expect(added.body).toMatchObject({ email: 'root@example.com', created: true })
    expect((await room.addOperator('root@example.com')).body.created).toBe(false)
    const root = await byLink('root@example.com')
    expect((await post('tenants', { slug: 'first', name: 'First' }, await root.token())).status).toBe(201)
    expect((await post('invitations', { email: 'grace@example.com', role: 'admin' }, await root.token('first'))).status).toBe(201)
    const invitation = await room.linkTo('grace@example.com', 'invitation')
    const made = await post('auth/sign-up', { email: 'grace@example.com', password, name: 'Grace', invitation })
    expect(made).toMatchObject({ status: 201, body: { user: { emailVerified: true } } })
    expect((await post('auth/sign-in', { email: 'grace@example.com', password })).status).toBe(200)
  })

  it('makes operators in a pod of identity, as the page of installation says', async () => {
    expect(await room.addOperator('third@example.com', 'identity')).toMatchObject({ status: 200, body: { created: true } })
  })

  it('makes no operator for another service', async () => {
    const refused = await room.internal('POST', '/internal/v1/operators', { body: { email: 'mallory@example.com' } })
    expect(refused).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
  })

  it('sets a password for who has none', async () => {
    await room.addOperator('second@example.com')
    const { session } = await byLink('second@example.com')
    expect((await post('auth/password', { newPassword: password }, session)).status).toBe(204)
    expect((await post('auth/sign-in', { email: 'second@example.com', password })).status).toBe(200)
  })
})

describe('the jobs', () => {
  let room: Room
  beforeAll(async () => {
    room = await openRoom()
  })
  afterAll(async () => {
    await room?.[Symbol.asyncDispose]()
  })
  const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

  it('send a mail once, however often they run', async () => {
    const { sealer } = room.context
    await room.context.system.transaction((tx) =>
      requestMail(tx, sealer, { kind: 'magic-link', to: 'once@example.com', link: { token: 'once-token-once-token', seconds: 600 } }),
    )
    await room.mail.waitFor(({ to }) => to.includes('once@example.com'))
    const [job] = await rows(sql`select id, payload from jobs where payload->>'to' = 'once@example.com'`)
    const again = { id: String(job?.id), payload: job?.payload as MailPayload } as never
    await expect.poll(() => rows(sql`select id from sent_mail where id = ${String(job?.id)}`)).toHaveLength(1)
    expect(await sendMail(again, room.workerContext)).toBe('already-sent')
    const sent = room.mail.messages().filter(({ to }) => to.includes('once@example.com'))
    expect(sent).toHaveLength(1)
    expect(sent[0]?.headers['message-id']).toContain(String(job?.id))
    expect(sent[0]?.text).toContain('http://localhost:8800/api/v1/auth/link#kind=magic-link&token=once-token-once-token')
  })

  it('do not open a mail that was sealed for another address', async () => {
    const { sealer } = room.workerContext
    const sealed = sealer.seal('token', 'mail:magic-link:a@example.com').toString('base64')
    const payload: MailPayload = { version: 1, kind: 'magic-link', to: 'b@example.com', sealed, facts: {} }
    await expect(sendMail({ id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b98', payload } as never, room.workerContext)).rejects.toThrow(
      /cannot be opened/,
    )
  })

  it('remove what has expired, and nothing else', async () => {
    const person = await room.person('tidy')
    await room.call('POST', '/api/v1/auth/sign-in', { body: { email: person.email, password } })
    await room.call('POST', '/api/v1/auth/magic-link', { body: { email: person.email } })
    await rows(
      sql`update session set expires_at = now() - interval '1 s' where id = (select id from session where user_id = ${person.id} limit 1)`,
    )
    await rows(sql`update verification set expires_at = now() - interval '1 s'`)
    await rows(
      sql`insert into revocation (kind, subject, at) values ('session', 'old', now() - interval '26 hours'), ('session', 'new', now())`,
    )
    const { removed } = await upkeep({} as never, room.workerContext)
    expect(removed).toMatchObject({ sessions: 1, verifications: 1, revocations: 1 })
    expect((await upkeep({} as never, room.workerContext)).removed).toMatchObject({ sessions: 0, verifications: 0, revocations: 0 })
    expect(await rows(sql`select subject from revocation where subject in ('old', 'new')`)).toEqual([{ subject: 'new' }])
    expect(await rows(sql`select count(*)::int as n from session where user_id = ${person.id}`)).toEqual([{ n: 1 }])
  })
})
