import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const InfectionNotice = z.object({ version: z.literal(1), tenantId: z.uuid() })

/** Tells owners and admins of a tenant what rescans have found: one mail in an hour, whatever the number of files. */
export const infectionNotice = defineQueue({
  name: 'infection-notice',
  payload: InfectionNotice,
  jobId: () => 'notice',
  attempts: 10,
  backoff: exponential(seconds(5)),
  timeout: minutes(5),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./infection-notice.processor.ts'),
})
