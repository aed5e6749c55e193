import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { acme, problemIn, serve } from './http.fixtures.ts'
import { type AuthRequirement, reply, routesFor } from './index.ts'

const route = routesFor<unknown>()
const responses = { 200: { description: 'Who', schema: z.object({ principal: z.string().nullable(), tenant: z.string().nullable() }) } }

function guarded(path: `/${string}`, auth: AuthRequirement) {
  return route({ method: 'GET', path, operation: path, summary: 'Who am I', auth, responses }, async ({ principal, tenant }) =>
    reply(200, { principal: principal?.id ?? null, tenant: tenant?.id ?? null }),
  )
}

const routes = [
  guarded('/open', 'none'),
  guarded('/member', { role: 'member', scope: 'notes:read' }),
  guarded('/both', { role: 'admin', scope: 'jobs:read', operator: true }),
  guarded('/operator', 'operator'),
  guarded('/signed-in', 'principal'),
  guarded('/internal', 'service'),
]
const baseDomain = 'slipway.test'

describe('who is let in', () => {
  it.each([
    ['/member', 'member', { principal: 'u1', tenant: acme.id }],
    ['/both', 'operator', { principal: 'o1', tenant: null }],
    ['/operator', 'operator', { principal: 'o1', tenant: null }],
    ['/signed-in', 'homeless', { principal: 'u3', tenant: null }],
    ['/open', undefined, { principal: null, tenant: null }],
  ])('%s: %s', async (path, as, who) => {
    await using server = await serve({ routes })
    const response = await server.fetch(path, as ? { as } : {})
    expect(await response.json()).toEqual(who)
  })

  it.each([
    ['/member', undefined, 401, 'auth.required'],
    ['/member', 'nobody-we-know', 401, 'auth.invalid'],
    ['/member', 'viewer', 403, 'auth.forbidden'],
    ['/member', 'narrow', 403, 'auth.scope-missing'],
    ['/member', 'homeless', 400, 'tenant.required'],
    ['/member', 'operator', 400, 'tenant.required'],
    ['/both', 'member', 403, 'auth.forbidden'],
    ['/operator', 'member', 403, 'auth.forbidden'],
    ['/internal', 'member', 403, 'auth.forbidden'],
    ['/signed-in', undefined, 401, 'auth.required'],
  ] as const)('not to %s: %s', async (...[path, as, status, code]) => {
    await using server = await serve({ routes })
    const response = await server.fetch(path, as ? { as } : {})
    expect(await problemIn(response)).toMatchObject({ status, code })
    if (code === 'auth.required') expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it('a stale token keeps nobody from a route that asks for none', async () => {
    await using server = await serve({ routes })
    expect((await server.fetch('/open', { as: 'nobody-we-know' })).status).toBe(200)
  })

  it('credentials are looked at before the rest of the request', async () => {
    await using server = await serve({ routes })
    expect((await server.fetch('/member?unknown=1')).status).toBe(401)
  })
})

describe('the tenant that a request names', () => {
  it.each([
    ['by header', { 'x-tenant-slug': 'other' }],
    ['by subdomain', { 'x-forwarded-host': 'other.slipway.test' }],
    ['in two ways that differ', { 'x-tenant-slug': 'acme', 'x-forwarded-host': 'other.slipway.test' }],
  ])('must be that of the credentials (%s)', async (_name, headers) => {
    await using server = await serve({ routes, baseDomain, trustedProxies: ['loopback'] })
    const response = await server.fetch('/member', { as: 'member', headers })
    expect(await problemIn(response)).toMatchObject({ status: 403, code: 'tenant.mismatch' })
  })

  it.each([{ 'x-tenant-slug': 'acme' }, { 'x-forwarded-host': 'acme.slipway.test' }, { 'x-forwarded-host': 'slipway.test' }])(
    'may be %j',
    async (headers) => {
      await using server = await serve({ routes, baseDomain, trustedProxies: ['loopback'] })
      expect((await server.fetch('/member', { as: 'member', headers })).status).toBe(200)
    },
  )

  it('is not believed from a proxy that is not trusted', async () => {
    await using server = await serve({ routes, baseDomain })
    const response = await server.fetch('/member', { as: 'member', headers: { 'x-forwarded-host': 'other.slipway.test' } })
    expect(response.status).toBe(200)
  })

  it('and the caller are in the log', async () => {
    await using server = await serve({ routes })
    const ended = server.nextEnd()
    await server.fetch('/member', { as: 'member' })
    await ended
    expect(server.logs.at(-1)?.fields).toMatchObject({ tenant: 'acme', principal: 'user:u1' })
    expect(JSON.stringify(server.logs)).not.toContain('Bearer')
  })
})
