import { randomUUID } from 'node:crypto'
import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import type { Rescanned } from '@slipway/storage'
import { sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileIsolation } from '../jobs/file-isolation.ts'
import { fileRescan } from '../jobs/file-rescan.ts'
import { infectionNotice } from '../jobs/infection-notice.ts'
import { files } from '../schema.ts'
import { type Author, platformAuthor } from './author.ts'
import { holdsContentOf } from './files.ts'
import type { FileRow } from './listing.ts'
import { objectOf } from './object.ts'
import { lockTree, returnQuota, shareOf } from './quota.ts'
import { recordRefusal } from './refusal.ts'
import { scanColumns } from './settle.ts'
import { makerOf, placeOf } from './versions.ts'

/** What is found within it stands in one mail. */
const gatheringMilliseconds = 60_000

/**
 * Takes a file that turned out infected, or whose bytes are others now that nobody can look at, from its readers: with the commit nobody is
 * given a byte of it any more, downloads that are under way are cut a moment later, and the bytes follow into quarantine. What a crash leaves behind, and who clears it up:
 * - before the commit: a clean file that is still behind, for the next rescan.
 * - after the commit: a refused file whose bytes are still in the readable bucket, where nobody is given them. The request for
 *   `file-isolation` is a row of the same transaction, as is the one for the notice.
 */
export function withdrawFile(
  { database, now }: FilesContext,
  row: FileRow,
  found: Rescanned,
): Promise<'infected' | 'unscannable' | 'gone'> {
  const author = platformAuthor(row.tenantId, fileRescan.name)
  return database.tenantTransaction(row.tenantId, async (tx) => {
    await lockTree(tx, row.tenantId)
    const at = now()
    // Another row than the one that was read, if the content was exchanged meanwhile.
    const verdict = refusalOf(found)
    const current = await markRefused(tx, row, { ...scanColumns(found.verdict, at), verdict, updatedAt: new Date(at) })
    if (!current) return 'gone'
    await returnQuota(tx, shareOf(current))
    await keepEvidence(tx, author, { before: row, current, found, at })
    const { tenantId, id: fileId } = current
    await enqueue(tx, fileIsolation, { version: 1, tenantId, fileId })
    await enqueue(tx, infectionNotice, { version: 1, tenantId }, { delay: gatheringMilliseconds })
    return verdict
  })
}

function refusalOf({ verdict }: Rescanned): 'infected' | 'unscannable' {
  return verdict.verdict === 'infected' ? 'infected' : 'unscannable'
}

/** Null when it is no longer the content that was scanned. A release of an earlier finding ends with a new one. */
async function markRefused(tx: Transaction, row: FileRow, values: Partial<FileRow>): Promise<FileRow | null> {
  const cleared = { trashedAt: null, trashedBy: null, rescanReason: null, rescanDatabase: null, rescanAt: null, release: null }
  const [marked] = await tx
    .update(files)
    .set({ ...values, ...cleared, version: sql`${files.version} + 1` })
    .where(holdsContentOf(row))
    .returning()
  return marked ?? null
}

interface Evidence {
  /** As it was when it was found. */
  before: FileRow
  current: FileRow
  found: Rescanned
  at: number
}

async function keepEvidence(tx: Transaction, author: Author, { before, current, found, at }: Evidence): Promise<void> {
  const { scanEngine, scanDatabase, scanAt } = before
  const { tenantId, id, contentId, contentType, traceId, reads, readAt } = current
  const { name, folderId } = await placeOf(tx, current)
  const { key, bucket } = objectOf(current)
  await recordRefusal(tx, author, {
    id,
    contentId,
    name,
    folderId,
    contentType,
    size: found.size,
    sha256: found.sha256,
    uploadedBy: makerOf(current),
    uploadedFrom: traceId ? { traceId } : {},
    objectKey: `${tenantId}/${bucket}/${key}/${randomUUID()}`,
    at: new Date(at),
    result: { ...found.verdict, verdict: refusalOf(found) },
    rescan: {
      earlier: { engine: scanEngine ?? '', database: scanDatabase ?? '', at: scanAt?.toISOString() ?? null },
      reads,
      readAt,
    },
  })
}
