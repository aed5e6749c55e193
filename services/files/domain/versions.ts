import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, desc, eq, lt, or, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { files } from '../schema.ts'
import type { Author } from './author.ts'
import type { FileRow } from './listing.ts'
import { contentIdOf } from './object.ts'
import { pruneVersions } from './prune.ts'

/**
 * A version is a row of `files` with a `headId`, so the gate, leases, rescans, quarantine, quota and reconciliation hold for it as for a
 * file. The file keeps its id; what rows hold is exchanged between them, and each object belongs to one row at every moment.
 */

/** Who brought the content, which is not always who made the file. */
export function makerOf({ contentBy, createdBy }: Pick<FileRow, 'contentBy' | 'createdBy'>): string {
  return contentBy ?? createdBy
}

export function madeAt({ contentAt, createdAt }: Pick<FileRow, 'contentAt' | 'createdAt'>): Date {
  return contentAt ?? createdAt
}

/** What goes along when rows exchange what they hold. */
function contentOf(row: FileRow) {
  return {
    contentId: contentIdOf(row),
    size: row.size,
    contentType: row.contentType,
    sha256: row.sha256,
    revision: row.revision,
    contentBy: makerOf(row),
    contentAt: madeAt(row),
    traceId: row.traceId,
    scanEngine: row.scanEngine,
    scanDatabase: row.scanDatabase,
    scanAt: row.scanAt,
    scanMilliseconds: row.scanMilliseconds,
    scanAttempts: row.scanAttempts,
    rescanReason: row.rescanReason,
    rescanDatabase: row.rescanDatabase,
    rescanAt: row.rescanAt,
    release: row.release,
    reads: row.reads,
    readAt: row.readAt,
    readRank: row.readRank,
  }
}

/** The row of the file, locked. Expects the tree to be locked. @throws resource.not-found */
export async function lockHead(tx: Transaction, id: string): Promise<FileRow> {
  const [row] = await tx
    .select()
    .from(files)
    .where(and(eq(files.id, id), sql`${files.headId} is null`))
    .for('update')
  if (!row) throw problem('resource.not-found', { detail: `there is no file ${id}` })
  return row
}

/** The name and folder of the file that people see, for what is told about one of its versions. */
export async function placeOf(tx: Transaction, row: FileRow): Promise<Pick<FileRow, 'name' | 'folderId'>> {
  if (!row.headId) return row
  const [head] = await tx.select({ name: files.name, folderId: files.folderId }).from(files).where(eq(files.id, row.headId))
  return head ?? row
}

interface Exchange {
  head: FileRow
  /** Its `revision` is the one that the content has as that of the file. */
  version: FileRow
  at: Date
}

/** The content of a version becomes that of the file, and the other way round. Both are clean, and the rows are locked. */
export async function exchange(tx: Transaction, { head, version, at }: Exchange): Promise<FileRow> {
  const lastRevision = Math.max(head.lastRevision, version.revision)
  const [changed] = await tx
    .update(files)
    .set({ ...contentOf(version), lastRevision, updatedAt: at, version: sql`${files.version} + 1` })
    .where(eq(files.id, head.id))
    .returning()
  await tx
    .update(files)
    .set({ ...contentOf(head), supersededAt: at, updatedAt: at })
    .where(eq(files.id, version.id))
  if (!changed) throw new Error(`the locked file ${head.id} is gone`)
  return changed
}

interface Arrival {
  version: FileRow
  headId: string
  limits: FilesContext['limits']
  at: Date
}

/**
 * A version that turned out clean becomes the content of its file if nobody wrote later, else it is an earlier one: the order of writers
 * decides, not that of verdicts. Nor does it replace what a rescan has taken away, or what waits for its own verdict.
 */
export async function arrive(tx: Transaction, author: Author, { version, headId, limits, at }: Arrival): Promise<FileRow> {
  const head = await lockHead(tx, headId)
  const isNewest = head.verdict === 'clean' && version.revision > head.revision
  if (!isNewest) await tx.update(files).set({ supersededAt: at }).where(eq(files.id, version.id))
  const current = isNewest ? await exchange(tx, { head, version, at }) : head
  await pruneVersions(tx, author, { headId, limits })
  return current
}

/** Newest first, with the file's own content in its place; one more than `limit` where there is a next page. */
export function selectVersions(tx: Transaction, page: { headId: string; before?: number | undefined; limit: number }): Promise<FileRow[]> {
  const { headId, before, limit } = page
  const ofFile = or(eq(files.id, headId), eq(files.headId, headId))
  return tx
    .select()
    .from(files)
    .where(and(ofFile, before === undefined ? undefined : lt(files.revision, before)))
    .orderBy(desc(files.revision))
    .limit(limit + 1)
}

/** The row that holds this revision: a version, or the file itself. @throws resource.not-found */
export async function requireVersion(tx: Transaction, head: FileRow, revision: number): Promise<FileRow> {
  if (revision === head.revision) return head
  const [row] = await tx
    .select()
    .from(files)
    .where(and(eq(files.headId, head.id), eq(files.revision, revision)))
  if (!row) throw problem('resource.not-found', { detail: `the file ${head.id} has no version ${revision}` })
  return row
}

/** Also of what is to be restored. In the trash a file is as good as gone. */
export function requireWritable(head: FileRow): void {
  if (head.verdict !== 'clean')
    throw problem('file.not-readable', { detail: `the file is ${head.verdict}: nothing can take its place`, verdict: head.verdict })
  if (head.trashedAt) throw problem('resource.conflict', { detail: 'the file is in the trash: restore it first' })
}
