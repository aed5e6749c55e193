import type { Transaction } from '@slipway/db'
import { enqueue } from '@slipway/queue'
import type { ScanResult } from '@slipway/scanner'
import type { QuarantineRef } from '@slipway/storage'
import { fileScan } from '../jobs/file-scan.ts'
import { files } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { freeFileName, requireFreeFileName } from './files.ts'
import { requireDestination } from './folders.ts'
import { leaseMilliseconds, newLease } from './lease.ts'
import type { FileRow } from './listing.ts'
import { nameKey } from './names.ts'
import { type Quota, takeQuota } from './quota.ts'
import { scanColumns } from './settle.ts'

export interface NewFile {
  id: string
  name: string
  folderId: string | null
  onConflict: 'rename' | 'fail'
  size: number
  contentType: string
  /** Null where only the scan sees all bytes. */
  sha256: string | null
  quarantine: QuarantineRef
  /** What the scan of the content found; absent while it goes on. */
  scan?: Pick<ScanResult, 'engine' | 'database' | 'milliseconds'>
}

/**
 * Writes the row of an upload: clean and readable from then on, or pending with a lease for whoever settles it. Quota, name and folder
 * are decided under the lock of the tree, whatever an earlier look has said.
 * @throws quota.exceeded, name.taken, request.invalid if the folder is gone
 */
export async function registerFile(
  tx: Transaction,
  author: Author,
  options: { file: NewFile; quota: Quota; now: number },
): Promise<FileRow> {
  const { file, quota, now } = options
  const { tenantId } = author
  const { id, folderId, size, contentType, sha256 } = file
  await takeQuota(tx, { tenantId, bytes: size, files: 1 }, quota)
  await requireDestination(tx, folderId, '/body/folderId')
  const name = await nameFor(tx, file)
  const common = { id, folderId, name, nameKey: nameKey(name), size, contentType, sha256, createdBy: nameOf(author.principal) }
  const traceId = author.from.traceId ?? null
  const times = { createdAt: new Date(now), updatedAt: new Date(now) }
  const [row] = await tx
    .insert(files)
    .values({ ...common, ...times, traceId, ...verdictColumns(file, now) })
    .returning()
  if (!row) throw new Error('insert returned no row')
  await audit(tx, author, { action: 'file.uploaded', subject: { type: 'file', id }, after: { name, folderId, size, contentType, sha256 } })
  // Should this process die, the lease runs out and the queue settles the file.
  if (!file.scan) await enqueue(tx, fileScan, { version: 1, tenantId, fileId: id }, { delay: leaseMilliseconds })
  return row
}

export function verdictColumns({ scan, quarantine }: Pick<NewFile, 'scan' | 'quarantine'>, now: number) {
  if (scan) return { verdict: 'clean' as const, ...scanColumns(scan, now) }
  return { verdict: 'pending' as const, quarantine, ...newLease(now), scanAttempts: 1 }
}

async function nameFor(tx: Transaction, { name, folderId, onConflict }: NewFile): Promise<string> {
  if (onConflict === 'rename') return freeFileName(tx, { name, folderId })
  await requireFreeFileName(tx, { name, folderId })
  return name
}
