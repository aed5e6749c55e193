import type { Connection } from './connection.ts'
import type { QuarantineRef } from './object.ts'
import type { CleanResult } from './promotion.ts'
import { headObject, readBytes } from './reading.ts'
import { headBytes, type Received } from './receive.ts'

/** An upload that reached its target before its process ended: what was found then stands in the object's metadata. */
export async function earlierPromotion(
  connection: Connection,
  quarantine: QuarantineRef,
): Promise<(Received & { quarantine: QuarantineRef; verdict: CleanResult }) | undefined> {
  const { target, size } = quarantine
  const stored = await headObject(connection, target)
  const { sha256, 'scan-reply': raw, 'scan-engine': engine, 'scan-database': database } = stored?.metadata ?? {}
  if (stored?.size !== size || !sha256 || !raw || !engine) return undefined
  const head = size === 0 ? Buffer.alloc(0) : await readBytes(connection, target, { range: { start: 0, end: headBytes - 1 } })
  return { quarantine, size, sha256, head, verdict: { verdict: 'clean', raw, engine, database: database ?? '', milliseconds: 0 } }
}
