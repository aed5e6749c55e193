import type { Transaction } from '@slipway/db'
import { and, desc, eq, gte, lt, type SQL } from 'drizzle-orm'
import type { AuditOrigin } from './record.ts'
import { audit } from './table.ts'

export interface AuditRow {
  id: string
  at: Date
  action: string
  actor: { kind: string; id: string; name: string | null }
  tenantId: string | null
  subject: { type: string; id: string }
  before: unknown
  after: unknown
  from: { [Key in keyof Required<AuditOrigin>]: string | null }
}

export interface AuditQuery {
  limit: number
  /** `nextCursor` of the page before. */
  cursor?: string | undefined
  action?: string | undefined
  actorId?: string | undefined
  /** Either or both. */
  subject?: { type?: string | undefined; id?: string | undefined } | undefined
  since?: Date | undefined
  until?: Date | undefined
  /** Only the system role sees more than one tenant and needs to say which. */
  tenantId?: string | undefined
}

export interface AuditPage {
  items: AuditRow[]
  nextCursor: string | null
}

/** Newest first. A cursor stays right while rows are added: it is the id of the last row seen. */
export async function listAudit(tx: Transaction, query: AuditQuery): Promise<AuditPage> {
  const rows = await tx
    .select()
    .from(audit)
    .where(and(...conditions(query)))
    .orderBy(desc(audit.id))
    .limit(query.limit + 1)
  const items = rows.slice(0, query.limit).map(present)
  return { items, nextCursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null }
}

function conditions(query: AuditQuery): SQL[] {
  const { cursor, action, actorId, subject, since, until, tenantId } = query
  return [
    cursor === undefined ? undefined : lt(audit.id, cursor),
    action === undefined ? undefined : eq(audit.action, action),
    actorId === undefined ? undefined : eq(audit.actorId, actorId),
    subject?.type === undefined ? undefined : eq(audit.subjectType, subject.type),
    subject?.id === undefined ? undefined : eq(audit.subjectId, subject.id),
    since === undefined ? undefined : gte(audit.at, since),
    until === undefined ? undefined : lt(audit.at, until),
    tenantId === undefined ? undefined : eq(audit.tenantId, tenantId),
  ].filter((condition) => condition !== undefined)
}

function present(row: typeof audit.$inferSelect): AuditRow {
  const { id, at, action, tenantId, before, after, requestId, traceId, ip, userAgent } = row
  return {
    id,
    at,
    action,
    actor: { kind: row.actorKind, id: row.actorId, name: row.actorName },
    tenantId,
    subject: { type: row.subjectType, id: row.subjectId },
    before,
    after,
    from: { ip, userAgent, requestId, traceId },
  }
}
