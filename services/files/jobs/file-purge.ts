import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FilePurge = z.object({ version: z.literal(1) })

/** Empties the trash of all tenants of what has lain there for FILES_TRASH_DAYS. By schedule. */
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
