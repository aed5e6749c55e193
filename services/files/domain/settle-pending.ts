import type { Transaction } from '@slipway/db'
import { isProblem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import type { Clean, QuarantineRef, Refused } from '@slipway/storage'
import { and, eq, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileScan } from '../jobs/file-scan.ts'
import { files } from '../schema.ts'
import { platformAuthor } from './author.ts'
import { newLease, releaseLease } from './lease.ts'
import type { FileRow } from './listing.ts'
import { isReleased } from './release.ts'
import { type Claim, keepLease, markRefused, settle } from './settle.ts'

interface PendingFile {
  tenantId: string
  fileId: string
  signal: AbortSignal
}

type Outcome = { outcome: 'settled' | 'gone' | 'held' | FileRow['verdict'] }

/** Takes over a pending file whose settler is gone, and brings it to its end. */
export async function settlePending(context: FilesContext, { tenantId, fileId, signal }: PendingFile): Promise<Outcome> {
  const claim = await context.database.tenantTransaction(tenantId, (tx) => claimFile(tx, { tenantId, fileId, now: context.now() }))
  if ('outcome' in claim) return claim
  try {
    return { outcome: (await finish(context, claim, signal))?.verdict ?? 'gone' }
  } catch (error) {
    // The next attempt must find the file free, or it would wait for a lease that nobody keeps. Without a database it runs out.
    const lease = { fileId, leaseToken: claim.leaseToken, now: context.now() }
    await context.database.tenantTransaction(tenantId, (tx) => releaseLease(tx, lease)).catch(() => undefined)
    throw error
  }
}

async function finish(context: FilesContext, claim: Claim, signal: AbortSignal): Promise<FileRow | null> {
  using lease = keepLease(context, claim)
  const { quarantine } = claim.row
  return quarantine ? await rescan(context, claim, { quarantine, signal: AbortSignal.any([signal, lease.signal]) }) : null
}

async function claimFile(tx: Transaction, file: { tenantId: string; fileId: string; now: number }): Promise<Claim | Outcome> {
  const { tenantId, fileId, now } = file
  const [row] = await tx.select().from(files).where(eq(files.id, fileId)).for('update')
  if (!row) return { outcome: 'gone' }
  if (row.verdict !== 'pending') return { outcome: 'settled' }
  const remaining = (row.leaseUntil?.getTime() ?? 0) - now
  if (row.leaseToken && remaining > 0) {
    await enqueue(tx, fileScan, { version: 1, tenantId, fileId }, { delay: remaining })
    return { outcome: 'held' }
  }
  const lease = newLease(now)
  const claimed = and(eq(files.id, fileId), eq(files.verdict, 'pending'))
  await tx
    .update(files)
    .set({ ...lease, scanAttempts: sql`${files.scanAttempts} + 1` })
    .where(claimed)
  return { author: platformAuthor(tenantId, fileScan.name), row, leaseToken: lease.leaseToken }
}

async function rescan(
  context: FilesContext,
  claim: Claim,
  options: { quarantine: QuarantineRef; signal: AbortSignal },
): Promise<FileRow | null> {
  const { quarantine, signal } = options
  try {
    const accepted = await context.gate.resume(quarantine, { signal })
    const released = !accepted.promote && isReleased(claim.row.release, accepted.verdict)
    return await settle(context, claim, released ? reinstated(context, accepted) : accepted)
  } catch (error) {
    if (!isProblem(error, 'resource.not-found')) throw error
    // Neither in quarantine nor readable: somebody emptied the bucket. Nothing can be scanned, and waiting brings nothing back.
    const result = { verdict: 'unscannable' as const, reason: 'lost', raw: '', engine: '', database: '', milliseconds: 0 }
    return await markRefused(context, claim, result)
  }
}

/** Two admins have decided that this very finding counts for nothing. */
function reinstated({ gate }: FilesContext, refused: Refused): Clean {
  const verdict = { ...refused.verdict, verdict: 'clean' as const }
  return { ...refused, verdict, promote: (options) => gate.reinstate(refused, options) }
}
