import { isScope, scopes } from '@slipway/auth'
import { decodeCursor, Moment, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf } from '../domain/actor.ts'
import { createKey, listKeys, revokeKey } from '../domain/api-keys.ts'
import { Id, ids, momentOrNull, Name } from './representation.ts'

const route = routesFor<IdentityContext>()

const ApiKey = z.object({
  id: Id,
  name: z.string(),
  scopes: z.array(z.string()),
  createdBy: Id,
  createdAt: Moment,
  expiresAt: Moment.nullable(),
  lastUsedAt: Moment.nullable().describe('To the minute'),
})
const NewApiKey = ApiKey.extend({ key: z.string().describe('Shown this once: it is kept as a hash only') })

const example: z.input<typeof ApiKey> = {
  id: ids.other,
  name: 'ci',
  scopes: ['files:read', 'files:write'],
  createdBy: ids.user,
  createdAt: '2026-11-21T09:30:00.000Z',
  expiresAt: null,
  lastUsedAt: null,
}

function body(row: Awaited<ReturnType<typeof listKeys>>[number]): z.input<typeof ApiKey> {
  const { id, name, scopes, createdBy, createdAt, expiresAt, lastUsedAt } = row
  return {
    id,
    name,
    scopes,
    createdBy,
    createdAt: createdAt.toISOString(),
    expiresAt: momentOrNull(expiresAt),
    lastUsedAt: momentOrNull(lastUsedAt),
  }
}

const scopeList = Object.entries(scopes)
  .map(([scope, { description }]) => `\`${scope}\`: ${description.toLowerCase()}`)
  .join('; ')

export const createKeyRoute = route(
  {
    method: 'POST',
    path: '/api/v1/api-keys',
    operation: 'apiKeys.create',
    summary: 'Make an API key',
    description: `It acts with the role that its maker has, within its scopes, and ends with the maker's membership. Scopes: ${scopeList}.`,
    tags: ['api-keys'],
    auth: { role: 'admin', scope: 'keys:write' },
    body: z.strictObject({
      name: Name,
      scopes: z
        .array(z.string().refine(isScope, `must be one of ${Object.keys(scopes).join(', ')}`))
        .min(1)
        .max(50)
        .refine((all) => new Set(all).size === all.length, 'must not repeat a scope'),
      expiresAt: Moment.optional().describe('It lives until it is revoked without this'),
    }),
    bodyExample: { name: 'ci', scopes: ['files:read', 'files:write'] },
    responses: {
      201: {
        description: 'Made',
        schema: NewApiKey,
        example: { ...example, key: 'slp_019aa5f27c1e7a109d613f0a5d2c9b30_q3V0x2m9fK1LrPzYd8WbTn5cHs7uEa4Jq3V0x2m9fK1' },
      },
    },
    problems: ['auth.forbidden'],
  },
  async ({ body: { name, scopes, expiresAt }, tenant, principal, request, idempotency }, { database }) => {
    const ends = expiresAt === undefined ? null : new Date(expiresAt)
    if (ends !== null && ends.getTime() <= Date.now()) {
      throw problem('request.invalid', { errors: [{ pointer: '/body/expiresAt', detail: 'must be in the future' }] })
    }
    return database.tenantTransaction(tenant.id, async (tx) => {
      const given = { tenantId: tenant.id, name, scopes, expiresAt: ends }
      const made = await createKey(tx, given, { principal, actor: actorOf(principal, request) })
      const answer = reply(201, { ...body(made), key: made.key })
      await idempotency.complete(tx, answer)
      return answer
    })
  },
)

export const listKeysRoute = route(
  {
    method: 'GET',
    path: '/api/v1/api-keys',
    operation: 'apiKeys.list',
    summary: 'API keys of the tenant',
    tags: ['api-keys'],
    auth: { role: 'admin', scope: 'keys:read' },
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(ApiKey), example: { items: [example], nextCursor: null } } },
  },
  async ({ query: { limit, cursor }, tenant }, { database }) => {
    const after = decodeCursor(cursor, Id)
    const items = await database.tenantTransaction(tenant.id, (tx) => listKeys(tx, { after, limit: limit + 1 }), { readOnly: true })
    const found = page({ items, limit, cursorOf: ({ id }) => id })
    return reply(200, { ...found, items: found.items.map(body) })
  },
)

export const revokeKeyRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/api-keys/{id}',
    operation: 'apiKeys.revoke',
    summary: 'Revoke an API key',
    description: 'It is dead within 5 s.',
    tags: ['api-keys'],
    auth: { role: 'admin', scope: 'keys:write' },
    params: z.object({ id: Id }),
    responses: { 204: { description: 'Revoked' } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant, principal, request }, { database }) => {
    const given = { id: params.id, tenantId: tenant.id, actor: actorOf(principal, request) }
    await database.tenantTransaction(tenant.id, (tx) => revokeKey(tx, given))
    return reply(204)
  },
)
