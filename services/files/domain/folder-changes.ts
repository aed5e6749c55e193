import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { type AnyColumn, and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { files, folders } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'
import { descendants, type FolderRow, requireDestination, requireFolder, requireFreeFolderName, requirePlace } from './folders.ts'
import { nameKey } from './names.ts'
import { lockTree } from './quota.ts'

interface NewFolder {
  name: string
  parentId: string | null
  now: Date
}

interface FolderChange {
  id: string
  name?: string | undefined
  parentId?: string | null | undefined
  now: Date
  /** Throws if the row is not the one that the client has seen. */
  expect: (row: FolderRow) => void
}

/** @throws name.taken, request.invalid if there is no such parent or the tree became too deep */
export async function createFolder(tx: Transaction, author: Author, folder: NewFolder): Promise<FolderRow> {
  const { name, parentId, now } = folder
  await lockTree(tx, author.tenantId)
  await requireDestination(tx, parentId, '/body/parentId')
  await requirePlace(tx, { parentId, pointer: '/body/parentId' })
  await requireFreeFolderName(tx, { parentId, name })
  const [row] = await tx
    .insert(folders)
    .values({ id: newId(), parentId, name, nameKey: nameKey(name), createdBy: nameOf(author.principal), createdAt: now, updatedAt: now })
    .returning()
  if (!row) throw new Error('insert returned no row')
  await audit(tx, author, { action: 'folder.created', subject: { type: 'folder', id: row.id }, after: { name, parentId } })
  return row
}

/** Renames, moves, or both. @throws name.taken, folder.cycle, precondition.failed */
export async function changeFolder(tx: Transaction, author: Author, change: FolderChange): Promise<FolderRow> {
  await lockTree(tx, author.tenantId)
  const row = await requireFolder(tx, change.id)
  change.expect(row)
  const { name = row.name, parentId = row.parentId } = change
  if (name === row.name && parentId === row.parentId) return row
  if (parentId !== row.parentId) {
    await requireDestination(tx, parentId, '/body/parentId')
    await requirePlace(tx, { folderId: row.id, parentId, pointer: '/body/parentId' })
  }
  await requireFreeFolderName(tx, { parentId, name, except: row.id })
  const [changed] = await tx
    .update(folders)
    .set({ name, nameKey: nameKey(name), parentId, updatedAt: change.now, version: row.version + 1 })
    .where(eq(folders.id, row.id))
    .returning()
  await audit(tx, author, {
    action: parentId === row.parentId ? 'folder.renamed' : 'folder.moved',
    subject: { type: 'folder', id: row.id },
    before: { name: row.name, parentId: row.parentId },
    after: { name, parentId },
  })
  return changed ?? row
}

/**
 * Removes a folder. Folders have no trash of their own: with `recursive` the files below go to the trash, from where they return to
 * the root. Without it a folder that holds folders or files is left as it is; what lies in the trash does not hold it.
 * @throws resource.conflict if it is not empty
 */
export async function removeFolder(
  tx: Transaction,
  author: Author,
  target: Pick<FolderChange, 'id' | 'now' | 'expect'> & { recursive: boolean },
): Promise<void> {
  await lockTree(tx, author.tenantId)
  const row = await requireFolder(tx, target.id)
  target.expect(row)
  const ids = await descendants(tx, row.id)
  if (!target.recursive) await requireEmpty(tx, ids)
  const trashed = await trashBelow(tx, ids, { trashedAt: target.now, trashedBy: nameOf(author.principal) })
  await tx.delete(folders).where(among(folders.id, ids))
  await audit(tx, author, {
    action: 'folder.removed',
    subject: { type: 'folder', id: row.id },
    before: { name: row.name, parentId: row.parentId },
    after: { folders: ids.length, trashed },
  })
}

async function requireEmpty(tx: Transaction, ids: readonly string[]): Promise<void> {
  const held = and(among(files.folderId, ids), isNull(files.trashedAt), inArray(files.verdict, ['pending', 'clean']))
  const found = await tx.select({ id: files.id }).from(files).where(held).limit(1)
  if (ids.length > 1 || found.length > 0) {
    throw problem('resource.conflict', { detail: 'the folder is not empty: empty it, or ask for recursive=true' })
  }
}

async function trashBelow(tx: Transaction, ids: string[], values: { trashedAt: Date; trashedBy: string }): Promise<string[]> {
  const rows = await tx
    .update(files)
    .set({ ...values, updatedAt: values.trashedAt, version: sql`${files.version} + 1` })
    .where(and(among(files.folderId, ids), isNull(files.trashedAt), inArray(files.verdict, ['pending', 'clean'])))
    .returning({ id: files.id })
  return rows.map((row) => row.id)
}

/** As one parameter: a statement has 65,535 of them at most, and a tree may have more folders. */
function among(column: AnyColumn, ids: readonly string[]): SQL {
  return sql`${column} = any(${sql.param(ids)}::uuid[])`
}
