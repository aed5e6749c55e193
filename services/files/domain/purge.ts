import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import { and, eq, inArray, lt } from 'drizzle-orm'
import type { z } from 'zod'
import { type ObjectRemoval, objectRemoval } from '../jobs/object-removal.ts'
import { files } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { requireLiveFile } from './files.ts'
import { leaseMilliseconds } from './lease.ts'
import type { FileRow } from './listing.ts'
import { objectOf } from './object.ts'
import { lockTree, returnQuota } from './quota.ts'

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
  if (!mayPurge(author, row)) throw problem('auth.forbidden', { detail: 'only admins purge what somebody else has uploaded' })
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

/**
 * Rows go first and objects later: the request for their removal is a row of the same transaction. A crash in between leaves objects
 * without a row, which nobody can read, and which the job removes.
 */
async function purgeRows(tx: Transaction, author: Author, rows: readonly FileRow[]): Promise<void> {
  if (rows.length === 0) return
  const { tenantId } = author
  await tx.delete(files).where(
    and(
      eq(files.tenantId, tenantId),
      inArray(
        files.id,
        rows.map((row) => row.id),
      ),
    ),
  )
  await returnQuota(tx, { tenantId, files: rows.length, bytes: rows.reduce((sum, row) => sum + row.size, 0) })
  for (const row of rows) {
    const { name, folderId, size, sha256 } = row
    await audit(tx, author, { action: 'file.purged', subject: { type: 'file', id: row.id }, before: { name, folderId, size, sha256 } })
  }
  await enqueue(tx, objectRemoval, { version: 1, tenantId, objects: rows.flatMap(objectsOf) })
  await removeAgainAfterLease(tx, tenantId, rows)
}

/** Whoever is settling the verdict of a pending file may put its object into the readable bucket once more. */
async function removeAgainAfterLease(tx: Transaction, tenantId: string, rows: readonly FileRow[]): Promise<void> {
  const objects = rows.filter((row) => row.verdict === 'pending').flatMap(objectsOf)
  if (objects.length > 0) await enqueue(tx, objectRemoval, { version: 1, tenantId, objects }, { delay: 2 * leaseMilliseconds })
}

function objectsOf(row: FileRow): z.output<typeof ObjectRemoval>['objects'] {
  return [objectOf(row), ...(row.quarantine ? [{ bucket: 'quarantine' as const, key: row.quarantine.key }] : [])]
}

function mayPurge({ principal }: Author, row: FileRow): boolean {
  return principal.kind === 'service' || principal.role === 'owner' || principal.role === 'admin' || row.createdBy === nameOf(principal)
}
