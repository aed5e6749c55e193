import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, count, eq, gt, isNotNull, type SQL, sql } from 'drizzle-orm'
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
    .where(gt(usage.files, 0))
  const { tenants = 0, bytes = 0, files: most = 0, mostBytes = 0, mostFiles = 0 } = row ?? {}
  return { tenants, all: { bytes, files: most }, fullest: { bytes: mostBytes, files: mostFiles } }
}

/** The part of the usage that lies in the trash. */
export async function readTrash(tx: Transaction): Promise<Quota> {
  const [row] = await tx
    .select({ bytes: sql<number>`coalesce(sum(${files.size}), 0)`.mapWith(Number), files: count() })
    .from(files)
    .where(isNotNull(files.trashedAt))
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
        sql`${usage.files} + ${share.files}::bigint <= ${quota.files}::bigint`,
      ),
    )
    .returning({ tenantId: usage.tenantId })
  if (taken.length === 0) throw quotaExceeded(await readUsage(tx, share.tenantId), quota)
}

/** Gives back what purged files took. Leaves the tree locked. */
export async function returnQuota(tx: Transaction, share: Share): Promise<void> {
  await tx
    .update(usage)
    .set({ bytes: sql`${usage.bytes} - ${share.bytes}`, files: sql`${usage.files} - ${share.files}` })
    .where(eq(usage.tenantId, share.tenantId))
}

/** The early answer, before a byte is read: what does not fit now is refused now. `bytes` is what is known to come at least. */
export function assertRoom(used: Quota, quota: Quota, bytes: number): void {
  if (used.bytes + bytes > quota.bytes || used.files + 1 > quota.files) throw quotaExceeded(used, quota)
}

export function quotaExceeded(used: Quota, quota: Quota): Error {
  const detail =
    used.files + 1 > quota.files
      ? `the tenant keeps ${used.files} of ${quota.files} files: purge files or empty the trash`
      : `the tenant keeps ${used.bytes} of ${quota.bytes} bytes, too many for this file: purge files or empty the trash`
  return problem('quota.exceeded', { detail, used, quota })
}
