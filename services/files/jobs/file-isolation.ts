import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FileIsolation = z.object({ version: z.literal(1), tenantId: z.uuid(), fileId: z.uuid() })

/** Moves the bytes of a file that a rescan found infected into quarantine. Requested in the transaction that takes it from its readers. */
export const fileIsolation = defineQueue({
  name: 'file-isolation',
  payload: FileIsolation,
  jobId: ({ fileId }) => fileId,
  attempts: 8,
  backoff: exponential(seconds(2)),
  timeout: minutes(10),
  concurrency: 2,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./file-isolation.processor.ts'),
})
