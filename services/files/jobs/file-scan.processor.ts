import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { settlePending } from '../domain/settle-pending.ts'
import type { FileScan } from './file-scan.ts'

/** Twice changes nothing: a settled file is left alone, and one that somebody holds is looked at again when the lease has run out. */
export function process(run: JobRun<z.output<typeof FileScan>>, context: FilesContext): Promise<{ outcome: string }> {
  const { tenantId, fileId } = run.payload
  return settlePending(context, { tenantId, fileId, signal: run.signal })
}
