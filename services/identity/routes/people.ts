import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { Moment, reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { actorOf } from '../domain/actor.ts'
import { findPerson, requirePerson, requireUnlimited } from '../domain/people.ts'
import { endSessions, listSessions, type SessionRow } from '../domain/sessions.ts'
import { tenantsOf } from '../domain/tenants.ts'
import { examplePerson, Id, ids, Person, Role } from './representation.ts'

const route = routesFor<IdentityContext>()

const Me = z.object({
  kind: z.enum(['user', 'key', 'operator']),
  id: z.string(),
  user: Person.nullable().describe('Null for API keys'),
  tenant: z.object({ id: Id, slug: z.string() }).nullable().describe('The tenant that the credentials are for'),
  role: Role.nullable(),
  scopes: z.array(z.string()).describe('`*` = whatever the role allows'),
  tenants: z
    .array(z.object({ id: Id, slug: z.string(), name: z.string(), role: Role }))
    .describe('Tenants of the person, a hundred at most'),
})

export const meRoute = route(
  {
    method: 'GET',
    path: '/api/v1/me',
    operation: 'me.get',
    summary: 'Who the credentials belong to',
    tags: ['people'],
    auth: 'principal',
    responses: {
      200: {
        description: 'The caller',
        schema: Me,
        example: {
          kind: 'user',
          id: ids.user,
          user: examplePerson,
          tenant: { id: ids.tenant, slug: 'acme' },
          role: 'owner',
          scopes: ['*'],
          tenants: [{ id: ids.tenant, slug: 'acme', name: 'Acme', role: 'owner' }],
        },
      },
    },
  },
  async ({ principal }, { system }) => {
    const { kind, id, tenant, role, scopes } = principal
    if (kind === 'service') throw problem('auth.forbidden')
    const about =
      kind === 'key'
        ? { user: null, tenants: [] }
        : await system.transaction(async (tx) => {
            const person = await findPerson(tx, principal)
            const tenants = person === null ? [] : await tenantsOf(tx, person.id, { after: null, limit: 100 })
            return { user: person, tenants }
          })
    return reply(200, { kind, id, tenant: tenant ?? null, role: role ?? null, scopes: [...scopes], ...about })
  },
)

const Session = z.object({
  id: Id,
  current: z.boolean(),
  method: z.string().nullable().describe('password, magic-link or sign-up'),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  createdAt: Moment,
  lastSeenAt: Moment,
  expiresAt: Moment,
})

export const listSessionsRoute = route(
  {
    method: 'GET',
    path: '/api/v1/auth/sessions',
    operation: 'sessions.list',
    summary: 'The sessions of the caller',
    description: 'Newest first, the last hundred.',
    tags: ['people'],
    auth: 'principal',
    responses: { 200: { description: 'Sessions', schema: z.object({ items: z.array(Session) }) } },
  },
  async ({ principal }, { system }) => {
    const rows = await system.transaction(async (tx) => listSessions(tx, await personId(tx, principal)))
    return reply(200, { items: rows.map((row) => sessionBody(row, principal.sessionId)) })
  },
)

export const endSessionsRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/auth/sessions',
    operation: 'sessions.endOthers',
    summary: 'End all sessions of the caller but this one',
    tags: ['people'],
    auth: 'principal',
    responses: { 200: { description: 'Ended', schema: z.object({ ended: z.number().int() }), example: { ended: 2 } } },
  },
  async ({ principal, request }, { system }) => {
    const which = { except: principal.sessionId }
    const ended = await system.transaction(async (tx) =>
      endSessions(tx, actorOf(principal, request), { userId: await personId(tx, principal), which }),
    )
    return reply(200, { ended })
  },
)

export const endSessionRoute = route(
  {
    method: 'DELETE',
    path: '/api/v1/auth/sessions/{id}',
    operation: 'sessions.end',
    summary: 'End one session of the caller',
    description: 'Its access tokens are dead within 5 s.',
    tags: ['people'],
    auth: 'principal',
    params: z.object({ id: Id }),
    responses: { 204: { description: 'Ended' } },
    problems: ['resource.not-found'],
  },
  async ({ principal, params, request }, { system }) => {
    const ended = await system.transaction(async (tx) =>
      endSessions(tx, actorOf(principal, request), { userId: await personId(tx, principal), which: { only: params.id } }),
    )
    if (ended === 0) throw problem('resource.not-found')
    return reply(204)
  },
)

/** Keys have no sessions; operators are people. */
async function personId(tx: Transaction, principal: Principal): Promise<string> {
  const id = principal.kind === 'operator' ? principal.id : (await requirePerson(tx, principal)).id
  requireUnlimited(principal)
  return id
}

function sessionBody(row: SessionRow, current: string | undefined): z.input<typeof Session> {
  const { id, method, ip, userAgent, createdAt, lastSeenAt, expiresAt } = row
  const times = { createdAt: createdAt.toISOString(), lastSeenAt: lastSeenAt.toISOString(), expiresAt: expiresAt.toISOString() }
  return { id, current: id === current, method, ip, userAgent, ...times }
}
