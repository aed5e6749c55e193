import type { JobRun } from '@slipway/queue'
import { lt } from 'drizzle-orm'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { platformAuthor } from '../domain/author.ts'
import { purgeTrash } from '../domain/purge.ts'
import { files } from '../schema.ts'
import type { FilePurge } from './file-purge.ts'

const dayMilliseconds = 86_400_000

/** Twice changes nothing: what was purged is not found again. Each batch is a transaction, so a stop loses none. */
export async function process(run: JobRun<z.output<typeof FilePurge>>, context: FilesContext): Promise<{ tenants: number }> {
  const before = new Date(context.now() - context.limits.trashDays * dayMilliseconds)
  const tenants = await tenantsWithOldTrash(context, before)
  for (const [index, tenantId] of tenants.entries()) {
    await emptyTrash(context, { tenantId, before, signal: run.signal })
    run.progress({ done: index + 1, tenants: tenants.length })
  }
  return { tenants: tenants.length }
}

function tenantsWithOldTrash({ system }: FilesContext, before: Date): Promise<string[]> {
  return system.transaction(async (tx) => {
    const rows = await tx.selectDistinct({ tenantId: files.tenantId }).from(files).where(lt(files.trashedAt, before))
    return rows.map((row) => row.tenantId)
  })
}

async function emptyTrash({ database }: FilesContext, trash: { tenantId: string; before: Date; signal: AbortSignal }): Promise<void> {
  const author = platformAuthor(trash.tenantId, 'file-purge')
  let more = true
  while (more) {
    trash.signal.throwIfAborted()
    more = await database.tenantTransaction(trash.tenantId, (tx) => purgeTrash(tx, author, trash.before))
  }
}
