import {
  decodeCursor,
  Moment,
  page,
  pageOf,
  pageQuery,
  type RequestInfo,
  reply,
  requireIfMatch,
  requiresAbsence,
  routesFor,
  strongEtag,
} from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf } from '../domain/actor.ts'
import { findSetting, listSettings, putSetting, removeSetting, type Setting } from '../domain/settings.ts'

const route = routesFor<IdentityContext>()

const Key = z
  .string()
  .regex(/^[a-z0-9]+([._-][a-z0-9]+)*$/, 'must be lower-case words joined by . _ or -')
  .max(100)
const onSetting = { tags: ['settings'], params: z.object({ key: Key }) } as const

const SettingBody = z.object({
  key: Key,
  type: z.enum(['string', 'number', 'boolean', 'json', 'secret']),
  value: z.unknown().optional().describe('Absent for secrets'),
  updatedAt: Moment,
  updatedBy: z.string(),
})

const longest = 16_384

/** Postgres holds no halves of surrogate pairs. */
const storable = (value: unknown) => !/(?<!\\)(\\\\)*\\ud[89a-f]/.test(JSON.stringify(value))
const unstorable = 'must not contain lone surrogates'

const Change = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('string'), value: z.string().max(longest).refine(storable, unstorable) }),
  z.strictObject({ type: z.literal('secret'), value: z.string().min(1).max(longest).refine(storable, unstorable) }),
  z.strictObject({ type: z.literal('number'), value: z.number() }),
  z.strictObject({ type: z.literal('boolean'), value: z.boolean() }),
  z.strictObject({ type: z.literal('json'), value: z.json().refine(storable, unstorable) }),
])

const example: z.input<typeof SettingBody> = {
  key: 'mail.signature',
  type: 'string',
  value: 'Kind regards',
  updatedAt: '2026-11-21T09:30:00.000Z',
  updatedBy: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b10',
}
const answer = { schema: SettingBody, example, headers: { etag: 'Version of the setting' } }

function body({ key, type, value, updatedAt, updatedBy }: Setting): z.input<typeof SettingBody> {
  return { key, type, ...(value === undefined ? {} : { value }), updatedAt: updatedAt.toISOString(), updatedBy }
}

function tagged({ version }: Setting) {
  return { headers: { etag: strongEtag(version) } }
}

export const listSettingsRoute = route(
  {
    method: 'GET',
    path: '/api/v1/settings',
    operation: 'settings.list',
    summary: 'Settings of the tenant',
    tags: ['settings'],
    auth: { role: 'admin', scope: 'tenant:read' },
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page, by key', schema: pageOf(SettingBody), example: { items: [example], nextCursor: null } } },
  },
  async ({ query: { limit, cursor }, tenant }, { database }) => {
    const after = decodeCursor(cursor, Key)
    const items = await database.tenantTransaction(tenant.id, (tx) => listSettings(tx, { after, limit: limit + 1 }), { readOnly: true })
    const found = page({ items, limit, cursorOf: ({ key }) => key })
    return reply(200, { ...found, items: found.items.map(body) })
  },
)

export const getSettingRoute = route(
  {
    ...onSetting,
    method: 'GET',
    path: '/api/v1/settings/{key}',
    operation: 'settings.get',
    summary: 'One setting',
    description: 'The value of a secret is never returned.',
    auth: { role: 'admin', scope: 'tenant:read' },
    responses: { 200: { description: 'The setting', ...answer } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, { database }) => {
    const found = await database.tenantTransaction(tenant.id, (tx) => findSetting(tx, params.key), { readOnly: true })
    if (found === null) throw problem('resource.not-found')
    return reply(200, body(found), tagged(found))
  },
)

export const putSettingRoute = route(
  {
    ...onSetting,
    method: 'PUT',
    path: '/api/v1/settings/{key}',
    operation: 'settings.put',
    summary: 'Set a setting',
    description: 'Secrets are encrypted at rest. `If-Match` guards a change, `If-None-Match: *` a creation.',
    auth: { role: 'admin', scope: 'tenant:write' },
    body: Change,
    bodyExample: { type: 'string', value: 'Kind regards' },
    bodyBytes: 65_536,
    responses: { 200: { description: 'Set', ...answer } },
    problems: ['precondition.failed'],
  },
  async ({ params, body: given, tenant, principal, request }, { database, sealer }) => {
    const check = (current: Setting | null) => {
      if (current !== null && requiresAbsence(request)) throw problem('precondition.failed', { detail: `"${params.key}" exists already` })
      requireSeen(request, current)
    }
    const change = { tenantId: tenant.id, key: params.key, actor: actorOf(principal, request), sealer, check }
    const setting = await database.tenantTransaction(tenant.id, (tx) => putSetting(tx, change, given))
    return reply(200, body(setting), tagged(setting))
  },
)

export const deleteSettingRoute = route(
  {
    ...onSetting,
    method: 'DELETE',
    path: '/api/v1/settings/{key}',
    operation: 'settings.remove',
    summary: 'Remove a setting',
    auth: { role: 'admin', scope: 'tenant:write' },
    responses: { 204: { description: 'Removed' } },
    problems: ['resource.not-found', 'precondition.failed'],
  },
  async ({ params, tenant, principal, request }, { database, sealer }) => {
    const check = (current: Setting | null) => requireSeen(request, current)
    const change = { tenantId: tenant.id, key: params.key, actor: actorOf(principal, request), sealer, check }
    await database.tenantTransaction(tenant.id, (tx) => removeSetting(tx, change))
    return reply(204)
  },
)

/** RFC 9110 §13.1.1: what does not exist matches nothing, not even `*`. */
function requireSeen(request: RequestInfo, current: Setting | null): void {
  if (current !== null) requireIfMatch(request, strongEtag(current.version), { optional: true })
  else if (request.headers['if-match'] !== undefined) throw problem('precondition.failed', { detail: 'there is no such setting any more' })
}
