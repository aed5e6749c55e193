import { isIP } from 'node:net'
import { newId, type Transaction } from '@slipway/db'
import { redact } from '@slipway/telemetry/redact'
import { describeSpan } from '@slipway/telemetry/span'
import { audit } from './table.ts'

export interface AuditEntry {
  /** `<noun>.<past verb>`, as in events: `file.deleted`. */
  action: string
  actor: { kind: 'user' | 'key' | 'service' | 'operator' | 'system'; id: string; name?: string | undefined }
  /** Null for what concerns no tenant; such entries need the system role. */
  tenantId: string | null
  subject: { type: string; id: string }
  /** State before and after; what changed is enough. Sensitive keys are redacted. */
  before?: object | null | undefined
  after?: object | null | undefined
  from?: AuditOrigin | undefined
}

export interface AuditOrigin {
  ip?: string | undefined
  userAgent?: string | undefined
  requestId?: string | undefined
  traceId?: string | undefined
}

/** Longer values are cut: they come from clients. */
const longest = 500

/** Adds one row in the transaction of the change, so that neither exists without the other. */
export async function record(tx: Transaction, entry: AuditEntry): Promise<void> {
  const { action, actor, subject, tenantId, from = {} } = entry
  describeSpan({ tenant: tenantId, [subject.type]: subject.id })
  await tx.insert(audit).values({
    id: newId(),
    tenantId,
    action,
    actorKind: actor.kind,
    actorId: actor.id,
    actorName: cut(actor.name),
    subjectType: subject.type,
    subjectId: subject.id,
    before: state(entry.before),
    after: state(entry.after),
    requestId: cut(from.requestId),
    traceId: cut(from.traceId),
    ip: address(from.ip),
    userAgent: cut(from.userAgent),
  })
}

function state(value: object | null | undefined): unknown {
  return value ? JSON.parse(JSON.stringify(redact(value), storable)) : null
}

/** Postgres refuses NUL and half characters in text, JSON refuses big integers. */
function storable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value
}

function cut(text: string | undefined): string | null {
  return text === undefined ? null : text.replaceAll('\0', '').slice(0, longest)
}

/** Without an IPv6 zone (`fe80::1%eth0`), which Postgres does not know. */
function address(ip: string | undefined): string | null {
  const bare = ip?.replace(/%.*$/, '') ?? ''
  return isIP(bare) === 0 ? null : bare
}
