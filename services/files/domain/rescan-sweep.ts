import { enqueue } from '@slipway/queue'
import { sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileRescan } from '../jobs/file-rescan.ts'
import { fileRescanSweep } from '../jobs/file-rescan-sweep.ts'
import { dueFiles } from './rescan-order.ts'

/** Files that are asked for at a time: the order is decided anew for each page, and no more than that stands in the queue. */
const pageFiles = 20
/** Jobs that are left of a page when the next one is asked for, so that no worker waits for it. */
const lowWater = 5

/**
 * Asks for the next page of what is behind; what waits already stays one request.
 * @returns files that were asked for
 * @throws scanner.unavailable
 */
export async function sweepRescans({ system, rescans }: FilesContext): Promise<number> {
  const { number } = await rescans.version()
  // Without an official database there is nothing that could move.
  if (number === undefined) return 0
  const due = await dueFiles(system, { number, limit: pageFiles })
  await system.transaction(async (tx) => {
    for (const { tenantId, fileId } of due) await enqueue(tx, fileRescan, { version: 1, tenantId, fileId, requested: false })
  })
  return due.length
}

/** A page that comes to its end asks for the next. When that is lost, the schedule does. */
export async function askForMore({ system }: FilesContext): Promise<void> {
  await system.transaction(async (tx) => {
    const { rows } = await tx.execute(sql`
      select from jobs where queue = ${fileRescan.name} and key is not null and state in ('pending', 'waiting') limit ${lowWater}`)
    if (rows.length < lowWater) await enqueue(tx, fileRescanSweep, { version: 1 })
  })
}
