import type { Transaction } from '@slipway/db'
import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { platformAuthor } from '../domain/author.ts'
import { pruneOldVersions, tenantsWithOldContent } from '../domain/prune.ts'
import { purgeTrash } from '../domain/purge.ts'
import { retentionOf } from '../domain/retention.ts'
import type { FilePurge } from './file-purge.ts'

const dayMilliseconds = 86_400_000

/** Twice changes nothing: what was purged is not found again. Each batch is a transaction, so a stop loses none. */
export async function process(run: JobRun<z.output<typeof FilePurge>>, context: FilesContext): Promise<{ tenants: number }> {
  const { system, limits, now } = context
  const tenants = await system.transaction((tx) => tenantsWithOldContent(tx, limits, new Date(now())), { readOnly: true })
  for (const [index, tenantId] of tenants.entries()) {
    await purgeOld(context, { tenantId, signal: run.signal })
    run.progress({ done: index + 1, tenants: tenants.length })
  }
  return { tenants: tenants.length }
}

async function purgeOld({ database, limits, now }: FilesContext, { tenantId, signal }: { tenantId: string; signal: AbortSignal }) {
  const author = platformAuthor(tenantId, 'file-purge')
  const kept = await database.tenantTransaction(tenantId, (tx) => retentionOf(tx, limits.retention), { readOnly: true })
  const daysAgo = (days: number) => new Date(now() - days * dayMilliseconds)
  const inBatches = async (purge: (tx: Transaction) => Promise<boolean>) => {
    for (let more = true; more; ) {
      signal.throwIfAborted()
      more = await database.tenantTransaction(tenantId, purge)
    }
  }
  await inBatches((tx) => purgeTrash(tx, author, daysAgo(kept.trashDays)))
  await inBatches((tx) => pruneOldVersions(tx, author, daysAgo(kept.versionDays)))
}
