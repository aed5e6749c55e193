import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { enqueue } from '@slipway/queue'
import type { ScanResult } from '@slipway/scanner'
import type { QuarantineRef } from '@slipway/storage'
import { eq, inArray, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { fileScan } from '../jobs/file-scan.ts'
import { files, folders, quarantine, type Release, type ReleaseRequest } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { freeFileName } from './files.ts'
import type { FileRow } from './listing.ts'
import { nameKey } from './names.ts'
import { objectOf } from './object.ts'
import { type RefusalRow, requireRefusal } from './quarantine.ts'
import { lockTree, type Quota, shareOf, takeQuota } from './quota.ts'

/** After this a request is as if it had never been made. */
export const requestMilliseconds = 7 * 86_400_000

interface Wish {
  id: string
  reason: string
  /** See `personOf`. */
  person: string
}

/** `file` is the one that people see: that of which `approved` is a version, or the same. */
export type Released = { asked: RefusalRow } | { approved: FileRow; file: FileRow }

/** People decided about this finding in these bytes; another one is for them to decide about anew. */
export function isReleased(release: Release | null, { verdict, signature }: ScanResult): boolean {
  if (release?.verdict !== verdict) return false
  return verdict === 'unscannable' || release.signature === (signature ?? null)
}

/**
 * Who is behind the credentials: keys count as those who made them, so that nobody is two people.
 * @throws auth.forbidden for whoever is nobody
 */
export function personOf({ kind, id, person }: Principal): string {
  const behind = kind === 'key' ? person : kind === 'user' ? id : undefined
  if (behind === undefined) throw problem('auth.forbidden', { detail: 'a release is asked for and approved by people' })
  return behind
}

/** What is left of a request. */
export function liveRequest({ release }: Pick<RefusalRow, 'release'>, now: number): ReleaseRequest | null {
  return release && Date.parse(release.at) + requestMilliseconds > now ? release : null
}

/**
 * The first of two admins asks, the second approves. From the approval on the file is pending like a large upload: its name and its quota
 * are taken, and `file-scan` looks at the bytes once more and promotes them if they hold what was approved, and nothing else.
 * @throws resource.not-found, resource.conflict if the bytes are not there, release.same-person, quota.exceeded
 */
export async function releaseRefusal(
  context: FilesContext,
  author: Author,
  { wish, keep }: { wish: Wish; keep: (tx: Transaction, released: Released) => Promise<void> },
): Promise<Released> {
  const { tenantId } = author
  const known = await context.database.tenantTransaction(tenantId, (tx) => requireRefusal(tx, wish.id), { readOnly: true })
  const evidence = known.objectKey === '' ? undefined : await context.storage.head({ bucket: 'quarantine', key: known.objectKey })
  return await context.database.tenantTransaction(tenantId, async (tx) => {
    await lockTree(tx, tenantId)
    const record = await lockRefusal(tx, wish.id)
    if (evidence?.size !== record.size || (record.foundBy === 'rescan' && !record.isolatedAt))
      throw problem('resource.conflict', { detail: 'the bytes are not in quarantine, or not yet: there is nothing that could be released' })
    const request = liveRequest(record, context.now())
    const released = request
      ? await approve(tx, author, { record, request, wish, etag: evidence.etag, quota: context.limits.quota, now: context.now() })
      : { asked: await ask(tx, author, { wish, now: context.now() }) }
    await keep(tx, released)
    return released
  })
}

/** Any admin may do so; without a request nothing happens. */
export async function withdrawRequest(tx: Transaction, author: Author, id: string): Promise<void> {
  const { release } = await lockRefusal(tx, id)
  if (!release) return
  await tx.update(quarantine).set({ release: null }).where(eq(quarantine.id, id))
  const { by, reason } = release
  await audit(tx, author, { action: 'quarantine.release-withdrawn', subject: { type: 'quarantine', id }, before: { by, reason } })
}

async function lockRefusal(tx: Transaction, id: string): Promise<RefusalRow> {
  const [row] = await tx.select().from(quarantine).where(eq(quarantine.id, id)).for('update')
  return row ?? (await requireRefusal(tx, id))
}

async function ask(tx: Transaction, author: Author, { wish, now }: { wish: Wish; now: number }): Promise<RefusalRow> {
  const { id, reason, person } = wish
  const release = { by: nameOf(author.principal), person, reason, at: new Date(now).toISOString() }
  const [row] = await tx.update(quarantine).set({ release }).where(eq(quarantine.id, id)).returning()
  if (!row) throw problem('resource.not-found', { detail: `there is no refused file ${id}` })
  const { name, sha256, verdict, signature } = row
  await audit(tx, author, {
    action: 'quarantine.release-requested',
    subject: { type: 'quarantine', id },
    after: { reason, name, sha256, verdict, signature },
  })
  return row
}

interface Approval {
  record: RefusalRow
  request: ReleaseRequest
  wish: Wish
  etag: string
  quota: Quota
  now: number
}

async function approve(tx: Transaction, author: Author, approval: Approval): Promise<Extract<Released, { approved: FileRow }>> {
  const { record, request, wish, quota } = approval
  const { tenantId } = author
  if (request.person === wish.person)
    throw problem('release.same-person', {
      detail: 'this release was asked for by you, or by a key of yours: another admin has to approve it',
    })
  const head = await headOf(tx, record.id)
  await takeQuota(tx, shareOf({ tenantId, size: record.size, headId: head?.id ?? null }), quota)
  const row = await bringBack(tx, author, { ...approval, head })
  await tx.delete(quarantine).where(eq(quarantine.id, record.id))
  await audit(tx, author, {
    action: 'quarantine.release-approved',
    subject: { type: 'quarantine', id: record.id },
    before: { by: request.by, reason: request.reason, at: request.at },
    after: { reason: wish.reason, name: row.name, sha256: row.sha256, verdict: record.verdict, signature: record.signature },
  })
  await enqueue(tx, fileScan, { version: 1, tenantId, fileId: record.id })
  return { approved: row, file: head ?? row }
}

/** The file of which this was, or was to be, a version. */
async function headOf(tx: Transaction, id: string): Promise<FileRow | null> {
  const version = tx.select({ headId: files.headId }).from(files).where(eq(files.id, id))
  const [head] = await tx.select().from(files).where(inArray(files.id, version))
  return head ?? null
}

/** The row of before, or one for an upload that never had one. Nobody holds its lease, so that `file-scan` may begin at once. */
async function bringBack(
  tx: Transaction,
  author: Author,
  { record, request, etag, now, head }: Approval & { head: FileRow | null },
): Promise<FileRow> {
  const { id, contentId, size, contentType, sha256, objectKey: key, verdict, signature, uploadedBy, uploadedFrom } = record
  const at = new Date(now)
  const release: Release = {
    by: request.by,
    approvedBy: nameOf(author.principal),
    reason: request.reason,
    at: at.toISOString(),
    verdict,
    signature,
  }
  const { name, folderId } = head ? { name: head.name, folderId: null } : await freePlace(tx, record)
  const ref: QuarantineRef = { bucket: 'quarantine', key, size, etag, target: objectOf(record) }
  const place = { folderId, name, nameKey: nameKey(name), updatedAt: at }
  const state = { verdict: 'pending' as const, release, quarantine: ref, leaseToken: null, leaseUntil: at, scanAttempts: 0 }
  const common = { ...place, ...state, size, contentType, sha256, contentId }
  const traceId = uploadedFrom.traceId ?? null
  const [row] = await tx
    .insert(files)
    .values({ ...common, id, createdBy: uploadedBy, createdAt: record.createdAt, traceId })
    .onConflictDoUpdate({ target: files.id, set: { ...common, version: sql`${files.version} + 1` } })
    .returning()
  if (!row) throw new Error('insert returned no row')
  return row
}

/** A version needs none. */
async function freePlace(tx: Transaction, record: RefusalRow): Promise<{ name: string; folderId: string | null }> {
  const folderId = await existingFolder(tx, record.folderId)
  return { name: await freeFileName(tx, { name: record.name, folderId }), folderId }
}

/** A folder that is gone leaves the root. */
async function existingFolder(tx: Transaction, id: string | null): Promise<string | null> {
  if (id === null) return null
  const found = await tx.select({ id: folders.id }).from(folders).where(eq(folders.id, id))
  return found[0]?.id ?? null
}
