import type { Transaction } from '@slipway/db'
import { isProblem } from '@slipway/problem'
import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { resumableUploads } from '../schema.ts'
import { returnQuota } from './quota.ts'
import { fileIdOfPiece, type HeldUpload, type ResumableRow } from './resumable.ts'
import { finishUpload, isComplete, openPieces } from './resumable-finish.ts'

/** Rows that a sweep looks at; the next one comes in minutes. */
const batch = 500

const isFree = or(isNull(resumableUploads.lockToken), sql`${resumableUploads.lockUntil} < clock_timestamp()`)

/**
 * Uploads whose time is over, finished ones among them: quota first and bytes later. What is left of them after a crash in between is
 * named by no row, and goes with the sweeps of abandoned objects and open uploads.
 */
export async function sweepExpired(context: FilesContext, signal: AbortSignal): Promise<{ expired: number }> {
  const { system, database, assembler, now } = context
  const over = and(lt(resumableUploads.expiresAt, new Date(now())), isFree)
  const rows = await system.transaction((tx) => tx.select().from(resumableUploads).where(over).limit(batch))
  let expired = 0
  for (const { id, tenantId } of rows) {
    signal.throwIfAborted()
    const ended = await database.tenantTransaction(tenantId, (tx) => expire(tx, { id, over }))
    if (!ended) continue
    // What was finished is an object now, and a file's.
    await assembler.discard(ended.finishedAt ? { ...ended.assembly, upload: null } : ended.assembly)
    expired++
  }
  return { expired }
}

async function expire(tx: Transaction, { id, over }: { id: string; over: ReturnType<typeof and> }): Promise<ResumableRow | undefined> {
  const [ended] = await tx
    .delete(resumableUploads)
    .where(and(eq(resumableUploads.id, id), over))
    .returning()
  if (ended && !ended.finishedAt) await returnQuota(tx, { tenantId: ended.tenantId, bytes: ended.reserved, files: 1 })
  return ended
}

/** Uploads that lack nothing but their end, and whose client does not come back to ask: their process died between the two. */
export async function finishComplete(context: FilesContext, signal: AbortSignal): Promise<{ finished: number }> {
  const { system, now } = context
  const open = and(isComplete, isFree, lt(sql`${new Date(now())}::timestamptz`, resumableUploads.expiresAt))
  const rows = await system.transaction((tx) => tx.select().from(resumableUploads).where(open).limit(batch))
  let finished = 0
  for (const { id, tenantId } of rows) {
    signal.throwIfAborted()
    if (await finishOne(context, { id, tenantId })) finished++
  }
  return { finished }
}

async function finishOne(context: FilesContext, { id, tenantId }: { id: string; tenantId: string }): Promise<boolean> {
  const { database, uploadLocks, assembler, settler } = context
  const stopped = new AbortController()
  const lock = await uploadLocks.acquire({ tenantId, id }, { signal: stopped.signal, release: () => undefined })
  try {
    const [row] = await database.tenantTransaction(tenantId, (tx) =>
      tx
        .select()
        .from(resumableUploads)
        .where(and(eq(resumableUploads.id, id), isComplete)),
    )
    if (!row) return false
    const held: HeldUpload = { author: { tenantId, ...row.author }, row, lockToken: lock.token }
    using pieces = openPieces(context, held, { signal: lock.lost, onKept: () => undefined })
    await settler.handOver(await finishUpload(context, held, pieces))
    await assembler.discard({ ...row.assembly, upload: null })
    return true
  } catch (error) {
    // Name, folder, quota or the store are against it: its user may do something about that until it expires.
    if (isProblem(error) && error.status < 500) return false
    throw error
  } finally {
    await lock.release()
  }
}

/** Which of these keys in quarantine belong to uploads that are still known. */
export async function knownPieces(tx: Transaction, keys: readonly string[]): Promise<Set<string>> {
  const byFile = Map.groupBy(keys, fileIdOfPiece)
  const ids = [...byFile.keys()].filter((id) => id !== undefined)
  if (ids.length === 0) return new Set()
  const rows = await tx.select({ fileId: resumableUploads.fileId }).from(resumableUploads).where(inArray(resumableUploads.fileId, ids))
  return new Set(rows.flatMap(({ fileId }) => byFile.get(fileId) ?? []))
}
