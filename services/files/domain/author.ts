import { type AuditEntry, record } from '@slipway/audit'
import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'

/** Who makes a change, in which tenant, and from where: what the audit record needs beside the change itself. */
export interface Author {
  readonly tenantId: string
  readonly principal: Pick<Principal, 'id' | 'name' | 'role'> & { readonly kind: AuditEntry['actor']['kind'] }
  readonly from: NonNullable<AuditEntry['from']>
}

interface Change {
  action: `${'file' | 'folder' | 'quarantine' | 'retention'}.${string}`
  subject: { type: 'file' | 'folder' | 'quarantine' | 'retention'; id: string }
  before?: object
  after?: object
}

/** `user:<id>`, `key:<id>`: how rows name who made them. */
export function nameOf({ kind, id }: Author['principal']): string {
  return `${kind}:${id}`
}

/** Writes the audit record in the transaction of the change. */
export async function audit(tx: Transaction, author: Author, change: Change): Promise<void> {
  const { tenantId, principal, from } = author
  const { kind, id, name } = principal
  await record(tx, { ...change, tenantId, actor: { kind, id, name }, from })
}

/** For what the platform does by itself: a schedule, a recovery. */
export function platformAuthor(tenantId: string, job: string): Author {
  return { tenantId, principal: { kind: 'system', id: job }, from: {} }
}
