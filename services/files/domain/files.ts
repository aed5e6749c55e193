import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, eq, inArray, isNull, ne, sql } from 'drizzle-orm'
import { files } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { requireDestination } from './folders.ts'
import type { FileRow } from './listing.ts'
import { freeName, nameKey } from './names.ts'
import { contentId, contentIdOf } from './object.ts'
import { lockTree } from './quota.ts'

interface FileChange {
  id: string
  name?: string | undefined
  folderId?: string | null | undefined
  now: Date
  /** Throws if the row is not the one that the client has seen. */
  expect: (row: FileRow) => void
}

interface Place {
  folderId: string | null
  name: string
  except?: string
}

/** @throws resource.not-found – for a file of another tenant or a version as for one that never was */
export async function requireFile(tx: Transaction, id: string): Promise<FileRow> {
  const [row] = await tx
    .select()
    .from(files)
    .where(and(eq(files.id, id), isNull(files.headId)))
  if (!row) throw problem('resource.not-found', { detail: `there is no file ${id}` })
  return row
}

/** A file that a tenant can work with. What was refused is dealt with in the quarantine. */
export async function requireLiveFile(tx: Transaction, id: string): Promise<FileRow> {
  const row = await requireFile(tx, id)
  if (row.verdict !== 'clean' && row.verdict !== 'pending') {
    throw problem('file.not-readable', {
      detail: `the file is ${row.verdict} and can only be purged from the quarantine`,
      verdict: row.verdict,
    })
  }
  return row
}

/** Renames, moves, or both. @throws name.taken, precondition.failed */
export async function changeFile(tx: Transaction, author: Author, change: FileChange): Promise<FileRow> {
  await lockTree(tx, author.tenantId)
  const row = await requireLiveFile(tx, change.id)
  change.expect(row)
  if (row.trashedAt) throw problem('resource.conflict', { detail: 'the file is in the trash: restore it first' })
  const { name = row.name, folderId = row.folderId } = change
  if (name === row.name && folderId === row.folderId) return row
  if (folderId !== row.folderId) await requireDestination(tx, folderId, '/body/folderId')
  if (await isTaken(tx, { name, folderId, except: row.id })) throw nameTaken(name)
  const changed = await updateFile(tx, row, { name, nameKey: nameKey(name), folderId, updatedAt: change.now })
  await audit(tx, author, {
    action: name === row.name ? 'file.moved' : 'file.renamed',
    subject: { type: 'file', id: row.id },
    before: { name: row.name, folderId: row.folderId },
    after: { name, folderId },
  })
  return changed
}

/** A second time changes nothing. */
export async function trashFile(tx: Transaction, author: Author, target: Pick<FileChange, 'id' | 'now' | 'expect'>): Promise<void> {
  await lockTree(tx, author.tenantId)
  const row = await requireLiveFile(tx, target.id)
  target.expect(row)
  if (row.trashedAt) return
  await updateFile(tx, row, { trashedAt: target.now, trashedBy: nameOf(author.principal), updatedAt: target.now })
  await audit(tx, author, {
    action: 'file.trashed',
    subject: { type: 'file', id: row.id },
    before: { name: row.name, folderId: row.folderId },
  })
}

/** Back to its folder, or to the root if that is gone; under a numbered name if its own has been taken meanwhile. */
export async function restoreFile(tx: Transaction, author: Author, target: Pick<FileChange, 'id' | 'now'>): Promise<FileRow> {
  await lockTree(tx, author.tenantId)
  const row = await requireLiveFile(tx, target.id)
  if (!row.trashedAt) return row
  const name = await freeFileName(tx, { name: row.name, folderId: row.folderId })
  const restored = await updateFile(tx, row, { name, nameKey: nameKey(name), trashedAt: null, trashedBy: null, updatedAt: target.now })
  await audit(tx, author, { action: 'file.restored', subject: { type: 'file', id: row.id }, after: { name, folderId: row.folderId } })
  return restored
}

/** Expects the tree to be locked; without the lock the name may be gone a moment later. */
export function freeFileName(tx: Transaction, place: Place): Promise<string> {
  return freeName(place.name, (name) => isTaken(tx, { ...place, name }))
}

export async function requireFreeFileName(tx: Transaction, place: Place): Promise<void> {
  if (await isTaken(tx, place)) throw nameTaken(place.name)
}

async function isTaken(tx: Transaction, { folderId, name, except }: Place): Promise<boolean> {
  const found = await tx
    .select({ id: files.id })
    .from(files)
    .where(
      and(
        folderId === null ? isNull(files.folderId) : eq(files.folderId, folderId),
        eq(files.nameKey, nameKey(name)),
        isNull(files.trashedAt),
        isNull(files.headId),
        inArray(files.verdict, ['pending', 'clean']),
        except ? ne(files.id, except) : undefined,
      ),
    )
    .limit(1)
  return found.length > 0
}

function nameTaken(name: string): Error {
  return problem('name.taken', { detail: `there is already a file named "${name}" here` })
}

async function updateFile(tx: Transaction, row: FileRow, values: Partial<typeof files.$inferInsert>): Promise<FileRow> {
  const [changed] = await tx
    .update(files)
    .set({ ...values, version: sql`${files.version} + 1` })
    .where(eq(files.id, row.id))
    .returning()
  if (!changed) throw problem('resource.not-found', { detail: `there is no file ${row.id}` })
  return changed
}

/**
 * Whichever row holds the readable content that `row` told, as rows may have exchanged what they hold. Only what is pending may not know
 * its digest.
 */
export function holdsContentOf(row: FileRow) {
  return and(eq(contentId, contentIdOf(row)), eq(files.verdict, 'clean'), eq(files.sha256, row.sha256 ?? ''))
}
