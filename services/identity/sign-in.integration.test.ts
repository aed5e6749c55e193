import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, openRoom, type Room } from './identity.fixtures.ts'

let room: Room
beforeAll(async () => {
  room = await openRoom()
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const password = 'a long enough passphrase'
const post = (path: string, body: unknown, headers = {}) => room.call('POST', `/api/v1/auth/${path}`, { body, headers })
const cookieOf = (answer: Answer) => answer.headers.get('set-cookie')?.split(';')[0] ?? ''
const isProblem = (answer: Answer, status: number, code: string) => {
  expect({ status: answer.status, code: answer.body.code, type: answer.headers.get('content-type') }).toEqual({
    status,
    code,
    type: 'application/problem+json',
  })
}
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows

describe('sign-up', () => {
  it('makes an account and a session', async () => {
    const made = await post('sign-up', { email: 'Ada@Example.com', password, name: 'Ada' })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      user: { id: expect.any(String), email: 'ada@example.com', name: 'Ada', emailVerified: false },
      session: { id: expect.any(String), expiresAt: expect.any(String) },
      sessionToken: expect.stringMatching(/^sls_/),
    })
    expect(made.headers.get('set-cookie')).toBeNull()
    expect(made.headers.get('cache-control')).toBe('no-store')
  })

  it('refuses a second account of one address, whatever the case', async () => {
    await post('sign-up', { email: 'twice@example.com', password, name: 'One' })
    isProblem(await post('sign-up', { email: 'TWICE@example.com', password, name: 'Two' }), 409, 'resource.conflict')
  })

  it('makes one account of two requests at the same time', async () => {
    const tries = await Promise.all([1, 2, 3].map(() => post('sign-up', { email: 'race@example.com', password, name: 'Race' })))
    expect(tries.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const { status } of tries) expect([201, 409]).toContain(status)
    expect(await rows(sql`select count(*)::int as n from "user" where email = 'race@example.com'`)).toEqual([{ n: 1 }])
  })

  it.each([
    ['no address', { password, name: 'X' }, '/body/email'],
    ['a bad address', { email: 'nobody', password, name: 'X' }, '/body/email'],
    ['a short password', { email: 'short@example.com', password: 'short', name: 'X' }, '/body/password'],
    ['a password of 129 characters', { email: 'long@example.com', password: 'x'.repeat(129), name: 'X' }, '/body/password'],
    ['an empty name', { email: 'x@example.com', password, name: ' ' }, '/body/name'],
    ['a name with a line break', { email: 'x@example.com', password, name: 'A\nBcc: b@example.com' }, '/body/name'],
    ['an unknown field', { email: 'x@example.com', password, name: 'X', emailVerified: true }, '/body/emailVerified'],
  ])('refuses %s', async (_name, body, pointer) => {
    const answer = await post('sign-up', body)
    isProblem(answer, 422, 'request.invalid')
    expect(answer.body.errors[0].pointer).toBe(pointer)
  })
})

describe('sign-in', () => {
  it('opens a session with the right password only, and says the same of everything else', async () => {
    const person = await room.person('signin')
    expect((await post('sign-in', { email: person.email.toUpperCase(), password })).status).toBe(200)
    const wrong = await post('sign-in', { email: person.email, password: 'another passphrase' })
    const unknown = await post('sign-in', { email: 'unknown@example.com', password })
    isProblem(wrong, 401, 'auth.sign-in-failed')
    const same = ({ body: { traceId: _trace, ...body } }: Answer) => body
    expect(same(wrong)).toEqual(same(unknown))
  })

  it('keeps neither password nor session token in the clear', async () => {
    const person = await room.person('atrest')
    const dump =
      JSON.stringify(await rows(sql`select * from session, account, verification, audit, jobs`)) +
      JSON.stringify(await rows(sql`select * from session`)) +
      JSON.stringify(await rows(sql`select * from account`)) +
      JSON.stringify(await rows(sql`select * from audit`))
    expect(dump).not.toContain(person.session)
    expect(dump).not.toContain(person.session.slice(4))
    expect(dump).not.toContain(person.password)
  })

  it('is limited per account, the right password included, and leaves other accounts alone', async () => {
    const [victim, other] = [await room.person('victim'), await room.person('other')]
    const tries: number[] = []
    for (let i = 0; i < 12; i++) tries.push((await post('sign-in', { email: victim.email, password: `wrong ${i} wrong` })).status)
    expect(tries.slice(0, 10)).toEqual(Array(10).fill(401))
    const late = await post('sign-in', { email: victim.email, password })
    isProblem(late, 429, 'rate.limited')
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await post('sign-in', { email: other.email, password })).status).toBe(200)
    expect((await post('magic-link', { email: victim.email })).status).toBe(202)
  })

  it('leaves a trail of what failed, without the password', async () => {
    const person = await room.person('trail')
    await post('sign-in', { email: person.email, password: 'not the passphrase' }, { 'user-agent': 'probe/1' })
    const trail = await rows(
      sql`select action, user_agent, tenant_id from audit where subject_id = ${person.id} and action = 'sign-in.failed'`,
    )
    expect(trail).toEqual([{ action: 'sign-in.failed', user_agent: 'probe/1', tenant_id: null }])
  })
})

describe('session cookies', () => {
  const own = { origin: 'http://localhost:8800' }

  it('are HttpOnly and Lax, and stand in for the token in the answer', async () => {
    const person = await room.person('cookie')
    const answer = await post('sign-in', { email: person.email, password, cookie: true }, own)
    expect(answer.status).toBe(200)
    expect(answer.body.sessionToken).toBeUndefined()
    expect(answer.headers.get('set-cookie')).toMatch(/^slipway-session=sls_\w+; Path=\/; HttpOnly; SameSite=Lax; Expires=[^;]+$/)
    const token = await post('token', {}, { cookie: cookieOf(answer), ...own })
    expect(token.status).toBe(200)
  })

  it('buy nothing for a foreign page', async () => {
    const person = await room.person('csrf')
    const cookie = cookieOf(await post('sign-in', { email: person.email, password, cookie: true }, own))
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'http://localhost:8801' },
    ]) {
      isProblem(await post('token', {}, { cookie, ...headers }), 403, 'auth.forbidden')
      isProblem(await post('sign-out', undefined, { cookie, ...headers }), 403, 'auth.forbidden')
    }
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: 'http://acme.localhost:8800' }]) {
      expect((await post('token', {}, { cookie, ...headers })).status).toBe(200)
    }
  })

  it('are not given to a foreign page', async () => {
    const person = await room.person('logincsrf')
    const body = { email: person.email, password, cookie: true }
    isProblem(await post('sign-in', body, { origin: 'https://evil.example' }), 403, 'auth.forbidden')
  })

  it('are taken away at sign-out', async () => {
    const person = await room.person('goodbye')
    const cookie = cookieOf(await post('sign-in', { email: person.email, password, cookie: true }, own))
    const answer = await post('sign-out', undefined, { cookie, ...own })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('set-cookie')).toMatch(/^slipway-session=; .*Max-Age=0/)
    isProblem(await post('token', {}, { cookie, ...own }), 401, 'auth.invalid')
  })
})

describe('sign-out', () => {
  it('ends the session and its access tokens within 5 s, and may be repeated', async () => {
    const person = await room.person('out')
    const token = await person.token()
    expect((await room.call('GET', '/api/v1/me', { token })).status).toBe(200)
    expect((await room.call('POST', '/api/v1/auth/sign-out', { token: person.session })).status).toBe(204)
    expect((await room.call('POST', '/api/v1/auth/sign-out', { token: person.session })).status).toBe(204)
    room.clock.advance(4_500)
    isProblem(await room.call('GET', '/api/v1/me', { token }), 401, 'auth.revoked')
    isProblem(await room.call('POST', '/api/v1/auth/token', { token: person.session, body: {} }), 401, 'auth.invalid')
  })
})

describe('the magic link', () => {
  it('signs in once; the page that it opens consumes nothing', async () => {
    const person = await room.person('link')
    expect(await post('magic-link', { email: person.email })).toMatchObject({ status: 202, body: { status: 'accepted' } })
    const token = await room.linkTo(person.email, 'magic-link')
    const page = await room.call('GET', '/api/v1/auth/link')
    expect(page.status).toBe(200)
    expect(page.headers.get('content-security-policy')).toContain("script-src 'sha256-")
    const opened = await post('magic-link/consume', { token })
    expect(opened).toMatchObject({ status: 200, body: { user: { id: person.id, emailVerified: true } } })
    isProblem(await post('magic-link/consume', { token }), 401, 'auth.link-invalid')
  })

  it('takes from an unconfirmed account what a stranger may have put there', async () => {
    const squatter = await room.person('squatted')
    const stolen = await squatter.token()
    await post('magic-link', { email: squatter.email })
    await post('magic-link/consume', { token: await room.linkTo(squatter.email, 'magic-link') })
    isProblem(await post('sign-in', { email: squatter.email, password }), 401, 'auth.sign-in-failed')
    isProblem(await room.call('POST', '/api/v1/auth/token', { token: squatter.session, body: {} }), 401, 'auth.invalid')
    room.clock.advance(4_500)
    isProblem(await room.call('GET', '/api/v1/me', { token: stolen }), 401, 'auth.revoked')
  })

  it('makes an account where sign-up is open', async () => {
    await post('magic-link', { email: 'new-by-link@example.com' })
    const opened = await post('magic-link/consume', { token: await room.linkTo('new-by-link@example.com', 'magic-link') })
    expect(opened).toMatchObject({ status: 200, body: { user: { email: 'new-by-link@example.com', emailVerified: true } } })
  })

  it('is consumed once, however many try at the same time', async () => {
    const person = await room.person('linkrace')
    await post('magic-link', { email: person.email })
    const token = await room.linkTo(person.email, 'magic-link')
    const tries = await Promise.all([1, 2, 3, 4].map(() => post('magic-link/consume', { token })))
    expect(tries.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 401, 401, 401])
  })

  it('is in no table in the clear, before and after it was sent', async () => {
    const person = await room.person('linkrest')
    await post('magic-link', { email: person.email })
    const token = await room.linkTo(person.email, 'magic-link')
    const dump = JSON.stringify([
      await rows(sql`select * from jobs`),
      await rows(sql`select * from verification`),
      await rows(sql`select * from audit`),
    ])
    expect(dump).toContain(person.email)
    expect(dump).not.toContain(token)
  })

  it('expires', async () => {
    const person = await room.person('linkold')
    await post('magic-link', { email: person.email })
    const token = await room.linkTo(person.email, 'magic-link')
    await rows(sql`update verification set expires_at = now() - interval '1 s' where value like ${`%${person.email}%`}`)
    isProblem(await post('magic-link/consume', { token }), 401, 'auth.link-invalid')
  })

  it.each(['x'.repeat(32), '../../../../etc/passwd', "' or 1=1 --------"])('refuses the token %j', async (token) => {
    isProblem(await post('magic-link/consume', { token }), 401, 'auth.link-invalid')
  })

  it('is limited per address', async () => {
    const tries: number[] = []
    for (let i = 0; i < 11; i++) tries.push((await post('magic-link', { email: 'flooded@example.com' })).status)
    expect(tries).toEqual([...Array(10).fill(202), 429])
  })
})

describe('the password', () => {
  const change = (session: string, body: unknown) => room.call('POST', '/api/v1/auth/password', { token: session, body })
  const next = 'an even longer passphrase'

  it('changes with the current one, and ends all other sessions', async () => {
    const person = await room.person('change')
    const other = (await post('sign-in', { email: person.email, password })).body.sessionToken
    isProblem(await change(person.session, { newPassword: next }), 401, 'auth.sign-in-failed')
    isProblem(await change(person.session, { currentPassword: 'wrong passphrase', newPassword: next }), 401, 'auth.sign-in-failed')
    isProblem(await change(person.session, { currentPassword: password, newPassword: 'short' }), 422, 'request.invalid')
    expect((await change(person.session, { currentPassword: password, newPassword: next })).status).toBe(204)
    expect((await post('sign-in', { email: person.email, password: next })).status).toBe(200)
    isProblem(await post('sign-in', { email: person.email, password }), 401, 'auth.sign-in-failed')
    isProblem(await room.call('POST', '/api/v1/auth/token', { token: other, body: {} }), 401, 'auth.invalid')
    expect((await room.call('POST', '/api/v1/auth/token', { token: person.session, body: {} })).status).toBe(200)
  })

  it('is replaced after signing in by a link, without the old one', async () => {
    const person = await room.person('forgot')
    await post('magic-link', { email: person.email })
    const { sessionToken } = (await post('magic-link/consume', { token: await room.linkTo(person.email, 'magic-link') })).body
    expect((await change(sessionToken, { newPassword: next })).status).toBe(204)
    expect((await change(sessionToken, { newPassword: password })).status).toBe(204)
    await rows(sql`update session set created_at = now() - interval '11 minutes' where user_id = ${person.id}`)
    isProblem(await change(sessionToken, { newPassword: next }), 401, 'auth.sign-in-failed')
    expect((await post('sign-in', { email: person.email, password })).status).toBe(200)
  })

  it('needs a session', async () => {
    isProblem(await room.call('POST', '/api/v1/auth/password', { body: { newPassword: next } }), 401, 'auth.required')
  })
})

describe('sessions', () => {
  it('are listed and ended by their owner; others do not exist for them', async () => {
    const [person, stranger] = [await room.person('sessions'), await room.person('stranger')]
    const second = (await post('sign-in', { email: person.email, password }, { 'user-agent': 'second/1' })).body
    const token = await person.token()
    const list = (await room.call('GET', '/api/v1/auth/sessions', { token })).body.items
    expect(list).toHaveLength(2)
    expect(list[0]).toMatchObject({ id: second.session.id, current: false, method: 'password', userAgent: 'second/1', ip: '127.0.0.1' })
    expect(list[1]).toMatchObject({ current: true })
    isProblem(
      await room.call('DELETE', `/api/v1/auth/sessions/${second.session.id}`, { token: await stranger.token() }),
      404,
      'resource.not-found',
    )
    expect((await room.call('DELETE', `/api/v1/auth/sessions/${second.session.id}`, { token })).status).toBe(204)
    isProblem(await room.call('DELETE', `/api/v1/auth/sessions/${second.session.id}`, { token }), 404, 'resource.not-found')
    isProblem(await room.call('POST', '/api/v1/auth/token', { token: second.sessionToken, body: {} }), 401, 'auth.invalid')
  })

  it('end together, but for the one that asks', async () => {
    const person = await room.person('many')
    for (let i = 0; i < 3; i++) await post('sign-in', { email: person.email, password })
    expect((await room.call('DELETE', '/api/v1/auth/sessions', { token: await person.token() })).body).toEqual({ ended: 3 })
    expect((await room.call('POST', '/api/v1/auth/token', { token: person.session, body: {} })).status).toBe(200)
  })

  it('live on while they are used, and end when they are not', async () => {
    const person = await room.person('rolling')
    await rows(sql`update session set expires_at = now() + interval '1 day' where user_id = ${person.id}`)
    await person.token()
    expect(await rows(sql`select expires_at > now() + interval '29 days' as long from session where user_id = ${person.id}`)).toEqual([
      { long: true },
    ])
    await rows(sql`update session set expires_at = now() - interval '1 s' where user_id = ${person.id}`)
    isProblem(await room.call('POST', '/api/v1/auth/token', { token: person.session, body: {} }), 401, 'auth.expired')
  })
})

describe('without Redis', () => {
  it('nobody may try credentials, but who is signed in works on', async () => {
    const person = await room.person('noredis')
    const token = await person.token()
    await room.redis.part.stop()
    isProblem(await post('sign-in', { email: person.email, password }), 503, 'redis.unavailable')
    isProblem(await post('magic-link', { email: person.email }), 503, 'redis.unavailable')
    expect((await room.call('GET', '/api/v1/me', { token })).status).toBe(200)
    await room.redis.restart()
  })
})
