import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import type { ScanResult } from '@slipway/scanner'
import { eq, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileScan } from '../jobs/file-scan.ts'
import { files } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { requireLiveFile } from './files.ts'
import { leaseMilliseconds } from './lease.ts'
import type { FileRow } from './listing.ts'
import { prunable, purgeVersions } from './prune.ts'
import { mayPurge } from './purge.ts'
import { assertRoom, lockTree, type Quota, readUsage, takeQuota } from './quota.ts'
import { type NewFile, verdictColumns } from './register.ts'
import { arrive, exchange, lockHead, makerOf, requireVersion, requireWritable } from './versions.ts'

type Limits = FilesContext['limits']

export type NewContent = Pick<NewFile, 'id' | 'size' | 'contentType' | 'sha256' | 'quarantine'>

interface Target {
  fileId: string
  /** Throws if the row is not the one that the client has seen. */
  expect: (row: FileRow) => void
}

/**
 * Before the first byte: what could only be refused after the last. Decides nothing.
 * @returns the file, what is used, and the room that its versions would leave to the new content
 */
export async function previewOverwrite(
  tx: Transaction,
  author: Author,
  { fileId, expect, declared, limits }: Target & { declared: number; limits: Limits },
): Promise<{ head: FileRow; used: Quota; room: number }> {
  const head = await requireLiveFile(tx, fileId)
  expect(head)
  requireWritable(head)
  const used = await readUsage(tx, author.tenantId)
  // What waits for its verdict takes nothing away from what is there.
  const freed = declared > limits.syncBytes ? 0 : await prunable(tx, head, limits)
  assertRoom({ ...used, bytes: used.bytes - freed }, limits.quota, { bytes: declared, files: 0 })
  return { head, used, room: limits.quota.bytes - used.bytes + freed }
}

interface Overwrite extends Target {
  content: NewContent
  /** What the scan of the content found; absent while it goes on. */
  scan: ScanResult | undefined
  limits: Limits
  now: number
}

/**
 * Clean content is that of the file from the commit on, and what was there is a version. Content without a verdict is a version that waits:
 * the file goes on with what it has, but whoever wants to change it has to know of the other writer first.
 * @throws resource.not-found, precondition.failed, file.not-readable, resource.conflict, quota.exceeded
 */
export async function overwrite(tx: Transaction, author: Author, wish: Overwrite): Promise<{ head: FileRow; version: FileRow }> {
  const { fileId, expect, content, scan, limits, now } = wish
  const { tenantId } = author
  await lockTree(tx, tenantId)
  const before = await requireLiveFile(tx, fileId)
  expect(before)
  requireWritable(before)
  const version = await insertVersion(tx, author, { head: before, wish })
  const head = scan
    ? await arrive(tx, author, { version, headId: fileId, limits, at: new Date(now) })
    : await announce(tx, { head: before, revision: version.revision, at: new Date(now) })
  // After what goes has gone: with the last room a file can still be overwritten where no version is kept.
  await takeQuota(tx, { tenantId, bytes: content.size, files: 0 }, limits.quota)
  const { size, contentType, sha256 } = content
  await audit(tx, author, {
    action: 'file.overwritten',
    subject: { type: 'file', id: fileId },
    before: { revision: before.revision, size: before.size, sha256: before.sha256 },
    after: { revision: version.revision, size, contentType, sha256, verdict: version.verdict },
  })
  // Should this process die, the lease runs out and the queue settles the version.
  if (!scan) await enqueue(tx, fileScan, { version: 1, tenantId, fileId: version.id }, { delay: leaseMilliseconds })
  return { head, version }
}

async function insertVersion(tx: Transaction, author: Author, { head, wish }: { head: FileRow; wish: Overwrite }): Promise<FileRow> {
  const { content, scan, now } = wish
  const { id, size, contentType, sha256 } = content
  const by = nameOf(author.principal)
  const at = new Date(now)
  const place = { headId: head.id, folderId: null, name: head.name, nameKey: head.nameKey, revision: head.lastRevision + 1 }
  const made = { createdBy: by, createdAt: at, updatedAt: at, contentBy: by, contentAt: at, traceId: author.from.traceId ?? null }
  const [row] = await tx
    .insert(files)
    .values({ id, ...place, size, contentType, sha256, ...made, ...verdictColumns({ ...content, ...(scan ? { scan } : {}) }, now) })
    .returning()
  if (!row) throw new Error('insert returned no row')
  return row
}

/** From now on the file is another one to those who write. */
async function announce(tx: Transaction, { head, revision, at }: { head: FileRow; revision: number; at: Date }): Promise<FileRow> {
  const [row] = await tx
    .update(files)
    .set({ lastRevision: revision, updatedAt: at, version: sql`${files.version} + 1` })
    .where(eq(files.id, head.id))
    .returning()
  if (!row) throw new Error(`the locked file ${head.id} is gone`)
  return row
}

/**
 * An earlier content becomes that of the file again, as a new revision: no bytes are copied, and the quota stays as it is.
 * @throws resource.not-found, precondition.failed, file.not-readable, resource.conflict
 */
export async function restoreVersion(tx: Transaction, author: Author, wish: Target & { revision: number; now: Date }): Promise<FileRow> {
  const { fileId, expect, revision, now } = wish
  await lockTree(tx, author.tenantId)
  const head = await lockHead(tx, fileId)
  expect(head)
  requireWritable(head)
  const version = await requireVersion(tx, head, revision)
  if (version.id === head.id) throw isCurrent(revision)
  requireClean(version)
  const restored = await exchange(tx, { head, version: { ...version, revision: head.lastRevision + 1 }, at: now })
  await audit(tx, author, {
    action: 'file.version-restored',
    subject: { type: 'file', id: fileId },
    before: { revision: head.revision, sha256: head.sha256 },
    after: { revision: restored.revision, restoredFrom: revision, sha256: restored.sha256 },
  })
  return restored
}

/** Members purge what they brought themselves, admins everything. @throws auth.forbidden, resource.conflict for the current one */
export async function purgeVersion(tx: Transaction, author: Author, wish: Target & { revision: number }): Promise<void> {
  const { fileId, expect, revision } = wish
  await lockTree(tx, author.tenantId)
  const head = await lockHead(tx, fileId)
  expect(head)
  const version = await requireVersion(tx, head, revision)
  if (version.id === head.id) throw isCurrent(revision)
  if (version.verdict !== 'clean' && version.verdict !== 'pending') throw notReadable(version)
  if (!mayPurge(author, makerOf(version))) throw problem('auth.forbidden', { detail: 'only admins purge what somebody else has uploaded' })
  await purgeVersions(tx, author, { rows: [version], reason: 'requested' })
}

export function requireClean(version: FileRow): void {
  if (version.verdict !== 'clean') throw notReadable(version)
}

function notReadable({ verdict }: FileRow): Error {
  const detail =
    verdict === 'pending' ? 'the verdict is still to come' : `the version is ${verdict} and can only be purged from the quarantine`
  return problem('file.not-readable', { detail, verdict })
}

function isCurrent(revision: number): Error {
  return problem('resource.conflict', { detail: `revision ${revision} is the content of the file` })
}
