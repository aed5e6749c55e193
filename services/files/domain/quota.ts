import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, count, eq, gt, inArray, isNotNull, or, type SQL, sql } from 'drizzle-orm'
import { files, usage } from '../schema.ts'

/** What a tenant may keep; the trash counts, as its bytes are still stored. */
export interface Quota {
  bytes: number
  files: number
}

export interface Share {
  tenantId: string
  bytes: number
  files: number
}

/** What is in use; zeros for a tenant that never stored a file. */
export async function readUsage(tx: Transaction, tenantId: string): Promise<Quota> {
  const [row] = await tx.select({ bytes: usage.bytes, files: usage.files }).from(usage).where(eq(usage.tenantId, tenantId))
  return row ?? { bytes: 0, files: 0 }
}

/** What all tenants keep, and what the fullest of them does. As the system role. */
export async function readTotals(tx: Transaction): Promise<{ tenants: number; all: Quota; fullest: Quota }> {
  const number = (value: SQL) => value.mapWith(Number)
  const [row] = await tx
    .select({
      tenants: count(),
      bytes: number(sql`coalesce(sum(${usage.bytes}), 0)`),
      files: number(sql`coalesce(sum(${usage.files}), 0)`),
      mostBytes: number(sql`coalesce(max(${usage.bytes}), 0)`),
      mostFiles: number(sql`coalesce(max(${usage.files}), 0)`),
    })
    .from(usage)
    .where(or(gt(usage.files, 0), gt(usage.bytes, 0)))
  const { tenants = 0, bytes = 0, files: most = 0, mostBytes = 0, mostFiles = 0 } = row ?? {}
  return { tenants, all: { bytes, files: most }, fullest: { bytes: mostBytes, files: mostFiles } }
}

/** The part of the usage that lies in the trash: files, and their versions with them. */
export async function readTrash(tx: Transaction): Promise<Quota> {
  const trashed = tx.select({ id: files.id }).from(files).where(isNotNull(files.trashedAt))
  const [row] = await tx
    .select({
      bytes: sql<number>`coalesce(sum(${files.size}), 0)`.mapWith(Number),
      files: sql<number>`count(*) filter (where ${files.headId} is null)`.mapWith(Number),
    })
    .from(files)
    .where(or(isNotNull(files.trashedAt), and(inArray(files.headId, trashed), inArray(files.verdict, ['pending', 'clean']))))
  return row ?? { bytes: 0, files: 0 }
}

/**
 * Takes the lock of the tenant's tree, which is the row of its usage, until the end of the transaction.
 * Every change of names, folders and counts takes it before it reads what it decides by.
 */
export async function lockTree(tx: Transaction, tenantId: string): Promise<void> {
  const select = () => tx.select({ tenantId: usage.tenantId }).from(usage).where(eq(usage.tenantId, tenantId)).for('update')
  if ((await select()).length > 0) return
  await tx.insert(usage).values({ tenantId }).onConflictDoNothing()
  await select()
}

/**
 * Adds to the usage if it stays within the quota: test and addition are one statement, so uploads at the same time cannot overdraw.
 * Leaves the tree locked.
 * @throws quota.exceeded
 */
export async function takeQuota(tx: Transaction, share: Share, quota: Quota): Promise<void> {
  await lockTree(tx, share.tenantId)
  const taken = await tx
    .update(usage)
    .set({ bytes: sql`${usage.bytes} + ${share.bytes}`, files: sql`${usage.files} + ${share.files}` })
    .where(
      and(
        eq(usage.tenantId, share.tenantId),
        sql`${usage.bytes} + ${share.bytes}::bigint <= ${quota.bytes}::bigint`,
        share.files > 0 ? sql`${usage.files} + ${share.files}::bigint <= ${quota.files}::bigint` : undefined,
      ),
    )
    .returning({ tenantId: usage.tenantId })
  if (taken.length === 0) throw quotaExceeded(await readUsage(tx, share.tenantId), quota, share.files)
}

/** Gives back what purged files took. Leaves the tree locked. */
export async function returnQuota(tx: Transaction, share: Share): Promise<void> {
  await tx
    .update(usage)
    .set({ bytes: sql`${usage.bytes} - ${share.bytes}`, files: sql`${usage.files} - ${share.files}` })
    .where(eq(usage.tenantId, share.tenantId))
}

/** The early answer, before a byte is read: what does not fit now is refused now. `bytes` is what is known to come at least. */
export function assertRoom(used: Quota, quota: Quota, { bytes, files }: Quota): void {
  if (used.bytes + bytes > quota.bytes || (files > 0 && used.files + files > quota.files)) throw quotaExceeded(used, quota, files)
}

/** What one file takes of the quota: a version of one takes bytes only. */
export function shareOf({ tenantId, size, headId }: Pick<typeof files.$inferSelect, 'tenantId' | 'size' | 'headId'>): Share {
  return { tenantId, bytes: size, files: headId ? 0 : 1 }
}

/** `more`: the files that were to come. */
export function quotaExceeded(used: Quota, quota: Quota, more = 1): Error {
  const detail =
    more > 0 && used.files + more > quota.files
      ? `the tenant keeps ${used.files} of ${quota.files} files: purge files or empty the trash`
      : `the tenant keeps ${used.bytes} of ${quota.bytes} bytes, too many for this file: purge files or empty the trash`
  return problem('quota.exceeded', { detail, used, quota })
}
