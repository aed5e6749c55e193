import { scopes } from '@slipway/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addOperator } from './domain/operators.ts'
import { type Answer, openRoom, type Person, type Room } from './identity.fixtures.ts'
import { identity } from './service.ts'

const missing = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b99'
const callers = [
  'nobody',
  'owner',
  'admin',
  'member',
  'viewer',
  'narrow token',
  'whole key',
  'narrow key',
  'operator',
  'operator inside',
  'roaming',
  'stranger',
] as const
type Caller = (typeof callers)[number]
type Named = 'own' | 'foreign' | 'absent' | 'none'

/**
 * Who gets to the handler, and what its neutral input then gets: written by hand, so that a contract that changes has to change here.
 * - `tenant`: at least the role, and the scope if the credentials are limited
 * - `anybody`: all credentials; `person`: people and operators with the whole of their rights; `member`: without operators
 */
type Rule =
  | { for: 'anybody' | 'person' | 'member' | 'operator'; gets: string; body?: unknown }
  | { for: 'tenant'; role: 'admin' | 'viewer'; scope: string; gets: string; body?: unknown; headers?: object; peopleOnly?: true }

type Sent = { body?: unknown; headers?: object; peopleOnly?: true }
const inTenant = (needs: `${'admin' | 'viewer'} ${string}`, gets: string, sent: Sent = {}): Rule => {
  const [role, scope] = needs.split(' ') as ['admin' | 'viewer', string]
  return { for: 'tenant', role, scope, gets, ...sent }
}
const notFound = '404 resource.not-found'

const rules: Record<string, Rule> = {
  'me.get': { for: 'anybody', gets: '200' },
  'sessions.list': { for: 'person', gets: '200' },
  'sessions.endOthers': { for: 'person', gets: '200' },
  'sessions.end': { for: 'person', gets: notFound },
  'tenants.create': { for: 'member', gets: '422 request.invalid', body: { slug: 'admin', name: 'Reserved' } },
  'tenants.list': { for: 'anybody', gets: '200' },
  'tenants.get': inTenant('viewer tenant:read', notFound),
  'tenants.update': inTenant('admin tenant:write', notFound, { body: { name: 'Mine now' } }),
  'operator.tenants': { for: 'operator', gets: '200' },
  'audit.list': inTenant('admin audit:read', '200'),
  'members.list': inTenant('viewer tenant:read', '200'),
  'members.get': inTenant('viewer tenant:read', notFound),
  'members.changeRole': inTenant('admin tenant:write', notFound, { body: { role: 'viewer' } }),
  'members.remove': inTenant('viewer tenant:write', notFound),
  'invitations.accept': { for: 'member', gets: '401 auth.link-invalid', body: { token: 'x'.repeat(43) } },
  'invitations.create': inTenant('admin tenant:write', '409 resource.conflict', {
    body: { email: 'OWNER-1@example.com', role: 'viewer' },
    peopleOnly: true,
  }),
  'invitations.list': inTenant('admin tenant:read', '200'),
  'invitations.cancel': inTenant('admin tenant:write', notFound),
  'apiKeys.create': inTenant('admin keys:write', '422 request.invalid', {
    body: { name: 'late', scopes: ['files:read'], expiresAt: '2020-01-01T00:00:00Z' },
  }),
  'apiKeys.list': inTenant('admin keys:read', '200'),
  'apiKeys.revoke': inTenant('admin keys:write', notFound),
  'settings.list': inTenant('admin tenant:read', '200'),
  'settings.get': inTenant('admin tenant:read', notFound),
  'settings.put': inTenant('admin tenant:write', '412 precondition.failed', {
    body: { type: 'number', value: 1 },
    headers: { 'if-match': '"9"' },
  }),
  'settings.remove': inTenant('admin tenant:write', notFound),
}

/** Routes that look at no access token. What everybody gets for an empty body; `session` needs a session token. */
const open: Record<string, string> = {
  'auth.signUp': '422 request.invalid',
  'auth.confirmEmail': '422 request.invalid',
  'auth.signIn': '422 request.invalid',
  'auth.requestMagicLink': '422 request.invalid',
  'auth.consumeMagicLink': '422 request.invalid',
  'auth.changePassword': '422 request.invalid',
  'auth.linkPage': '200',
  'auth.signOut': 'session',
  'auth.token': 'session',
  'auth.jwks': '200',
  'auth.wellKnownJwks': '200',
}

const routes = identity.routes.filter((route) => !route.internal)
const guarded = routes.filter(({ operation }) => operation in rules)

let room: Room
let people: Record<'owner' | 'admin' | 'member' | 'viewer' | 'stranger', Person>
let tokens: Record<Caller, string | undefined>
let foreign: { tenant: string; member: string; key: string; invitation: string }

beforeAll(async () => {
  room = await openRoom({ IDENTITY_ATTEMPTS_PER_ACCOUNT: '10000' })
  const owner = await room.person('owner')
  expect(owner.email).toBe('owner-1@example.com')
  await makeTenant(owner, 'acme')
  const join = async (role: string) => {
    const person = await room.person(role)
    await room.call('POST', '/api/v1/invitations', { token: await owner.token('acme'), body: { email: person.email, role } })
    const token = await room.linkTo(person.email, 'invitation')
    await room.call('POST', '/api/v1/invitations/accept', { token: await person.token(), body: { token } })
    return person
  }
  const stranger = await room.person('stranger')
  await makeTenant(stranger, 'rival')
  people = { owner, admin: await join('admin'), member: await join('member'), viewer: await join('viewer'), stranger }
  tokens = await credentials()
  foreign = await foreignThings(stranger)
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

async function makeTenant(person: Person, slug: string): Promise<void> {
  const made = await room.call('POST', '/api/v1/tenants', { token: await person.token(), body: { slug, name: slug } })
  expect(made.status).toBe(201)
}

async function credentials(): Promise<Record<Caller, string | undefined>> {
  const { owner, admin, member, viewer, stranger } = people
  const operator = await room.person('operator')
  const actor = { kind: 'system', id: 'test', from: {} } as const
  await room.context.system.transaction((tx) => addOperator(tx, operator.email, actor))
  const ask = async ({ session }: Person, body: object): Promise<string> =>
    (await room.call('POST', '/api/v1/auth/token', { token: session, body })).body.accessToken
  const key = async (granted: string[]): Promise<string> => {
    const body = { name: 'key', scopes: granted }
    return (await room.call('POST', '/api/v1/api-keys', { token: await owner.token('acme'), body })).body.key
  }
  return {
    nobody: undefined,
    owner: await owner.token('acme'),
    admin: await admin.token('acme'),
    member: await member.token('acme'),
    viewer: await viewer.token('acme'),
    'narrow token': await ask(owner, { tenant: 'acme', scopes: ['files:read'] }),
    'whole key': await key(Object.keys(scopes)),
    'narrow key': await key(['files:read']),
    operator: await ask(operator, { operator: true }),
    'operator inside': await ask(operator, { operator: true, tenant: 'acme' }),
    roaming: await ask(member, {}),
    stranger: await stranger.token('rival'),
  }
}

/** One thing of each kind in the other tenant. */
async function foreignThings(stranger: Person) {
  const token = await stranger.token('rival')
  const key = await room.call('POST', '/api/v1/api-keys', { token, body: { name: 'theirs', scopes: ['files:read'] } })
  const invited = await room.call('POST', '/api/v1/invitations', { token, body: { email: 'guest@example.com', role: 'viewer' } })
  await room.call('PUT', '/api/v1/settings/theirs', { token, body: { type: 'secret', value: 'of the rival' } })
  const me = await room.call('GET', '/api/v1/me', { token })
  return { tenant: me.body.tenant.id, member: stranger.id, key: key.body.id, invitation: invited.body.id }
}

const shown = ({ status, body }: Answer) => (status < 400 ? `${status}` : `${status} ${body.code}`)
const slugs: Record<Named, string | undefined> = { own: 'acme', foreign: 'rival', absent: 'no-such-tenant', none: undefined }

function send(operation: string, caller: Caller, { named, id = missing }: { named: Named; id?: string | undefined }): Promise<Answer> {
  const route = routes.find((candidate) => candidate.operation === operation)
  const rule = rules[operation]
  const slug = slugs[named]
  const path = (route?.path ?? '').replace('{id}', id).replace('{key}', id === missing ? 'no.such.setting' : id)
  const body = rule?.body ?? (operation in open && route?.method === 'POST' ? {} : undefined)
  const extra = rule?.for === 'tenant' ? rule.headers : {}
  const headers = { ...extra, ...(slug === undefined ? {} : { 'x-tenant-slug': slug }) }
  return room.call(route?.method ?? 'GET', path, { token: tokens[caller], body, headers })
}

const tenantOf: Partial<Record<Caller, 'acme' | 'rival'>> = {
  owner: 'acme',
  admin: 'acme',
  member: 'acme',
  viewer: 'acme',
  'narrow token': 'acme',
  'whole key': 'acme',
  'narrow key': 'acme',
  'operator inside': 'acme',
  stranger: 'rival',
}
const forbidden = '403 auth.forbidden'
const admins: readonly Caller[] = ['owner', 'admin', 'narrow token', 'whole key', 'narrow key', 'operator inside', 'stranger']

function expected(rule: Rule, caller: Caller, named: Named): string {
  if (caller === 'nobody') return '401 auth.required'
  const operator = caller.startsWith('operator')
  if (rule.for === 'operator' && !operator) return forbidden
  const tenant = tenantOf[caller]
  if (tenant !== undefined && named !== 'none' && slugs[named] !== tenant) return '403 tenant.mismatch'
  if (rule.for === 'anybody' || rule.for === 'operator') return rule.gets
  const [key, limited] = [caller.endsWith('key'), caller.startsWith('narrow')]
  if (rule.for !== 'tenant') return key || (operator && rule.for === 'member') ? forbidden : limited ? '403 auth.scope-missing' : rule.gets
  if (tenant === undefined) return '400 tenant.required'
  if (rule.role === 'admin' && !admins.includes(caller)) return forbidden
  if (limited) return '403 auth.scope-missing'
  if (rule.peopleOnly && (key || operator)) return forbidden
  return rule.peopleOnly && caller === 'stranger' ? '201' : rule.gets
}

describe('the rules', () => {
  it('are about all routes of the manifest and no others', () => {
    expect(routes.map(({ operation }) => operation).sort()).toEqual([...Object.keys(rules), ...Object.keys(open)].sort())
  })

  it('say of each route what its contract says', () => {
    for (const { operation, contract } of guarded) {
      const rule = rules[operation]
      const wanted = rule?.for === 'tenant' ? { role: rule.role, scope: rule.scope } : rule?.for === 'operator' ? 'operator' : 'principal'
      expect(contract.auth, operation).toEqual(wanted)
    }
    for (const { operation, contract } of routes) if (operation in open) expect(contract.auth, operation).toBe('none')
  })
})

describe.each(callers)('%s', (caller) => {
  it.each(['own', 'foreign', 'absent', 'none'] as const)('with the name of this tenant: %s', async (named) => {
    const seen: Record<string, string> = {}
    const wanted: Record<string, string> = {}
    for (const { operation } of guarded) {
      const rule = rules[operation] as Rule
      seen[operation] = shown(await send(operation, caller, { named }))
      wanted[operation] = expected(rule, caller, named)
    }
    expect(seen).toEqual(wanted)
    expect(Object.keys(seen).length).toBe(Object.keys(rules).length)
  })

  it('gets from open routes what everybody gets', async () => {
    for (const [operation, gets] of Object.entries(open)) {
      const anonymous = operation === 'auth.signOut' ? '204' : '401 auth.required'
      const wanted = gets !== 'session' ? gets : caller === 'nobody' ? anonymous : '401 auth.invalid'
      expect(shown(await send(operation, caller, { named: 'none' })), operation).toBe(wanted)
    }
  })

  it('gets nothing from internal routes, on either listener', async () => {
    const token = tokens[caller]
    for (const { path, method, internal } of identity.routes) {
      if (!internal) continue
      const at = path.replace('{id}', missing).replace('{slug}', 'acme').replace('{key}', 'x')
      expect(shown(await room.call(method, at, { token, ...(method === 'POST' ? { body: {} } : {}) })), path).toBe('404 route.not-found')
      const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(`${room.internalUrl}${at}`, { method, headers: { ...authorization } })
      expect(answer.status, path).toBe(401)
    }
  })
})

describe('a foreign id looks exactly like a missing one', () => {
  const ids: Record<string, () => string> = {
    'tenants.get': () => foreign.tenant,
    'tenants.update': () => foreign.tenant,
    'members.get': () => foreign.member,
    'members.changeRole': () => foreign.member,
    'members.remove': () => foreign.member,
    'invitations.cancel': () => foreign.invitation,
    'apiKeys.revoke': () => foreign.key,
    'settings.get': () => 'theirs',
    'settings.put': () => 'theirs',
    'settings.remove': () => 'theirs',
    'sessions.end': () => missing,
  }

  it('on every route that takes one', async () => {
    const taking = guarded.filter(({ path }) => path.includes('{')).map(({ operation }) => operation)
    expect(taking.sort()).toEqual(Object.keys(ids).sort())
    for (const caller of ['owner', 'whole key', 'operator inside'] as const) {
      for (const operation of taking.filter((name) => name !== 'sessions.end')) {
        const [theirs, none] = [
          await send(operation, caller, { named: 'own', id: ids[operation]?.() }),
          await send(operation, caller, { named: 'own' }),
        ]
        expect(theirs.status, operation).toBe(none.status)
        expect(anonymised(theirs), operation).toEqual(anonymised(none))
      }
    }
  })

  it('and the foreign things are all still there', async () => {
    const token = tokens.stranger
    const get = async (path: string) => (await room.call('GET', path, { token })).body
    expect((await get(`/api/v1/tenants/${foreign.tenant}`)).name).toBe('rival')
    expect((await get(`/api/v1/members/${foreign.member}`)).role).toBe('owner')
    expect((await get('/api/v1/api-keys')).items).toMatchObject([{ id: foreign.key }])
    expect((await get('/api/v1/invitations')).items).toContainEqual(expect.objectContaining({ id: foreign.invitation }))
    expect(await get('/api/v1/settings/theirs')).toMatchObject({ type: 'secret' })
  })

  function anonymised({ body }: Answer): object {
    const { traceId: _trace, requestId: _request, instance: _instance, ...rest } = body
    return rest
  }
})
