import { type AuditEntry, record } from '@slipway/audit'
import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'

/** Who makes a change, in which tenant, and from where: what the audit record needs beside the change itself. */
export interface Author {
  readonly tenantId: string
  readonly principal: Pick<Principal, 'id' | 'name'> & { readonly kind: AuditEntry['actor']['kind'] }
  readonly from: NonNullable<AuditEntry['from']>
}

type Subject = 'dish' | 'menu' | 'photo' | 'model'

interface Change {
  action: `${Subject}.${string}` | 'dishes.reordered'
  subject: { type: Subject; id: string }
  before?: object
  after?: object
}

/** `user:<id>`, `key:<id>`. */
export function nameOf({ principal: { kind, id } }: Author): string {
  return `${kind}:${id}`
}

/** Writes the audit record in the transaction of the change. */
export async function audit(tx: Transaction, author: Author, change: Change): Promise<void> {
  const { tenantId, principal, from } = author
  const { kind, id, name } = principal
  await record(tx, { ...change, tenantId, actor: { kind, id, name }, from })
}

/** Of two states, what differs. */
export function difference<T extends object>(before: T, after: T): { before: Partial<T>; after: Partial<T> } {
  const changed = (Object.keys(after) as (keyof T)[]).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  const pick = (from: T) => Object.fromEntries(changed.map((key) => [key, from[key]])) as Partial<T>
  return { before: pick(before), after: pick(after) }
}
