import { assert, beforeAll, describe, expect, test } from 'vitest'
import { call, expectProblem, expectStatus, here, stored, unique, until, upload } from './client.ts'
import { linkTokenTo, mailsTo, newKey, newMember, newPerson, newTenant, signIn, type Tenant, tokenFor } from './people.ts'

interface Me {
  kind: string
  id: string
  tenant: { id: string; slug: string } | null
  role: string | null
  scopes: string[]
}

/** Seconds within which a revocation must take effect, by contract. */
const revocationSeconds = 5

/** Asks until access has ended; the longest it may take is what the contract says, and a little for the asking. */
function untilRefused(credential: string): Promise<Response> {
  const path = '/api/v1/files'
  return until(async () => {
    const answer = await call('GET', path, { as: credential })
    return answer.status === 200 ? undefined : answer
  }, revocationSeconds + 1)
}

let session: string
let tenant: Tenant & { token: string }
beforeAll(async () => {
  session = await signIn()
  tenant = await newTenant(session)
})

function claims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>
}

describe('sign-in', () => {
  test('with a wrong password says nothing about the account', async () => {
    const attempt = (email: string) => call('POST', '/api/v1/auth/sign-in', { as: null, json: { email, password: 'not the password' } })
    const [known, unknown] = [
      await expectProblem(attempt(here.email), 401),
      await expectProblem(attempt(unique('nobody@example.com')), 401),
    ]
    expect(known.code).toBe('auth.sign-in-failed')
    expect([unknown.code, unknown.title, unknown.detail]).toEqual([known.code, known.title, known.detail])
  })

  test('a session buys tokens, but opens nothing else', async () => {
    await expectProblem(call('GET', '/api/v1/files', { as: session }), 401)
    expect((await call('GET', '/api/v1/tenants', { as: await tokenFor(session) })).status).toBe(200)
  })

  test('a token names tenant and role, and can be verified with the published keys', async () => {
    const token = await tokenFor(session, here.tenant)
    const { iss, aud, tenant_slug, role, exp, iat } = claims(token)
    expect({ aud, tenant_slug, role }).toEqual({ aud: 'slipway', tenant_slug: here.tenant, role: 'owner' })
    expect(new URL(String(iss)).origin).toBe(new URL(here.url).origin)
    expect(Number(exp) - Number(iat)).toBe(900)
    const { keys } = await expectStatus<{ keys: { kid: string; d?: string }[] }>(call('GET', '/api/v1/auth/jwks', { as: null }), 200)
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')) as { kid: string; alg: string }
    expect(keys.map((key) => key.kid)).toContain(header.kid)
    expect(keys.every((key) => key.d === undefined)).toBe(true)
    expect(await expectStatus<Me>(call('GET', '/api/v1/me', { as: token }), 200)).toMatchObject({ kind: 'user', role: 'owner' })
  })

  test('a session that was ended opens nothing any more', async ({ skip }) => {
    const person = await newPerson()
    if (!person) skip('sign-up is not open here')
    assert(person)
    const { token } = await newTenant(person.session)
    expect((await call('GET', '/api/v1/files', { as: token })).status).toBe(200)
    expect((await call('POST', '/api/v1/auth/sign-out', { as: person.session })).ok).toBe(true)
    await expectProblem(call('POST', '/api/v1/auth/token', { as: person.session, json: {} }), 401)
    await expectProblem(await untilRefused(token), 401)
  })

  test('by a link that comes by mail, once', async ({ skip }) => {
    const mails = await call('GET', '/dev/mail', { as: null })
    skip(mails.status !== 200, 'this installation has no mail catcher')
    const before = await mailsTo(here.email)
    await expectStatus(call('POST', '/api/v1/auth/magic-link', { as: null, json: { email: here.email } }), 202)
    const token = await until(() => linkTokenTo(here.email, before))
    const opened = await expectStatus<{ sessionToken: string }>(
      call('POST', '/api/v1/auth/magic-link/consume', { as: null, json: { token } }),
      200,
    )
    expect(await tokenFor(opened.sessionToken, here.tenant)).toMatch(/^ey/)
    await expectProblem(call('POST', '/api/v1/auth/magic-link/consume', { as: null, json: { token } }), 401, 'auth.link-invalid')
  })
})

describe('tenants', () => {
  test.each(['A', 'with space', '-dash', 'dash-', 'under_score', 'www', 'api', 'admin', 'x'.repeat(64), 'äöü'])(
    'cannot be named %j',
    async (slug) => {
      const problem = await expectProblem(
        call('POST', '/api/v1/tenants', { as: await tokenFor(session), json: { slug, name: 'X' } }),
        422,
        'request.invalid',
      )
      expect(problem.errors?.map((error) => error.pointer)).toEqual(['/body/slug'])
    },
  )

  test('share no slug', async () => {
    await expectProblem(
      call('POST', '/api/v1/tenants', { as: await tokenFor(session), json: { slug: tenant.slug, name: 'X' } }),
      409,
      'tenant.slug-taken',
    )
  })

  test('are renamed, unless somebody else was faster', async () => {
    const path = `/api/v1/tenants/${tenant.id}`
    const etag = (await call('GET', path, { as: tenant.token })).headers.get('etag') ?? ''
    const rename = (name: string) => call('PATCH', path, { as: tenant.token, json: { name }, headers: { 'if-match': etag } })
    expect(await expectStatus(rename('Renamed'), 200)).toMatchObject({ name: 'Renamed', slug: tenant.slug })
    await expectProblem(rename('Too late'), 412, 'precondition.failed')
  })
})

describe('another tenant', () => {
  test('sees nothing, and cannot tell what exists from what does not', async () => {
    const file = await stored('private')
    const unknownId = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9bff'
    for (const [method, suffix] of [
      ['GET', ''],
      ['GET', '/content'],
      ['DELETE', ''],
      ['POST', '/restore'],
    ] as const) {
      const ask = (id: string) => call(method, `/api/v1/files/${id}${suffix}`, { as: tenant.token })
      const [foreign, missing] = [await expectProblem(ask(file.id), 404), await expectProblem(ask(unknownId), 404)]
      const shape = ({ code, title, status, detail }: typeof foreign) => ({
        code,
        title,
        status,
        detail: detail?.replace(/[0-9a-f-]{36}/, 'ID'),
      })
      expect(shape(foreign)).toEqual(shape(missing))
    }
    const page = await expectStatus<{ items: unknown[] }>(call('GET', '/api/v1/files', { as: tenant.token }), 200)
    expect(page.items).toEqual([])
  })

  test('cannot be entered with a header', async () => {
    await expectProblem(
      call('GET', '/api/v1/files', { as: tenant.token, headers: { 'x-tenant-slug': here.tenant } }),
      403,
      'tenant.mismatch',
    )
  })

  test('cannot be put into a folder of ours', async () => {
    const folder = await expectStatus<{ id: string }>(call('POST', '/api/v1/folders', { json: { name: unique('ours') } }), 201)
    await expectProblem(upload('x', { as: tenant.token, fields: { folderId: folder.id } }), 422, 'request.invalid')
  })

  test('is not given to who is no member of it', async ({ skip }) => {
    const person = await newPerson()
    if (!person) skip('sign-up is not open here')
    assert(person)
    const answer = await call('POST', '/api/v1/auth/token', { as: person.session, json: { tenant: here.tenant } })
    expect([403, 404]).toContain(answer.status)
    await expectProblem(answer, answer.status)
  })
})

describe('credentials', () => {
  test.each<[string, string | null]>([
    ['none', null],
    ['nonsense', 'nonsense'],
    ['a key that never was', 'slp_019aa5f27c1e7a109d613f0a5d2c9bff_q3V0x2m9fK1LrPzYd8WbTn5cHs7uEa4Jq3V0x2m9fK1'],
    ['a token that nobody signed', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.'],
  ])('%s: 401 with the scheme to use', async (_what, as) => {
    const answer = await call('GET', '/api/v1/files', { as })
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    await expectProblem(answer, 401)
  })

  test('a token whose last letters were changed', async () => {
    const token = await tokenFor(session, here.tenant)
    await expectProblem(call('GET', '/api/v1/files', { as: `${token.slice(0, -6)}AAAAAA` }), 401)
  })

  test('a token whose claims were changed', async () => {
    const [header, , signature] = (await tokenFor(session, tenant.slug)).split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims(tenant.token), tenant_slug: here.tenant })).toString('base64url')
    await expectProblem(call('GET', '/api/v1/files', { as: `${header}.${forged}.${signature}` }), 401)
  })
})

describe('API keys', () => {
  test('are shown once, listed without their secret, and end within seconds of being revoked', async () => {
    const { id, key } = await newKey(tenant.token, ['files:read'])
    expect((await call('GET', '/api/v1/files', { as: key })).status).toBe(200)
    const list = await (await call('GET', '/api/v1/api-keys', { as: tenant.token })).text()
    expect(list).toContain(id)
    expect(list).not.toContain(key.slice(`slp_${id.replaceAll('-', '')}_`.length))
    await expectStatus(call('DELETE', `/api/v1/api-keys/${id}`, { as: tenant.token }), 204)
    await expectProblem(await untilRefused(key), 401)
  })

  test('do what their scopes allow and nothing else', async () => {
    const { key } = await newKey(tenant.token, ['files:read'])
    await expectProblem(upload('x', { as: key }), 403, 'auth.scope-missing')
    await expectProblem(call('GET', '/api/v1/api-keys', { as: key }), 403, 'auth.scope-missing')
    await expectProblem(call('GET', '/api/v1/quarantine', { as: key }), 403, 'auth.scope-missing')
  })

  test('cannot be given a scope that does not exist', async () => {
    const json = { name: 'x', scopes: ['everything'] }
    const problem = await expectProblem(call('POST', '/api/v1/api-keys', { as: tenant.token, json }), 422, 'request.invalid')
    expect(problem.errors?.[0]?.pointer).toBe('/body/scopes/0')
  })

  test('end when their time is over', async () => {
    const json = { name: 'short', scopes: ['files:read'], expiresAt: new Date(Date.now() + 1500).toISOString() }
    const { key } = await expectStatus<{ key: string }>(call('POST', '/api/v1/api-keys', { as: tenant.token, json }), 201)
    await expectProblem(await untilRefused(key), 401)
  })
})

describe('members', () => {
  test('come by invitation, do what their role allows, and lose access within seconds when they are removed', async ({ skip }) => {
    const member = await newMember(tenant, 'viewer')
    if (!member) skip('sign-up is not open here, or there is no mail catcher')
    assert(member)
    const { id, token: viewer } = member
    expect((await call('GET', '/api/v1/files', { as: viewer })).status).toBe(200)
    await expectProblem(upload('x', { as: viewer }), 403, 'auth.forbidden')
    await expectProblem(call('GET', '/api/v1/quarantine', { as: viewer }), 403, 'auth.forbidden')
    await expectStatus(call('DELETE', `/api/v1/members/${id}`, { as: tenant.token }), 204)
    await expectProblem(await untilRefused(viewer), 401)
  })
})

test('what changes is on record, for admins', async () => {
  const { id } = await newKey(tenant.token, ['files:read'])
  const { items } = await expectStatus<{ items: { action: string; subject: { id: string } }[] }>(
    call('GET', '/api/v1/audit', { as: tenant.token }),
    200,
  )
  expect(items.find((record) => record.subject.id === id)?.action).toMatch(/key/)
  await expectProblem(call('GET', '/api/v1/audit', { as: (await newKey(tenant.token, ['files:read'])).key }), 403, 'auth.scope-missing')
})

test('nobody but an operator looks across tenants', async () => {
  await expectProblem(call('GET', '/api/v1/operator/tenants', { as: tenant.token }), 403)
})

describe('the quota of a tenant', () => {
  test('is kept', async ({ skip }) => {
    const own = await newTenant(session)
    const { quota } = await expectStatus<{ quota: { bytes: number; files: number } }>(
      call('GET', '/api/v1/files/usage', { as: own.token }),
      200,
    )
    skip(quota.bytes > 256 * 1024 * 1024, 'the quota of this installation is too large to fill')
    const piece = Buffer.alloc(Math.ceil(quota.bytes / 10), 'x')
    for (let index = 0; index < 9; index++) await stored(piece, { as: own.token })
    // The ends of two uploads meet at the last place: only one of them may have it.
    const answers = await Promise.all([upload(piece, { as: own.token }), upload(piece, { as: own.token })])
    const statuses = answers.map((answer) => answer.status)
    expect(statuses.filter((status) => status === 413).length).toBeGreaterThanOrEqual(1)
    const refused = answers.find((answer) => answer.status === 413)
    if (refused) await expectProblem(refused, 413, 'quota.exceeded')
    const { used } = await expectStatus<{ used: { bytes: number } }>(call('GET', '/api/v1/files/usage', { as: own.token }), 200)
    expect(used.bytes).toBeLessThanOrEqual(quota.bytes)
  })
})
