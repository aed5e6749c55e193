import { z } from 'zod'
import { defineQueue } from './definition.ts'
import { fixed, hours, seconds } from './units.ts'

export const probePayload = z.object({
  version: z.literal(1),
  tenantId: z.guid().optional(),
  name: z.string().min(1),
  fail: z.number().int().optional(),
})
export type ProbePayload = z.infer<typeof probePayload>

const promises = {
  payload: probePayload,
  attempts: 3,
  backoff: fixed(20, { jitter: 0 }),
  timeout: seconds(20),
  concurrency: 4,
  rate: null,
  keep: { completed: hours(1), failed: hours(1) },
  deadLetter: true,
  processor: () => import('./probe-processor.fixtures.ts'),
}

export const probe = defineQueue({ ...promises, name: 'probe' })
/** One name, one piece of work. */
export const keyed = defineQueue({ ...promises, name: 'probe-keyed', jobId: ({ name }) => name })
export const hurried = defineQueue({ ...promises, name: 'probe-hurried', timeout: 150, attempts: 1 })
export const unimportant = defineQueue({ ...promises, name: 'probe-unimportant', deadLetter: false, attempts: 1 })
export const paced = defineQueue({ ...promises, name: 'probe-paced', rate: { max: 1, duration: hours(1) } })
export const probeQueues = [probe, keyed, hurried, unimportant, paced]
