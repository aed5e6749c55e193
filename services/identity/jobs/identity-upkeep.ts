import { days, defineQueue, exponential, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

const upkeepPayload = z.object({ version: z.literal(1) })

export type UpkeepPayload = z.output<typeof upkeepPayload>

/** Removes what has expired, publishes the next key of tokens, seals secrets with the current key. */
export const identityUpkeep = defineQueue({
  name: 'identity-upkeep',
  payload: upkeepPayload,
  jobId: () => 'upkeep',
  attempts: 3,
  backoff: exponential(seconds(10)),
  timeout: minutes(5),
  concurrency: 1,
  rate: null,
  keep: { completed: days(1), failed: days(14) },
  deadLetter: false,
  processor: () => import('./identity-upkeep.processor.ts'),
})
