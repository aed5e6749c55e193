import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FileScan = z.object({ version: z.literal(1), tenantId: z.uuid(), fileId: z.uuid() })

/**
 * Settles a pending file whose upload did not: the API died, was shut down, or lost the scanner or the storage while it scanned.
 * Requested in the transaction that writes the pending row.
 */
export const fileScan = defineQueue({
  name: 'file-scan',
  payload: FileScan,
  jobId: ({ fileId }) => fileId,
  attempts: 10,
  backoff: exponential(seconds(5)),
  timeout: minutes(30),
  concurrency: 2,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./file-scan.processor.ts'),
})
