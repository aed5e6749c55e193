import type { JobRun } from '@slipway/queue'
import { sql } from 'drizzle-orm'
import type { NotesContext, Shouting } from './service.ts'

export async function process({ payload }: JobRun<Shouting>, { database }: NotesContext): Promise<void> {
  await database.tenantTransaction(payload.tenantId, async (tx) => {
    await tx.execute(sql`update notes.notes set shouted = upper(body) where id = ${payload.noteId}`)
  })
}
