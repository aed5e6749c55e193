import { type AuditRow, listAudit } from '@slipway/audit'
import { decodeCursor, encodeCursor, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { Id, ids, Moment, Text } from './representation.ts'

const route = routesFor<IdentityContext>()

const Entry = z.object({
  id: Id,
  at: Moment,
  action: z.string(),
  actor: z.object({ kind: z.string(), id: z.string(), name: z.string().nullable() }),
  subject: z.object({ type: z.string(), id: z.string() }),
  before: z.unknown(),
  after: z.unknown(),
  from: z.object({
    ip: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    traceId: z.string().nullable(),
  }),
})

const example: z.input<typeof Entry> = {
  id: ids.other,
  at: '2026-11-21T09:30:00.000Z',
  action: 'member.role-changed',
  actor: { kind: 'user', id: ids.user, name: 'ada@example.com' },
  subject: { type: 'user', id: ids.tenant },
  before: { role: 'member' },
  after: { role: 'admin' },
  from: { ip: '192.0.2.17', userAgent: 'curl/8.5.0', requestId: 'f3b1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
}

const query = z.object({
  ...pageQuery,
  action: Text.max(100).optional().describe('Such as member.removed'),
  actorId: Text.max(200).optional(),
  subjectType: Text.max(50).optional().describe('Together with subjectId'),
  subjectId: Text.max(200).optional(),
  since: Moment.optional(),
  until: Moment.optional(),
})

export const auditRoute = route(
  {
    method: 'GET',
    path: '/api/v1/audit',
    operation: 'audit.list',
    summary: 'Who changed what in the tenant',
    description: 'Newest first: the tenant, members, invitations, API keys and settings. Other services have their own trails.',
    tags: ['audit'],
    auth: { role: 'admin', scope: 'audit:read' },
    query,
    responses: { 200: { description: 'A page', schema: pageOf(Entry), example: { items: [example], nextCursor: null } } },
  },
  async ({ query, tenant }, { database }) => {
    const wanted = auditQuery(query)
    const { items, nextCursor } = await database.tenantTransaction(tenant.id, (tx) => listAudit(tx, wanted), { readOnly: true })
    return reply(200, { items: items.map(body), nextCursor: nextCursor === null ? null : encodeCursor(nextCursor) })
  },
)

function auditQuery({ limit, cursor, action, actorId, subjectType, subjectId, since, until }: z.output<typeof query>) {
  const subject = subjectType !== undefined && subjectId !== undefined ? { type: subjectType, id: subjectId } : undefined
  const after = decodeCursor(cursor, Id) ?? undefined
  return { limit, cursor: after, action, actorId, subject, since: date(since), until: date(until) }
}

function date(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function body({ id, at, action, actor, subject, before, after, from }: AuditRow): z.input<typeof Entry> {
  return { id, at: at.toISOString(), action, actor, subject, before, after, from }
}
