import { enqueue } from '@slipway/queue'
import { and, eq, isNull, lt } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileIsolation } from '../jobs/file-isolation.ts'
import { files, quarantine } from '../schema.ts'
import { contentId, contentIdOf, objectOf } from './object.ts'
import type { RefusalRow } from './quarantine.ts'

interface Withdrawn {
  tenantId: string
  fileId: string
}

const lateMilliseconds = 3_600_000

/** `lost` = the bytes were in neither place; `released` and `purged` = nothing is left to do. */
export type IsolationOutcome = 'isolated' | 'lost' | 'released' | 'purged'

/**
 * Moves what a rescan has found out of the readable bucket. Twice changes nothing: what is there already is found, and the readable object
 * is removed only after its copy has been seen whole. What a crash leaves behind:
 * - before or after the copy: both, or the readable object alone, which nobody is given. The job runs again.
 * - after the removal: a record that does not say so yet. The job runs again, and finds the copy alone.
 */
export async function isolateFile(context: FilesContext, file: Withdrawn): Promise<IsolationOutcome> {
  const { tenantId, fileId } = file
  const [record] = await context.database.tenantTransaction(tenantId, (tx) => tx.select().from(quarantine).where(eq(quarantine.id, fileId)))
  if (record?.isolatedAt) return 'isolated'
  if (!record) return await leaveNothing(context, file, null)
  const copy = await context.gate.isolate({ from: objectOf(record), key: record.objectKey })
  if (!(await conclude(context, file))) return await leaveNothing(context, file, record)
  return copy ? 'isolated' : 'lost'
}

/**
 * The removal is done while the record is locked: a release needs the same lock, so that a late second run cannot remove what was released.
 * @returns false when the record is gone
 */
async function conclude({ database, storage, now }: FilesContext, { tenantId, fileId }: Withdrawn): Promise<boolean> {
  return await database.tenantTransaction(tenantId, async (tx) => {
    const [record] = await tx.select().from(quarantine).where(eq(quarantine.id, fileId)).for('update')
    if (!record || record.isolatedAt) return record !== undefined
    await storage.remove(objectOf(record))
    await tx
      .update(quarantine)
      .set({ isolatedAt: new Date(now()) })
      .where(eq(quarantine.id, fileId))
    return true
  })
}

/** The record is gone: with its file when it was purged, else because it was released. What was copied after the purge must not stay. */
async function leaveNothing(
  { database, storage }: FilesContext,
  file: Withdrawn,
  record: RefusalRow | null,
): Promise<'released' | 'purged'> {
  const { tenantId, fileId } = file
  const content = record ? contentIdOf(record) : fileId
  const found = await database.tenantTransaction(tenantId, (tx) => tx.select({ id: files.id }).from(files).where(eq(contentId, content)))
  if (found.length > 0) return 'released'
  await storage.remove(objectOf({ tenantId, id: content }))
  if (record) await storage.remove({ bucket: 'quarantine', key: record.objectKey })
  return 'purged'
}

/** Asks again for what should have been moved long ago: the tries of its job are used up. */
export async function reviveIsolations({ system, now }: FilesContext): Promise<number> {
  const late = and(
    eq(quarantine.foundBy, 'rescan'),
    isNull(quarantine.isolatedAt),
    lt(quarantine.createdAt, new Date(now() - lateMilliseconds)),
  )
  return await system.transaction(async (tx) => {
    const found = await tx.select({ tenantId: quarantine.tenantId, fileId: quarantine.id }).from(quarantine).where(late).limit(1000)
    for (const file of found) await enqueue(tx, fileIsolation, { version: 1, ...file })
    return found.length
  })
}
