import { type AuditRow, listAudit } from '@slipway/audit'
import { decodeCursor, encodeCursor, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { Id } from './representation.ts'

const route = routesFor<FilesContext>()

const Entry = z.object({
  id: Id,
  at: z.iso.datetime(),
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
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b14',
  at: '2026-11-21T09:30:00.000Z',
  action: 'file.renamed',
  actor: { kind: 'user', id: 'kT4mJc0q', name: 'Ada' },
  subject: { type: 'file', id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11' },
  before: { name: 'photo.jpg', folderId: null },
  after: { name: 'cover.jpg', folderId: null },
  from: { ip: '192.0.2.17', userAgent: 'curl/8.5.0', requestId: 'f3b1', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
}

export const listFilesAudit = route(
  {
    method: 'GET',
    path: '/api/v1/files/audit',
    operation: 'files.audit',
    summary: 'Who changed what',
    description: 'Newest first: files, folders and quarantine.',
    tags: ['files'],
    auth: { role: 'admin', scope: 'audit:read' },
    query: z.object({
      ...pageQuery,
      action: z.string().max(100).optional().describe('Such as file.trashed'),
      actorId: z.string().max(200).optional(),
      subjectType: z.enum(['file', 'folder', 'quarantine']).optional().describe('Together with subjectId'),
      subjectId: Id.optional(),
      since: z.iso.datetime().optional(),
      until: z.iso.datetime().optional(),
    }),
    responses: { 200: { description: 'A page', schema: pageOf(Entry), example: { items: [example], nextCursor: null } } },
  },
  async ({ query, tenant }, context) => {
    const { limit, action, actorId, subjectType, subjectId, since, until } = query
    const cursor = decodeCursor(query.cursor, Id) ?? undefined
    const subject = subjectId ? { type: subjectType ?? 'file', id: subjectId } : undefined
    const wanted = { limit, cursor, action, actorId, subject, since: date(since), until: date(until) }
    const { items, nextCursor } = await context.database.tenantTransaction(tenant.id, (tx) => listAudit(tx, wanted), { readOnly: true })
    return reply(200, { items: items.map(body), nextCursor: nextCursor === null ? null : encodeCursor(nextCursor) })
  },
)

function date(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text)
}

function body({ id, at, action, actor, subject, before, after, from }: AuditRow): z.input<typeof Entry> {
  return { id, at: at.toISOString(), action, actor, subject, before, after, from }
}
