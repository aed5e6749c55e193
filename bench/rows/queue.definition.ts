import { defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const payload = z.object({
  version: z.literal(1),
  tenantId: z.uuid(),
  fileId: z.uuid(),
  /** Nanoseconds of the monotonic clock, which all processes share. */
  sent: z.string(),
})
export type Payload = z.output<typeof payload>

export const concurrency = 100

/** The same on both sides, in BullMQ's words. */
export const jobOptions = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
  removeOnComplete: { age: 3600 },
  removeOnFail: { age: 3600 },
  stackTraceLimit: 10,
} as const

export const benchQueue = defineQueue({
  name: 'bench',
  payload,
  attempts: jobOptions.attempts,
  backoff: exponential(seconds(1)),
  timeout: minutes(1),
  concurrency,
  rate: null,
  keep: { completed: hours(1), failed: hours(1) },
  deadLetter: true,
  processor: () => import('./queue.processor.ts'),
})

export const prefix = 'bench:q'
