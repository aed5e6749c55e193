import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FileRescan = z.object({
  version: z.literal(1),
  tenantId: z.uuid(),
  fileId: z.uuid(),
  /** By a person: it is done whatever the file was looked at with. */
  requested: z.boolean().default(false),
})

/**
 * Looks again at one readable file. One at a time per worker, and paced: uploads share the scanner. What is owed stands in the rows of the
 * files and not here, so a job that is given up is no loss: the next sweep asks for it again.
 */
export const fileRescan = defineQueue({
  name: 'file-rescan',
  payload: FileRescan,
  // What a person asked for is not replaced by the sweep, which might find nothing to do.
  jobId: ({ fileId, requested }) => (requested ? `requested-${fileId}` : fileId),
  attempts: 5,
  backoff: exponential(seconds(5)),
  timeout: minutes(60),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(1), failed: days(2) },
  deadLetter: false,
  processor: () => import('./file-rescan.processor.ts'),
})
