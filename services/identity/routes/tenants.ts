import {
  decodeCursor,
  isNotModified,
  Moment,
  notModified,
  page,
  pageOf,
  pageQuery,
  reply,
  requireIfMatch,
  routesFor,
  strongEtag,
} from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf, audited } from '../domain/actor.ts'
import { findPerson, requirePerson, requireUnlimited } from '../domain/people.ts'
import { allTenants, createTenant, findTenant, lockTenant, renameTenant, type Tenant, tenantsOf } from '../domain/tenants.ts'
import { Id, ids, Name, Role, Slug } from './representation.ts'

const route = routesFor<IdentityContext>()

const TenantBody = z.object({ id: Id, slug: z.string(), name: z.string(), createdAt: Moment, updatedAt: Moment })
const OwnTenant = TenantBody.extend({ role: Role })

const example: z.input<typeof TenantBody> = {
  id: ids.tenant,
  slug: 'acme',
  name: 'Acme',
  createdAt: '2026-11-21T09:30:00.000Z',
  updatedAt: '2026-11-21T09:30:00.000Z',
}
const etag = { headers: { etag: 'Version of the tenant' } }

function body({ id, slug, name, createdAt, updatedAt }: Tenant): z.input<typeof TenantBody> {
  return { id, slug, name, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() }
}

function tagged(tenant: Tenant) {
  return { headers: { etag: strongEtag(tenant.version) } }
}

export const createTenantRoute = route(
  {
    method: 'POST',
    path: '/api/v1/tenants',
    operation: 'tenants.create',
    summary: 'Make a tenant',
    description: 'The caller becomes its owner. The slug cannot be changed later.',
    tags: ['tenants'],
    auth: 'principal',
    body: z.strictObject({ slug: Slug, name: Name }),
    bodyExample: { slug: 'acme', name: 'Acme' },
    responses: { 201: { description: 'Made', schema: TenantBody, example, headers: { location: 'Of the tenant', etag: 'Its version' } } },
    problems: ['tenant.slug-taken', 'auth.forbidden'],
    rate: { name: 'identity-tenants', limit: 30, seconds: 3600, by: 'principal' },
  },
  async ({ body: { slug, name }, principal, request, idempotency }, context) => {
    const owner = await context.system.transaction((tx) => requirePerson(tx, principal))
    requireUnlimited(principal)
    const made = (tenant: Tenant) =>
      reply(201, body(tenant), { headers: { location: `/api/v1/tenants/${tenant.id}`, etag: strongEtag(tenant.version) } })
    const finish: Parameters<typeof createTenant>[2]['finish'] = (tx, tenant) => idempotency.complete(tx, made(tenant))
    return made(await createTenant(context, { slug, name, ownerId: owner.id }, { actor: actorOf(principal, request), finish }))
  },
)

export const listTenantsRoute = route(
  {
    method: 'GET',
    path: '/api/v1/tenants',
    operation: 'tenants.list',
    summary: 'The tenants of the caller',
    tags: ['tenants'],
    auth: 'principal',
    query: z.object(pageQuery),
    responses: {
      200: { description: 'A page', schema: pageOf(OwnTenant), example: { items: [{ ...example, role: 'owner' }], nextCursor: null } },
    },
  },
  async ({ query, principal }, { system, database }) => {
    const { limit } = query
    const { tenant, role } = principal
    if (principal.kind === 'key' && tenant && role) {
      const own = await database.transaction((tx) => findTenant(tx, tenant.id))
      return reply(200, { items: [{ ...body(own), role }], nextCursor: null })
    }
    const after = decodeCursor(query.cursor, Id)
    const items = await system.transaction(async (tx) => {
      const person = await findPerson(tx, principal)
      return person === null ? [] : tenantsOf(tx, person.id, { after, limit: limit + 1 })
    })
    const found = page({ items, limit, cursorOf: ({ id }) => id })
    return reply(200, { ...found, items: found.items.map((item) => ({ ...body(item), role: item.role })) })
  },
)

const onTenant = { params: z.object({ id: Id }), tags: ['tenants'] } as const

export const getTenantRoute = route(
  {
    ...onTenant,
    method: 'GET',
    path: '/api/v1/tenants/{id}',
    operation: 'tenants.get',
    summary: 'The tenant of the credentials',
    auth: { role: 'viewer', scope: 'tenant:read' },
    responses: { 200: { description: 'The tenant', schema: TenantBody, example, ...etag } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant, request }, { database }) => {
    requireOwn(params.id, tenant.id)
    const found = await database.tenantTransaction(tenant.id, (tx) => findTenant(tx, tenant.id), { readOnly: true })
    if (isNotModified(request, strongEtag(found.version))) return notModified(strongEtag(found.version))
    return reply(200, body(found), tagged(found))
  },
)

export const patchTenantRoute = route(
  {
    ...onTenant,
    method: 'PATCH',
    path: '/api/v1/tenants/{id}',
    operation: 'tenants.update',
    summary: 'Rename the tenant',
    auth: { role: 'admin', scope: 'tenant:write' },
    body: z.strictObject({ name: Name }),
    bodyExample: { name: 'Acme Corporation' },
    responses: { 200: { description: 'Renamed', schema: TenantBody, example, ...etag } },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async ({ params, body: { name }, tenant, principal, request }, { database }) => {
    requireOwn(params.id, tenant.id)
    const renamed = await database.tenantTransaction(tenant.id, async (tx) => {
      const before = await lockTenant(tx, tenant.id)
      requireIfMatch(request, strongEtag(before.version), { optional: true })
      return renameTenant(tx, before, { name, actor: actorOf(principal, request) })
    })
    return reply(200, body(renamed), tagged(renamed))
  },
)

/** Another tenant's id looks exactly like a missing one. */
function requireOwn(asked: string, own: string): void {
  if (asked !== own) throw problem('resource.not-found')
}

export const operatorTenantsRoute = route(
  {
    method: 'GET',
    path: '/api/v1/operator/tenants',
    operation: 'operator.tenants',
    summary: 'All tenants of the installation',
    description: 'For operators; every look is audited.',
    tags: ['operator'],
    auth: 'operator',
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(TenantBody), example: { items: [example], nextCursor: null } } },
  },
  async ({ query: { limit, cursor }, principal, request }, { system }) => {
    const after = decodeCursor(cursor, Id)
    const items = await system.transaction(async (tx) => {
      await audited(tx, actorOf(principal, request), {
        action: 'operator.looked',
        tenantId: null,
        subject: { type: 'tenants', id: after ?? 'first' },
      })
      return allTenants(tx, { after, limit: limit + 1 })
    })
    const found = page({ items, limit, cursorOf: ({ id }) => id })
    return reply(200, { ...found, items: found.items.map(body) })
  },
)
