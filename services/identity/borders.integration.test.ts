import { randomBytes } from 'node:crypto'
import { reservedSlugs } from '@slipway/auth'
import type { RateRule } from '@slipway/http'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countSignIn } from './domain/attempts.ts'
import { createSealer } from './domain/seal.ts'
import { resealSettings } from './domain/settings.ts'
import { needsSuccessor } from './domain/signing-keys.ts'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'
import { process as sendMail } from './jobs/identity-mail.processor.ts'
import type { MailPayload } from './jobs/identity-mail.ts'

const password = 'a long enough passphrase'
const limit = 3
let room: Room
let owner: Person
let token: string
beforeAll(async () => {
  room = await openRoom({
    IDENTITY_ATTEMPTS_PER_ACCOUNT: String(limit),
    IDENTITY_SESSION_DAYS: '1',
    IDENTITY_SIGNING_KEY_DAYS: '1',
    HTTP_TRUSTED_PROXIES: 'loopback',
  })
  owner = await room.person('owner')
  await post('tenants', { slug: 'acme', name: 'Acme' }, { token: await owner.token() })
  token = await owner.token('acme')
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

const code = ({ status, body }: Answer) => `${status} ${body?.code}`
const post = (path: string, body: unknown, call: object = {}) => room.call('POST', `/api/v1/${path}`, { body, ...call })
const rows = async (statement: ReturnType<typeof sql>) => (await room.context.system.transaction((tx) => tx.execute(statement))).rows
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
const signIn = (email: string, given: string, address = '127.0.0.1') => post('auth/sign-in', { email, password: given }, from(address))

describe('wrong passwords', () => {
  const guess = (email: string, address: string) => signIn(email, 'not the passphrase', address)

  it('from one place do not keep the owner out of the account', async () => {
    const person = await room.person('besieged')
    for (let i = 0; i < 2 * limit; i++) await guess(person.email, '203.0.113.1')
    expect(code(await signIn(person.email, password, '203.0.113.1'))).toBe('429 rate.limited')
    expect((await signIn(person.email, password, '198.51.100.7')).status).toBe(200)
  })

  it('are counted together within one IPv6 network, whatever the case of the address', async () => {
    const person = await room.person('six')
    const tries = await Promise.all(
      Array.from({ length: 2 * limit }, (_, i) => guess(i % 2 ? person.email : person.email.toUpperCase(), `2001:db8:0:7::${i + 1}`)),
    )
    expect(tries.map(code).sort()).toEqual([...Array(limit).fill('401 auth.sign-in-failed'), ...Array(limit).fill('429 rate.limited')])
    expect((await signIn(person.email, password, '2001:db8:0:8::1')).status).toBe(200)
  })

  it('from everywhere are limited all the same', async () => {
    const person = await room.person('swarm')
    const tries: string[] = []
    for (let i = 0; i < 10 * limit + 2; i++) tries.push(code(await guess(person.email, `203.0.113.${i + 10}`)))
    expect(tries.filter((answer) => answer === '401 auth.sign-in-failed')).toHaveLength(10 * limit)
    expect(tries.at(-1)).toBe('429 rate.limited')
  })

  it('of accounts that do not exist are counted alike', async () => {
    const tries: string[] = []
    for (let i = 0; i <= limit; i++) tries.push(code(await guess('nobody-here@example.com', '203.0.113.2')))
    expect(tries).toEqual([...Array(limit).fill('401 auth.sign-in-failed'), '429 rate.limited'])
  })

  it('leave no address in Redis in the clear', async () => {
    await guess('private-person@example.com', '203.0.113.3')
    const { limiter } = room.context
    const keys: string[] = []
    const spy = { take: (rule: RateRule, caller: string) => (keys.push(caller), limiter.take(rule, caller)) }
    await countSignIn({ limiter: spy, config: { attemptsPerAccount: limit } }, 'private-person@example.com', '203.0.113.4')
    expect(keys).toHaveLength(2)
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}(:203\.0\.113\.4)?$/)
  })

  it('of the current one are limited when the password is changed', async () => {
    const person = await room.person('insider')
    const change = (currentPassword: string) =>
      post('auth/password', { currentPassword, newPassword: 'an even longer passphrase' }, { token: person.session })
    for (let i = 0; i < limit; i++) expect(code(await change(`wrong ${i} wrong`))).toBe('401 auth.sign-in-failed')
    expect(code(await change(password))).toBe('429 rate.limited')
  })
})

describe('mail addresses', () => {
  const signUp = (email: string) => post('auth/sign-up', { email, password, name: 'Name' })

  it.each([
    ['a Kelvin sign for a k', '\u212Aate@example.com'],
    ['a dotted capital I', 'al\u0130ce@example.com'],
    ['a full-width letter', '\uFF41da@example.com'],
    ['a Cyrillic letter', 'ad\u0430@example.com'],
    ['a soft hyphen', 'ad\u00ada@example.com'],
    ['a blank in front', ' ada@example.com'],
    ['a line break behind', 'ada@example.com\n'],
    ['a trailing dot', 'ada@example.com.'],
    ['two dots', 'a..da@example.com'],
    ['two addresses', 'ada@example.com,eve@example.com'],
    ['a quoted part', '"a b"@example.com'],
    ['an address literal', 'ada@[127.0.0.1]'],
    ['a comment', 'ada(x)@example.com'],
    ['a name', 'Ada <ada@example.com>'],
    ['255 characters', `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(58)}.com`],
  ])('with %s are refused', async (_name, email) => {
    for (const answer of [await signUp(email), await signIn(email, password), await post('auth/magic-link', { email })]) {
      expect(code(answer)).toBe('422 request.invalid')
      expect(answer.body.errors[0].pointer).toBe('/body/email')
    }
  })

  it('with a plus belong to an account of their own', async () => {
    const plain = (await signUp('plus@example.com')).body
    const tagged = (await signUp('plus+tag@example.com')).body
    expect(tagged.user.id).not.toBe(plain.user.id)
    expect(code(await signUp('PLUS+TAG@Example.COM'))).toBe('409 resource.conflict')
  })
})

describe('passwords', () => {
  it('are the same however their accents are composed', async () => {
    const email = 'accents@example.com'
    await post('auth/sign-up', { email, password: 'une phrase tr\u00e8s longue', name: 'A' })
    expect((await signIn(email, 'une phrase tre\u0300s longue')).status).toBe(200)
    expect(code(await signIn(email, 'une phrase tres longue'))).toBe('401 auth.sign-in-failed')
  })

  it.each([
    [9, 422],
    [10, 201],
    [128, 201],
    [129, 422],
  ])('of %i characters get %i', async (length, status) => {
    const answer = await post('auth/sign-up', { email: `length-${length}@example.com`, password: 'x'.repeat(length), name: 'A' })
    expect(answer.status).toBe(status)
  })

  it('are not cut: what is behind the 72nd byte counts', async () => {
    const email = 'uncut@example.com'
    await post('auth/sign-up', { email, password: `${'x'.repeat(100)}a`, name: 'A' })
    expect(code(await signIn(email, `${'x'.repeat(100)}b`))).toBe('401 auth.sign-in-failed')
  })
})

describe('sessions of one day', () => {
  const age = (person: Person, hours: number) =>
    rows(sql`update session set expires_at = expires_at - make_interval(hours => ${hours}) where user_id = ${person.id}`)
  const hoursLeft = async (person: Person) =>
    Number(
      (await rows(sql`select extract(epoch from expires_at - now()) / 3600 as left from session where user_id = ${person.id}`))[0]?.left,
    )

  it('live on while they are used, and are not written at every use', async () => {
    const person = await room.person('daily')
    await age(person, 11)
    await person.token()
    expect(Math.round(await hoursLeft(person))).toBe(13)
    await age(person, 2)
    await person.token()
    expect(Math.round(await hoursLeft(person))).toBe(24)
  })

  it('give a cookie the life that they have', async () => {
    const person = await room.person('cookie')
    const own = { origin: 'http://localhost:8800' }
    await age(person, 20)
    const answer = await post('auth/token', {}, { headers: { cookie: `slipway-session=${person.session}`, ...own } })
    const expires = Date.parse(/Expires=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? '')
    expect(Math.round((expires - Date.now()) / 3_600_000)).toBe(24)
    expect(answer.headers.get('set-cookie')).toContain(person.session)
    expect((await post('auth/token', {}, { token: person.session })).headers.get('set-cookie')).toBeNull()
  })

  it('are not in the list when they have expired, and cannot be ended by others then either', async () => {
    const [person, other] = [await room.person('stale'), await room.person('nosy')]
    const second = (await signIn(person.email, password)).body.session.id
    await rows(sql`update session set expires_at = now() where id = ${second}`)
    const by = await person.token()
    const { items } = (await room.call('GET', '/api/v1/auth/sessions', { token: by })).body
    expect(items.map(({ id }: { id: string }) => id)).not.toContain(second)
    expect(code(await room.call('DELETE', `/api/v1/auth/sessions/${second}`, { token: await other.token() }))).toBe(
      '404 resource.not-found',
    )
  })
})

describe('signing keys of one day', () => {
  it('get their successor in the second half of their life, not at once', async () => {
    await owner.token()
    const due = () => room.context.system.transaction(needsSuccessor)
    expect(await due()).toBe(false)
    await rows(sql`update jwks set expires_at = now() + interval '12 hours 1 minute'`)
    expect(await due()).toBe(false)
    await rows(sql`update jwks set expires_at = now() + interval '12 hours'`)
    expect(await due()).toBe(true)
    await rows(sql`update jwks set expires_at = now() + interval '1 day'`)
  })
})

describe('the last moment', () => {
  it.each([
    ['a magic link', 'magic-link', 'auth/magic-link/consume', 'verification'],
    ['an invitation', 'invitation', 'invitations/accept', 'invitation'],
  ])('of %s is over when it has come', async (...[, kind, path, table]) => {
    const person = await room.person(`moment-${kind}`)
    if (kind === 'invitation') await post('invitations', { email: person.email, role: 'viewer' }, { token })
    else await post('auth/magic-link', { email: person.email })
    const body = { token: await room.linkTo(person.email, kind) }
    await rows(sql`update ${sql.identifier(table)} set expires_at = now()`)
    expect(code(await post(path, body, { token: await person.token() }))).toBe('401 auth.link-invalid')
  })

  it('of an API key is over when it has come, for who has used it and for who has not', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const make = async () => (await post('api-keys', { name: 'k', scopes: ['tenant:read'], expiresAt }, { token })).body
    const [used, unused] = [await make(), await make()]
    const members = (key: string) => room.call('GET', '/api/v1/members', { token: key })
    expect((await members(used.key)).status).toBe(200)
    await rows(sql`update api_key set expires_at = now() where id in (${used.id}, ${unused.id})`)
    expect(code(await members(unused.key))).toBe('401 auth.expired')
    room.clock.advance(60_000)
    expect(code(await members(used.key))).toBe('401 auth.expired')
    const verdict = await room.internal('POST', '/internal/v1/api-keys/verify', { body: { key: unused.key } })
    expect(verdict.body).toEqual({ valid: false, reason: 'expired' })
  })

  it('of a new API key lies in the future', async () => {
    const answer = await post('api-keys', { name: 'k', scopes: ['tenant:read'], expiresAt: new Date().toISOString() }, { token })
    expect(answer.body.errors).toEqual([{ pointer: '/body/expiresAt', detail: 'must be in the future' }])
  })
})

describe('a mail that comes late', () => {
  it.each([
    ['a second before its link ends', 1_000, 'sent'],
    ['when its link has ended', 0, 'too-late'],
    ['long after its link has ended', -3_600_000, 'too-late'],
  ])('%s', async (_name, left, fate) => {
    const to = `late-${left}@example.com`
    const sealed = room.workerContext.sealer.seal('x'.repeat(43), `mail:magic-link:${to}`).toString('base64')
    const payload: MailPayload = { version: 1, kind: 'magic-link', to, sealed, facts: {}, validUntil: Date.now() + left }
    expect(await sendMail({ id: crypto.randomUUID(), payload } as never, room.workerContext)).toBe(fate)
    expect(room.mail.messages().filter((mail) => mail.to.includes(to))).toHaveLength(fate === 'sent' ? 1 : 0)
  })
})

describe('secrets whose key is gone', () => {
  const put = (key: string, body: object) => room.call('PUT', `/api/v1/settings/${key}`, { token, body })

  it('can be seen and replaced, and do not keep others from the new key', async () => {
    await put('good', { type: 'secret', value: 'still here' })
    await put('lost', { type: 'secret', value: 'gone' })
    const lost = createSealer(`k0:${randomBytes(32).toString('base64')}`).seal('gone', 'setting')
    await rows(sql`update setting set sealed = ${lost} where key = 'lost'`)
    expect((await room.call('GET', '/api/v1/settings', { token })).status).toBe(200)
    const old = (await rows(sql`select sealed from setting where key = 'good'`))[0]?.sealed as Buffer
    const keys = room.context.config.encryptionKeys.reveal()
    const rotated = createSealer(`k9:${randomBytes(32).toString('base64')},${keys}`)
    const report = await room.context.system.transaction((tx) => resealSettings(tx, rotated))
    expect(report).toMatchObject({ done: 1, failed: { count: 1, first: { message: expect.stringContaining('k0') } } })
    const sealed = (await rows(sql`select sealed from setting where key = 'good'`))[0]?.sealed as Buffer
    expect(sealed.equals(old)).toBe(false)
    expect(rotated.isStale(sealed)).toBe(false)
    expect((await put('lost', { type: 'secret', value: 'new' })).status).toBe(200)
    await put('good', { type: 'secret', value: 'still here' })
    expect((await room.internal('GET', `/internal/v1/tenants/${await tenantId()}/settings/lost`)).body.value).toBe('new')
  })

  it('answer services 500 without a word of what was sealed', async () => {
    await put('broken', { type: 'secret', value: 'hunter2-hunter2' })
    await rows(sql`update setting set sealed = set_byte(sealed, octet_length(sealed) - 1, 0) where key = 'broken'`)
    await rows(sql`update setting set sealed = set_byte(sealed, 20, 0) where key = 'broken'`)
    const answer = await room.internal('GET', `/internal/v1/tenants/${await tenantId()}/settings/broken`)
    expect(code(answer)).toBe('500 internal.error')
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|k1|cannot be opened/)
  })

  it('with half a surrogate pair are refused: they would come back as something else', async () => {
    expect(code(await put('half', { type: 'secret', value: 'a\ud800b' }))).toBe('400 request.malformed')
    expect((await put('whole', { type: 'secret', value: 'a🔑b' })).status).toBe(200)
    expect((await room.internal('GET', `/internal/v1/tenants/${await tenantId()}/settings/whole`)).body.value).toBe('a🔑b')
  })

  it('leave nothing behind when they become something else', async () => {
    await put('turns', { type: 'secret', value: 'first' })
    expect((await put('turns', { type: 'string', value: 'second' })).body.value).toBe('second')
    expect(await rows(sql`select sealed from setting where key = 'turns'`)).toEqual([{ sealed: null }])
    const trail = (await room.call('GET', '/api/v1/audit?subjectType=setting&subjectId=turns', { token })).body.items
    expect(trail[0]).toMatchObject({ before: { type: 'secret', value: '[secret]' }, after: { type: 'string' } })
  })

  async function tenantId(): Promise<string> {
    return (await room.call('GET', '/api/v1/me', { token })).body.tenant.id
  }
})

describe('reserved slugs', () => {
  it('are all refused, and no tenant can be asked for by them', async () => {
    const by = await owner.token()
    for (const slug of [...reservedSlugs].slice(0, 25)) {
      const answer = await post('tenants', { slug, name: 'Reserved' }, { token: by })
      expect(`${slug}: ${code(answer)}`).toBe(`${slug}: 422 request.invalid`)
    }
    expect(await rows(sql`select slug from organization where slug = any(${sql.param([...reservedSlugs])}::text[])`)).toEqual([])
  })
})
