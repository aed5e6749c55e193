import type { Database, Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { files } from '../schema.ts'

export interface DueFile extends Record<string, unknown> {
  tenantId: string
  fileId: string
}

/** What a clean file was looked at with: the database of its verdict, or of a later rescan that gave none. The index has the same. */
const lookedAtWith = sql`coalesce(${files.rescanDatabase}, ${files.scanDatabase}, '')`

/** More than one for every day of ten years. */
const mostDatabases = 4000

/**
 * Whether a verdict of this database is of less worth than one of today's. An older clamd beside a new one, or one that fell back, is no
 * reason to look again: numbers only rise.
 */
export function isBehind(database: string, number: number): boolean {
  return numberOf(database) < number
}

/** What is no official database is older than all of them. */
function numberOf(database: string): number {
  return Number(/^(\d+)\//.exec(database)?.[1] ?? -1)
}

/** Of a page, the part that goes to the oldest verdicts. */
const oldestShare = 0.25

/**
 * The files to look at next: of all that are behind those that are read most, then the newest; and some of those that were looked at
 * longest ago, or the last ones would never have their turn where a full round takes longer than the signatures stay. Reads one page of the
 * index for each database that there is, whatever the number of files.
 */
export async function dueFiles(system: Database, { number, limit }: { number: number; limit: number }): Promise<DueFile[]> {
  return await system.transaction(async (tx) => {
    const known = await knownDatabases(tx)
    const behind = known.filter((database) => isBehind(database, number)).toSorted((a, b) => numberOf(a) - numberOf(b))
    if (behind.length === 0) return []
    const { rows: first } = await tx.execute<DueFile>(dueStatement(behind, limit))
    const { rows: oldest } = await tx.execute<DueFile>(dueStatement(behind.slice(0, 1), limit))
    return mixed(first, oldest, limit)
  })
}

/** Each file once: the beginning of one list, then some of the other, then what there is room for. */
function mixed(first: DueFile[], oldest: DueFile[], limit: number): DueFile[] {
  const due = new Map<string, DueFile>()
  const add = (files: DueFile[], until: number) => {
    for (const file of files) if (due.size < until) due.set(file.fileId, file)
  }
  add(first, Math.ceil(limit * (1 - oldestShare)))
  add(oldest, limit)
  add(first, limit)
  return [...due.values()]
}

/** The inner order begins like the index: under row level security Postgres does not see that its first column is the same for all. */
export function dueStatement(behind: readonly string[], limit: number) {
  return sql`
    select due.tenant_id as "tenantId", due.id as "fileId"
    from unnest(${sql.param(behind)}::text[]) as behind (database) cross join lateral (
      select tenant_id, id, read_rank, created_at from ${files}
      where verdict = 'clean' and ${lookedAtWith} = behind.database
      order by ${lookedAtWith}, read_rank desc, created_at desc limit ${limit}
    ) as due
    order by due.read_rank desc, due.created_at desc limit ${limit}`
}

/** Jumps from one value to the next in the index instead of reading all entries. */
async function knownDatabases(tx: Transaction): Promise<string[]> {
  const { rows } = await tx.execute<{ database: string }>(databasesStatement())
  return rows.map((row) => row.database)
}

export function databasesStatement() {
  const next = (beyond: ReturnType<typeof sql>) => sql`
    select ${lookedAtWith} as database from ${files} where verdict = 'clean' ${beyond} order by ${lookedAtWith} limit 1`
  return sql`
    with recursive known as (
      (${next(sql``)})
      union all
      select following.database from known cross join lateral (${next(sql`and ${lookedAtWith} > known.database`)}) as following
    )
    select database from known limit ${mostDatabases}`
}
