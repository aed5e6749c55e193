import { randomBytes } from 'node:crypto'
import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { type Assembly, newAssembly } from '@slipway/storage'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { resumableUploads } from '../schema.ts'
import { type Author, nameOf } from './author.ts'
import { requireFreeFileName } from './files.ts'
import { requireDestination } from './folders.ts'
import { objectOf } from './object.ts'
import { type Quota, returnQuota, takeQuota } from './quota.ts'
import type { NewFile } from './register.ts'

export type ResumableRow = typeof resumableUploads.$inferSelect

/** An upload whose lock is ours: the token is a condition of every change. */
export interface HeldUpload {
  readonly author: Author
  readonly row: ResumableRow
  readonly lockToken: string
}

export interface UploadWish {
  readonly id: string
  readonly target: Pick<NewFile, 'name' | 'folderId' | 'onConflict'>
  readonly metadata: Record<string, string | null>
  /** Null = the client will say later. */
  readonly length: number | null
  readonly lockToken: string
}

/** 192 bits, so that nobody finds one by trying; that it belongs to tenant and user is checked all the same. */
export function newUploadId(): string {
  return randomBytes(24).toString('base64url')
}

/** Of keys in quarantine: the id of the file whose upload they belong to. */
export function fileIdOfPiece(key: string): string | undefined {
  return /\/([0-9a-f-]{36})\/[0-9a-f-]{36}$/.exec(key)?.[1]
}

/** The lock's end, counted by the database, as clocks of replicas may differ. */
export const lockEnd = sql`clock_timestamp() + interval '10 seconds'`

/**
 * Takes the announced bytes out of the quota, so that the last byte of an upload finds the room that its first one was promised.
 * The row is locked by whoever makes it.
 * @throws quota.exceeded, name.taken, request.invalid
 */
export async function createUpload(
  tx: Transaction,
  author: Author,
  { wish, quota, times }: { wish: UploadWish; quota: Quota; times: { createdAt: Date; expiresAt: Date } },
): Promise<ResumableRow> {
  const { id, target, metadata, length, lockToken } = wish
  const { tenantId, principal, from } = author
  await takeQuota(tx, { tenantId, bytes: length ?? 0, files: 1 }, quota)
  await requireDestination(tx, target.folderId, '/headers/upload-metadata')
  if (target.onConflict === 'fail') await requireFreeFileName(tx, target)
  const fileId = newId(() => times.createdAt.getTime())
  const { bucket, key } = objectOf({ tenantId, id: fileId })
  const assembly = newAssembly(`${tenantId}/${bucket}/${key}`)
  const { kind, id: principalId, name } = principal
  const whose = { createdBy: nameOf(principal), author: { principal: { kind, id: principalId, ...(name ? { name } : {}) }, from } }
  const [row] = await tx
    .insert(resumableUploads)
    .values({ id, fileId, ...whose, ...target, metadata, length, reserved: length ?? 0, assembly, lockToken, lockUntil: lockEnd, ...times })
    .returning()
  if (!row) throw new Error('insert returned no row')
  return row
}

/** @throws resource.not-found – for somebody else's upload as for one that never was */
export async function requireUpload(tx: Transaction, author: Author, id: string): Promise<ResumableRow> {
  const owned = and(eq(resumableUploads.id, id), eq(resumableUploads.createdBy, nameOf(author.principal)))
  const [row] = await tx.select().from(resumableUploads).where(owned)
  if (!row) throw noUpload()
  return row
}

export function noUpload(): Error {
  return problem('resource.not-found', { detail: 'there is no such upload' })
}

/** A number for a part, given once: what a process sends that has lost its lock lies under a number that no other part has. */
export async function takePartNumber(tx: Transaction, held: HeldUpload): Promise<number> {
  const { nextPart } = await changeHeld(tx, held, { nextPart: sql`${resumableUploads.nextPart} + 1` })
  return nextPart - 1
}

/**
 * From the commit on these bytes count. Where the length is not known, they are taken out of the quota as they come.
 * @throws upload.locked, quota.exceeded
 */
export async function keepPieces(tx: Transaction, held: HeldUpload, { assembly, quota }: { assembly: Assembly; quota: Quota }) {
  const received = [...assembly.parts, ...assembly.rests].reduce((sum, { size }) => sum + size, 0)
  const reserved = await reserve(tx, held, { bytes: Math.max(received, held.row.reserved), quota })
  return await changeHeld(tx, held, { assembly, received, reserved })
}

/** @throws upload.locked, quota.exceeded */
export async function declareLength(tx: Transaction, held: HeldUpload, { length, quota }: { length: number; quota: Quota }) {
  const reserved = await reserve(tx, held, { bytes: length, quota })
  return await changeHeld(tx, held, { length, reserved })
}

async function reserve(tx: Transaction, { author, row }: HeldUpload, { bytes, quota }: { bytes: number; quota: Quota }): Promise<number> {
  if (bytes > row.reserved) await takeQuota(tx, { tenantId: author.tenantId, bytes: bytes - row.reserved, files: 0 }, quota)
  return bytes
}

/** @throws upload.locked if the lock is somebody else's by now */
export async function changeHeld(
  tx: Transaction,
  { row, lockToken }: HeldUpload,
  values: { [Column in keyof ResumableRow]?: ResumableRow[Column] | ReturnType<typeof sql> },
): Promise<ResumableRow> {
  const stillHeld = and(eq(resumableUploads.id, row.id), eq(resumableUploads.lockToken, lockToken))
  const [changed] = await tx.update(resumableUploads).set(values).where(stillHeld).returning()
  if (!changed) throw lockLost()
  return changed
}

export function lockLost(): Error {
  return problem('upload.locked', { detail: 'another request goes on with this upload: ask for its offset', retryAfter: 1 })
}

/** Gives back what it had of the quota. Its bytes are removed afterwards, by whoever can. */
export async function endUpload(tx: Transaction, { author, row, lockToken }: HeldUpload): Promise<void> {
  const stillHeld = and(eq(resumableUploads.id, row.id), eq(resumableUploads.lockToken, lockToken), isNull(resumableUploads.finishedAt))
  const [ended] = await tx.delete(resumableUploads).where(stillHeld).returning({ reserved: resumableUploads.reserved })
  if (!ended) throw lockLost()
  await returnQuota(tx, { tenantId: author.tenantId, bytes: ended.reserved, files: 1 })
}
