import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import { abortOpenUploads, sweepBucket, sweepQuarantine } from '@slipway/storage'
import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileScan } from '../jobs/file-scan.ts'
import { files, quarantine } from '../schema.ts'
import { platformAuthor } from './author.ts'
import { fileIdOf, filesBucket } from './object.ts'
import { purgeRefusals } from './quarantine.ts'

const hourMilliseconds = 3_600_000
const dayMilliseconds = 24 * hourMilliseconds

/** From the last byte to the row it takes as long as the scan; a day is beyond doubt. */
const abandonedMilliseconds = dayMilliseconds
/** At which the API gives up on a client (16 KiB in 30 s), rounded down. An open upload may be one that comes this slowly. */
const slowestBytesPerSecond = 512
/** From the copy to the commit it takes milliseconds; a day is beyond doubt. */
const orphanMilliseconds = dayMilliseconds

/** Quarantine objects and open uploads that no row knows: departed clients and crashes before the row. */
export async function sweepAbandoned({ storage, system, limits, now }: FilesContext, signal: AbortSignal) {
  const olderThan = new Date(now() - abandonedMilliseconds)
  const isKnown = (keys: string[]) => system.transaction((tx) => knownQuarantineKeys(tx, keys))
  const objects = await sweepQuarantine(storage, { olderThan, isKnown, signal })
  const longestUpload = (limits.fileBytes / slowestBytesPerSecond) * 1000
  const begunBefore = new Date(olderThan.getTime() - longestUpload)
  const uploads = await abortOpenUploads(storage, { olderThan: begunBefore, buckets: [filesBucket] })
  return { objects: objects.removed, uploads }
}

/** Readable objects without a row: crashes between copy and commit. Looks at every key there is, so it runs seldom. */
export async function sweepOrphans({ storage, system, now }: FilesContext, signal: AbortSignal) {
  const isKnown = (keys: string[]) => system.transaction((tx) => knownReadableKeys(tx, keys))
  const report = await sweepBucket(storage, filesBucket, { olderThan: new Date(now() - orphanMilliseconds), isKnown, signal })
  return { orphans: report.removed }
}

/** Asks for `file-scan` where a lease has run out and nobody came: the request was lost, or its tries are used up. */
export async function reviveStuck({ system, database, now }: FilesContext): Promise<{ revived: number }> {
  const expired = and(eq(files.verdict, 'pending'), lt(files.leaseUntil, new Date(now())))
  const stuck = await system.transaction((tx) =>
    tx.select({ tenantId: files.tenantId, fileId: files.id }).from(files).where(expired).orderBy(files.leaseUntil).limit(1000),
  )
  for (const { tenantId, fileId } of stuck) {
    await database.tenantTransaction(tenantId, (tx) => enqueue(tx, fileScan, { version: 1, tenantId, fileId }))
  }
  return { revived: stuck.length }
}

/** Refusals that have been kept long enough, with their evidence. */
export async function sweepRefusals({ system, database, limits, now }: FilesContext, signal: AbortSignal): Promise<{ refusals: number }> {
  const before = new Date(now() - limits.quarantineDays * dayMilliseconds)
  const old = await system.transaction((tx) =>
    tx.select({ tenantId: quarantine.tenantId, id: quarantine.id }).from(quarantine).where(lt(quarantine.createdAt, before)).limit(10_000),
  )
  for (const [tenantId, rows] of Map.groupBy(old, (row) => row.tenantId)) {
    signal.throwIfAborted()
    const ids = rows.map((row) => row.id)
    await database.tenantTransaction(tenantId, (tx) => purgeRefusals(tx, platformAuthor(tenantId, 'quarantine-sweep'), ids))
  }
  return { refusals: old.length }
}

async function knownQuarantineKeys(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const key = sql<string>`${files.quarantine} ->> 'key'`
  const pending = await tx
    .select({ key })
    .from(files)
    .where(and(eq(files.verdict, 'pending'), inArray(key, keys)))
  const refused = await tx.select({ key: quarantine.objectKey }).from(quarantine).where(inArray(quarantine.objectKey, keys))
  return new Set([...pending, ...refused].map((row) => row.key))
}

async function knownReadableKeys(tx: Transaction, keys: string[]): Promise<Set<string>> {
  const ids = keys.flatMap((key) => fileIdOf(key) ?? [])
  if (ids.length === 0) return new Set()
  // What a rescan found is evidence, and stays until `file-isolation` has moved it.
  const waitsForIsolation = and(eq(files.verdict, 'infected'), eq(quarantine.foundBy, 'rescan'), isNull(quarantine.isolatedAt))
  const rows = await tx
    .select({ id: files.id, tenantId: files.tenantId })
    .from(files)
    .leftJoin(quarantine, eq(quarantine.id, files.id))
    .where(and(inArray(files.id, ids), or(inArray(files.verdict, ['pending', 'clean']), waitsForIsolation)))
  return new Set(rows.map((row) => `${row.tenantId}/${row.id}`))
}
