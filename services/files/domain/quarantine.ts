import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import { and, desc, eq, inArray, ne, sql } from 'drizzle-orm'
import { objectRemoval } from '../jobs/object-removal.ts'
import { files, quarantine } from '../schema.ts'
import { type Author, audit } from './author.ts'
import { objectOf } from './object.ts'
import { purgeRows } from './purge.ts'
import { lockTree } from './quota.ts'

export type RefusalRow = typeof quarantine.$inferSelect

export interface RefusalPosition {
  createdAt: string
  id: string
}

/** Newest first; one more than `limit` where there is a next page. */
export function selectRefusals(tx: Transaction, page: { after?: RefusalPosition | undefined; limit: number }): Promise<RefusalRow[]> {
  const { after, limit } = page
  return tx
    .select()
    .from(quarantine)
    .where(after ? sql`(${quarantine.createdAt}, ${quarantine.id}) < (${after.createdAt}::timestamptz, ${after.id}::uuid)` : undefined)
    .orderBy(desc(quarantine.createdAt), desc(quarantine.id))
    .limit(limit + 1)
}

/** @throws resource.not-found */
export async function requireRefusal(tx: Transaction, id: string): Promise<RefusalRow> {
  const [row] = await tx.select().from(quarantine).where(eq(quarantine.id, id))
  if (!row) throw problem('resource.not-found', { detail: `there is no refused file ${id}` })
  return row
}

/**
 * Removes records, the rows of files that had one when they were refused with all versions of them, and, after the commit, the evidence.
 * Ids that are gone already are passed over.
 */
export async function purgeRefusals(tx: Transaction, author: Author, ids: readonly string[]): Promise<void> {
  const { tenantId } = author
  await lockTree(tx, tenantId)
  const rows = await tx
    .delete(quarantine)
    .where(and(eq(quarantine.tenantId, tenantId), inArray(quarantine.id, [...ids])))
    .returning()
  const refused = and(inArray(files.id, [...ids]), ne(files.verdict, 'pending'), ne(files.verdict, 'clean'))
  await purgeRows(tx, author, await tx.select().from(files).where(refused))
  for (const { id, name, sha256, verdict, signature, reason } of rows) {
    await audit(tx, author, {
      action: 'quarantine.purged',
      subject: { type: 'quarantine', id },
      before: { name, sha256, verdict, signature, reason },
    })
  }
  for (let start = 0; start < rows.length; start += 500) {
    const objects = rows.slice(start, start + 500).flatMap(objectsOf)
    await enqueue(tx, objectRemoval, { version: 1, tenantId, objects })
  }
}

/** What a rescan has found may still be in the readable bucket, where it was never to be read again. */
function objectsOf(record: RefusalRow) {
  const evidence = { bucket: 'quarantine' as const, key: record.objectKey }
  return record.isolatedAt ? [evidence] : [evidence, objectOf(record)]
}
