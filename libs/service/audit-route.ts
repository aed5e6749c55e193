import { type AuditRow, listAudit } from '@slipway/audit'
import type { Database } from '@slipway/db'
import { decodeCursor, encodeCursor, Moment, pageOf, pageQuery, reply, routesFor, Text } from '@slipway/http'
import { z } from 'zod'

const nameless = z.string().nullable()
const word = Text.min(1).max(200).optional()

const Entry = z
  .object({
    id: z.uuid(),
    at: Moment,
    action: z.string(),
    actor: z.object({ kind: z.string(), id: z.string(), name: nameless }),
    subject: z.object({ type: z.string(), id: z.string() }),
    before: z.unknown(),
    after: z.unknown(),
    from: z.object({ ip: nameless, userAgent: nameless, requestId: nameless, traceId: nameless }),
  })
  .meta({ id: 'AuditEntry' })

const query = z.object({
  ...pageQuery,
  action: word.describe('Such as file.trashed'),
  actorId: word,
  subjectType: word.describe('Such as file'),
  subjectId: word,
  since: Moment.optional().describe('From this moment on'),
  until: Moment.optional().describe('Before this moment'),
})

interface AuditRouteOptions {
  readonly path: `/api/v1/${string}`
  readonly operation: string
  /** What the trail of this service is about. */
  readonly description: string
  readonly tags: readonly string[]
}

/** The audit trail of a service, for the admins of the tenant: every service has one table and offers it by this route. */
export function auditRoute<Context extends { readonly database: Database }>(options: AuditRouteOptions) {
  return routesFor<Context>()(
    {
      ...options,
      method: 'GET',
      summary: 'Who changed what',
      auth: { role: 'admin', scope: 'audit:read' },
      query,
      responses: { 200: { description: 'A page', schema: pageOf(Entry), example: { items: [example], nextCursor: null } } },
    },
    async ({ query, tenant }, { database }) => {
      const wanted = auditQuery(query)
      const { items, nextCursor } = await database.tenantTransaction(tenant.id, (tx) => listAudit(tx, wanted), { readOnly: true })
      return reply(200, { items: items.map(entryBody), nextCursor: nextCursor === null ? null : encodeCursor(nextCursor) })
    },
  )
}

function auditQuery({ limit, cursor, action, actorId, subjectType, subjectId, since, until }: z.output<typeof query>) {
  const after = decodeCursor(cursor, z.uuid()) ?? undefined
  const subject = { type: subjectType, id: subjectId }
  return { limit, cursor: after, action, actorId, subject, since: date(since), until: date(until) }
}

function date(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function entryBody({ id, at, action, actor, subject, before, after, from }: AuditRow): z.input<typeof Entry> {
  return { id, at: at.toISOString(), action, actor, subject, before, after, from }
}

const example: z.input<typeof Entry> = {
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b14',
  at: '2026-11-21T09:30:00.000Z',
  action: 'file.renamed',
  actor: { kind: 'user', id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b15', name: 'Ada' },
  subject: { type: 'file', id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11' },
  before: { name: 'photo.jpg', folderId: null },
  after: { name: 'cover.jpg', folderId: null },
  from: { ip: '192.0.2.17', userAgent: 'curl/8.5.0', requestId: 'f3b1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
}
