import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import { sql } from 'drizzle-orm'
import type { z } from 'zod'
import { type ObjectRemoval, objectRemoval } from '../jobs/object-removal.ts'
import { files } from '../schema.ts'
import { leaseMilliseconds } from './lease.ts'
import type { FileRow } from './listing.ts'
import { objectOf } from './object.ts'
import { returnQuota, shareOf } from './quota.ts'

type Objects = z.output<typeof ObjectRemoval>['objects']

/** Objects of one job: half of what it takes. */
const jobObjects = 500

/** What counts against the quota, and has an object that is its own. What was refused is evidence, and belongs to the quarantine. */
export function isLive({ verdict }: Pick<FileRow, 'verdict'>): boolean {
  return verdict === 'pending' || verdict === 'clean'
}

/**
 * Rows go first, and give back what they had of the quota; objects go later: the request for their removal is a row of the same
 * transaction. A crash in between leaves objects without a row, which nobody can read, and which the job removes. Expects the tree to be
 * locked, and every version beside its file: it is one statement that removes them.
 */
export async function removeRows(tx: Transaction, tenantId: string, rows: readonly FileRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx.delete(files).where(sql`${files.id} = any(${sql.param(rows.map((row) => row.id))}::uuid[])`)
  const live = rows.filter(isLive)
  const shares = live.map(shareOf)
  const sum = (of: 'bytes' | 'files') => shares.reduce((total, share) => total + share[of], 0)
  if (live.length > 0) await returnQuota(tx, { tenantId, bytes: sum('bytes'), files: sum('files') })
  await requestRemoval(tx, { tenantId, objects: live.flatMap(objectsOf) })
  // Whoever is settling the verdict of a pending row may put its object into the readable bucket once more.
  const late = live.filter((row) => row.verdict === 'pending').flatMap(objectsOf)
  await requestRemoval(tx, { tenantId, objects: late, delay: 2 * leaseMilliseconds })
}

async function requestRemoval(tx: Transaction, removal: { tenantId: string; objects: Objects; delay?: number }): Promise<void> {
  const { tenantId, objects, delay } = removal
  for (let start = 0; start < objects.length; start += jobObjects) {
    const part = objects.slice(start, start + jobObjects)
    await enqueue(tx, objectRemoval, { version: 1, tenantId, objects: part }, delay === undefined ? {} : { delay })
  }
}

function objectsOf(row: FileRow): Objects {
  return [objectOf(row), ...(row.quarantine ? [{ bucket: 'quarantine' as const, key: row.quarantine.key }] : [])]
}
