import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

/** `stuck` looks for pending files that nobody settles and for resumable uploads that ended or expired, which are three queries; `all` also lists the buckets. */
export const QuarantineSweep = z.object({ version: z.literal(1), scope: z.enum(['stuck', 'all']) })

/**
 * Cleans up after crashes and departed clients: quarantine objects and open uploads that belong to nothing, readable objects without a
 * row, pending files that nobody settles; and purges refusals that are older than FILES_QUARANTINE_DAYS. By schedule.
 */
export const quarantineSweep = defineQueue({
  name: 'quarantine-sweep',
  payload: QuarantineSweep,
  jobId: ({ scope }) => scope,
  attempts: 3,
  backoff: exponential(seconds(30)),
  timeout: minutes(60),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./quarantine-sweep.processor.ts'),
})
