import type { Transaction } from '@slipway/db'
import { and, asc, desc, eq, isNotNull, lt, type SQL, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { files } from '../schema.ts'
import { type Author, audit } from './author.ts'
import type { FileRow } from './listing.ts'
import { lockTree } from './quota.ts'
import { removeRows } from './removal.ts'
import { retentionOf } from './retention.ts'

type Limits = FilesContext['limits']

/** How many versions one transaction purges: it holds the lock of the tenant's tree. */
const pruneBatch = 100

/** Earlier content. What is under scan has a verdict to come, and what was refused is evidence: neither is pruned. */
const isEarlier = and(eq(files.verdict, 'clean'), isNotNull(files.supersededAt))

/** Purges the oldest versions of a file beyond what is kept. Expects the tree to be locked. */
export async function pruneVersions(
  tx: Transaction,
  author: Author,
  { headId, limits }: { headId: string; limits: Limits },
): Promise<void> {
  const { versionsKept } = await retentionOf(tx, limits.retention)
  const surplus = await tx
    .select()
    .from(files)
    .where(and(eq(files.headId, headId), isEarlier))
    .orderBy(desc(files.revision))
    .offset(versionsKept)
  await purgeVersions(tx, author, { rows: surplus, reason: 'number' })
}

/** Bytes that the next version of a file would free. Without a lock it is a guess. */
export async function prunable(tx: Transaction, head: FileRow, limits: Limits): Promise<number> {
  const { versionsKept } = await retentionOf(tx, limits.retention)
  if (versionsKept === 0) return head.size
  const surplus = await tx
    .select({ size: files.size })
    .from(files)
    .where(and(eq(files.headId, head.id), isEarlier))
    .orderBy(desc(files.revision))
    .offset(versionsKept - 1)
  return surplus.reduce((sum, { size }) => sum + size, 0)
}

/** Purges a batch of what was superseded before `before`; true = there may be more. */
export async function pruneOldVersions(tx: Transaction, author: Author, before: Date): Promise<boolean> {
  await lockTree(tx, author.tenantId)
  const rows = await tx
    .select()
    .from(files)
    .where(and(eq(files.tenantId, author.tenantId), isEarlier, lt(files.supersededAt, before)))
    .orderBy(asc(files.supersededAt))
    .limit(pruneBatch)
  await purgeVersions(tx, author, { rows, reason: 'days' })
  return rows.length === pruneBatch
}

/** For good. Expects the tree to be locked. */
export async function purgeVersions(
  tx: Transaction,
  author: Author,
  { rows, reason }: { rows: readonly FileRow[]; reason: 'number' | 'days' | 'requested' },
): Promise<void> {
  await removeRows(tx, author.tenantId, rows)
  for (const { headId, revision, size, sha256 } of rows) {
    const subject = { type: 'file' as const, id: headId ?? '' }
    await audit(tx, author, { action: 'file.version-purged', subject, before: { revision, size, sha256 }, after: { reason } })
  }
}

/** Tenants of which a version or something in the trash has outlived what they, or the installation, have decided. As the system role. */
export async function tenantsWithOldContent(tx: Transaction, limits: Limits, now: Date): Promise<string[]> {
  const { versionDays, trashDays, most } = limits.retention
  const daysOf = (own: SQL, otherwise: number) => sql`least(coalesce(${own}, ${otherwise}::int), ${most.days}::int)`
  const before = (days: SQL) => sql`${now.toISOString()}::timestamptz - make_interval(days => ${days})`
  // The shortest rule of all tenants bounds what is read of the index.
  const { rows } = await tx.execute<{ tenantId: string }>(sql`
    with shortest as (
      select least(min(trash_days), ${trashDays}::int, ${most.days}::int) as trash,
        least(min(version_days), ${versionDays}::int, ${most.days}::int) as version
      from retention
    )
    select tenant_id as "tenantId" from ${files} left join retention using (tenant_id)
    where trashed_at < ${before(sql`(select trash from shortest)`)}
      and trashed_at < ${before(daysOf(sql`trash_days`, trashDays))}
    union
    select tenant_id from ${files} left join retention using (tenant_id)
    where verdict = 'clean' and superseded_at < ${before(sql`(select version from shortest)`)}
      and superseded_at < ${before(daysOf(sql`version_days`, versionDays))}
    order by 1`)
  return rows.map((row) => row.tenantId)
}
