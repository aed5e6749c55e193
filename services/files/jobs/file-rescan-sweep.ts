import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const FileRescanSweep = z.object({ version: z.literal(1) })

/**
 * Compares the database that clamd has with those by which files were found clean, and asks for `file-rescan` page by page. By schedule,
 * and by the last jobs of each page.
 */
export const fileRescanSweep = defineQueue({
  name: 'file-rescan-sweep',
  payload: FileRescanSweep,
  jobId: () => 'sweep',
  attempts: 2,
  backoff: exponential(seconds(30)),
  timeout: minutes(5),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(1), failed: days(14) },
  // The schedule comes again.
  deadLetter: false,
  processor: () => import('./file-rescan-sweep.processor.ts'),
})
