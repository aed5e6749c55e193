import type { Transaction } from '@slipway/db'
import { and, asc, desc, eq, inArray, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import { files } from '../schema.ts'
import { nameKey } from './names.ts'

export type FileRow = typeof files.$inferSelect

export const fileSorts = ['name', 'createdAt', 'size'] as const
export type FileSort = (typeof fileSorts)[number]

export interface FileFilter {
  /** `null` = the root; absent = every folder. */
  folderId?: string | null | undefined
  namePrefix?: string | undefined
  nameContains?: string | undefined
  /** A media type, or all of a kind: `image/*`. */
  type?: string | undefined
  trashed: boolean
  /** Only what a rescan gave no verdict for. */
  doubtful?: boolean
}

/** The last row of the page before. The id makes the order total, so no row is shown twice or skipped when values are equal. */
export interface FilePosition {
  value: string | number
  id: string
}

export interface FileOrder {
  sort: FileSort
  direction: 'asc' | 'desc'
}

export interface FilePage extends FileOrder {
  filter: FileFilter
  after?: FilePosition | undefined
  limit: number
}

const sortColumns = { name: files.nameKey, createdAt: files.createdAt, size: files.size }

/** Rows in a total order, one more than `limit` where there is a next page. Refused files are listed by the quarantine only. */
export async function selectFiles(tx: Transaction, page: FilePage): Promise<FileRow[]> {
  const { filter, after, limit, sort, direction } = page
  const column = sortColumns[sort]
  const order = direction === 'asc' ? asc : desc
  return await tx
    .select()
    .from(files)
    .where(and(...conditions(filter), after ? beyond(page, after) : undefined))
    .orderBy(order(column), order(files.id))
    .limit(limit + 1)
}

export function positionOf(row: FileRow, sort: FileSort): FilePosition {
  const values = { name: row.nameKey, createdAt: row.createdAt.toISOString(), size: row.size }
  return { value: values[sort], id: row.id }
}

/** One comparison of rows, which an index on both columns answers. */
function beyond({ sort, direction }: FileOrder, { value, id }: FilePosition): SQL {
  const type = { name: sql`text`, createdAt: sql`timestamptz`, size: sql`bigint` }[sort]
  const operator = direction === 'asc' ? sql`>` : sql`<`
  return sql`(${sortColumns[sort]}, ${files.id}) ${operator} (${value}::${type}, ${id}::uuid)`
}

function conditions(filter: FileFilter): (SQL | undefined)[] {
  const { folderId, namePrefix, nameContains, type, trashed, doubtful } = filter
  return [
    inArray(files.verdict, ['pending', 'clean']),
    isNull(files.headId),
    trashed ? isNotNull(files.trashedAt) : isNull(files.trashedAt),
    folderId === undefined ? undefined : folderId === null ? isNull(files.folderId) : eq(files.folderId, folderId),
    namePrefix === undefined ? undefined : sql`starts_with(${files.nameKey}, ${nameKey(namePrefix)})`,
    nameContains === undefined ? undefined : sql`strpos(${files.nameKey}, ${nameKey(nameContains)}) > 0`,
    type === undefined ? undefined : typeCondition(type),
    doubtful ? isNotNull(files.rescanReason) : undefined,
  ]
}

function typeCondition(type: string): SQL {
  return type.endsWith('/*') ? sql`starts_with(${files.contentType}, ${type.slice(0, -1)})` : eq(files.contentType, type)
}
