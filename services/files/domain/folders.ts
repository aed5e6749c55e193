import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import { folders } from '../schema.ts'
import { nameKey } from './names.ts'

export type FolderRow = typeof folders.$inferSelect

/** Levels of folders, so that a path stays within what disks and archives can hold. */
export const maxDepth = 32

/** @throws resource.not-found – for a folder of another tenant as for one that never was */
export async function requireFolder(tx: Transaction, id: string): Promise<FolderRow> {
  const [row] = await tx.select().from(folders).where(eq(folders.id, id))
  if (!row) throw problem('resource.not-found', { detail: `there is no folder ${id}` })
  return row
}

/** A folder that a request names as a destination: it is the request that is wrong if there is none. The root always exists. */
export async function requireDestination(tx: Transaction, id: string | null, pointer: string): Promise<void> {
  if (id === null) return
  const found = await tx.select({ id: folders.id }).from(folders).where(eq(folders.id, id))
  if (found.length === 0) throw problem('request.invalid', { errors: [{ pointer, detail: `there is no folder ${id}` }] })
}

/** Expects the tree to be locked. @throws name.taken */
export async function requireFreeFolderName(
  tx: Transaction,
  place: { parentId: string | null; name: string; except?: string },
): Promise<void> {
  const { parentId, name, except } = place
  const found = await tx
    .select({ id: folders.id })
    .from(folders)
    .where(
      and(
        parentId === null ? isNull(folders.parentId) : eq(folders.parentId, parentId),
        eq(folders.nameKey, nameKey(name)),
        except ? ne(folders.id, except) : undefined,
      ),
    )
  if (found.length > 0) throw problem('name.taken', { detail: `there is already a folder named "${name}" here` })
}

/**
 * Whether a folder may hang below `parentId`. Expects the tree to be locked: two moves at a time could each be right and together
 * close a circle.
 * @throws folder.cycle if the destination is the folder itself or below it; request.invalid if the tree became too deep
 */
export async function requirePlace(tx: Transaction, place: { folderId?: string; parentId: string | null; pointer: string }): Promise<void> {
  const { folderId, parentId, pointer } = place
  if (parentId === null) return
  const above = await ancestors(tx, parentId)
  if (folderId && above.includes(folderId)) throw problem('folder.cycle')
  const height = folderId ? await heightOf(tx, folderId) : 1
  if (above.length + height > maxDepth) {
    throw problem('request.invalid', { errors: [{ pointer, detail: `folders may be nested ${maxDepth} levels deep at most` }] })
  }
}

/** From the folder itself up to the root. */
async function ancestors(tx: Transaction, id: string): Promise<string[]> {
  const result = await tx.execute<{ id: string }>(sql`
    with recursive above as (
      select id, parent_id, 1 as level from ${folders} where id = ${id}
      union all
      select parent.id, parent.parent_id, above.level + 1
      from ${folders} as parent join above on parent.id = above.parent_id
      where above.level <= ${maxDepth}
    )
    select id from above order by level`)
  return result.rows.map((row) => row.id)
}

async function heightOf(tx: Transaction, id: string): Promise<number> {
  const result = await tx.execute<{ height: number }>(sql`${subtree(id)} select max(level)::int as height from below`)
  return result.rows[0]?.height ?? 1
}

/** The folder and everything below it. */
export async function descendants(tx: Transaction, id: string): Promise<string[]> {
  const result = await tx.execute<{ id: string }>(sql`${subtree(id)} select id from below order by level desc`)
  return result.rows.map((row) => row.id)
}

function subtree(id: string) {
  return sql`
    with recursive below as (
      select id, 1 as level from ${folders} where id = ${id}
      union all
      select child.id, below.level + 1
      from ${folders} as child join below on child.parent_id = below.id
      where below.level <= ${maxDepth}
    )`
}

interface FolderPage {
  /** `null` = the root; absent = all folders. */
  parentId?: string | null | undefined
  after?: { nameKey: string; id: string } | undefined
  limit: number
}

/** By name; one more than `limit` where there is a next page. */
export async function selectFolders(tx: Transaction, { parentId, after, limit }: FolderPage): Promise<FolderRow[]> {
  const inParent = parentId === undefined ? undefined : parentId === null ? isNull(folders.parentId) : eq(folders.parentId, parentId)
  const beyond = after ? sql`(${folders.nameKey}, ${folders.id}) > (${after.nameKey}::text, ${after.id}::uuid)` : undefined
  return await tx
    .select()
    .from(folders)
    .where(and(inParent, beyond))
    .orderBy(folders.nameKey, folders.id)
    .limit(limit + 1)
}
