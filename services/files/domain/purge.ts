import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, eq, inArray, lt, sql } from 'drizzle-orm'
import { files } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { requireLiveFile } from './files.ts'
import type { FileRow } from './listing.ts'
import { lockTree } from './quota.ts'
import { isLive, removeRows } from './removal.ts'

/** How many files one transaction purges: it holds the lock of the tenant's tree. */
export const purgeBatch = 100

interface PurgeTarget {
  id: string
  /** Throws if the row is not the one that the client has seen. */
  expect: (row: FileRow) => void
}

/**
 * Purges one file, wherever it is: for good. Members purge what they uploaded, admins everything.
 * @throws auth.forbidden, precondition.failed
 */
export async function purgeFile(tx: Transaction, author: Author, target: PurgeTarget): Promise<void> {
  await lockTree(tx, author.tenantId)
  const row = await requireLiveFile(tx, target.id)
  target.expect(row)
  if (!mayPurge(author, row.createdBy)) throw problem('auth.forbidden', { detail: 'only admins purge what somebody else has uploaded' })
  await purgeRows(tx, author, [row])
}

/** Purges a batch of what went to the trash before `before`; true = there may be more. */
export async function purgeTrash(tx: Transaction, author: Author, before: Date): Promise<boolean> {
  await lockTree(tx, author.tenantId)
  const expired = and(eq(files.tenantId, author.tenantId), lt(files.trashedAt, before), inArray(files.verdict, ['pending', 'clean']))
  const rows = await tx.select().from(files).where(expired).orderBy(files.trashedAt).limit(purgeBatch)
  await purgeRows(tx, author, rows)
  return rows.length === purgeBatch
}

/** A file goes with all its versions; those that were refused stay in the quarantine, as evidence. Expects the tree to be locked. */
export async function purgeRows(tx: Transaction, author: Author, rows: readonly FileRow[]): Promise<void> {
  if (rows.length === 0) return
  const versions = await versionsOf(tx, rows)
  await removeRows(tx, author.tenantId, [...rows, ...versions])
  const live = Map.groupBy(versions.filter(isLive), (row) => row.headId)
  for (const row of rows) {
    const { id, name, folderId, size, sha256 } = row
    const count = live.get(id)?.length ?? 0
    if (!isLive(row) && count === 0) continue
    const before = { name, folderId, size, sha256, ...(count > 0 ? { versions: count } : {}) }
    await audit(tx, author, { action: 'file.purged', subject: { type: 'file', id }, before })
  }
}

function versionsOf(tx: Transaction, rows: readonly FileRow[]): Promise<FileRow[]> {
  return tx
    .select()
    .from(files)
    .where(sql`${files.headId} = any(${sql.param(rows.map((row) => row.id))}::uuid[])`)
}

/** Members purge what they brought themselves. */
export function mayPurge({ principal }: Author, madeBy: string): boolean {
  return principal.kind === 'service' || principal.role === 'owner' || principal.role === 'admin' || madeBy === nameOf(principal)
}
