import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { type RescanOutcome, rescanFile } from '../domain/rescan.ts'
import { askForMore } from '../domain/rescan-sweep.ts'
import type { FileRescan } from './file-rescan.ts'

/** Twice changes nothing: a file that was looked at with this database is left alone, and one that was withdrawn is not readable. */
export async function process(run: JobRun<z.output<typeof FileRescan>>, context: FilesContext): Promise<{ outcome: RescanOutcome }> {
  const { tenantId, fileId, requested } = run.payload
  const last = run.attempt >= run.maxAttempts
  const outcome = await rescanFile(context, { tenantId, fileId, requested, last, signal: run.signal })
  if (!requested) await askForMore(context)
  return { outcome }
}
