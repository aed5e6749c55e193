import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FilePurge = z.object({ version: z.literal(1) })

/** Purges what has lain in the trash, and versions that something else took the place of, for as long as a tenant keeps them. By schedule. */
export const filePurge = defineQueue({
  name: 'file-purge',
  payload: FilePurge,
  jobId: () => 'trash',
  attempts: 3,
  backoff: exponential(seconds(30)),
  timeout: minutes(30),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./file-purge.processor.ts'),
})
