import { type AuditEntry, type AuditOrigin, record } from '@slipway/audit'
import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'

/** Who does something, and from where: what an audit record says of it. */
export interface Actor {
  readonly kind: AuditEntry['actor']['kind']
  readonly id: string
  readonly name?: string | undefined
  readonly from: AuditOrigin
}

export function originOf({ ip, userAgent, id, traceId }: RequestInfo): AuditOrigin {
  return { ip, userAgent, requestId: id, traceId }
}

export function actorOf(principal: Principal, request: RequestInfo): Actor {
  return { kind: principal.kind, id: principal.id, name: principal.name, from: originOf(request) }
}

export function person(user: { id: string; email: string }, request: RequestInfo): Actor {
  return { kind: 'user', id: user.id, name: user.email, from: originOf(request) }
}

type Change = Omit<AuditEntry, 'actor' | 'from'>

/** Adds the record of a change, in its transaction. Without a tenant it needs the system role. */
export async function audited(tx: Transaction, { from, ...actor }: Actor, change: Change): Promise<void> {
  await record(tx, { ...change, actor, from })
}
