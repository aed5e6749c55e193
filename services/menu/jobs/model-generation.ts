import { days, defineQueue, exponential, hours, minutes, perMinute, seconds } from '@slipway/queue'
import { z } from 'zod'

export const ModelGeneration = z.object({
  version: z.literal(1),
  tenantId: z.uuid(),
  dishId: z.uuid(),
  modelId: z.uuid(),
  /** Of all that the model is made of. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
})

/**
 * Makes the 3D model of a dish from its photo. The work is named after what goes into it, so the same request does not wait twice, and
 * one that failed is in nobody's way. Concurrency, rate and attempts are those of the configuration; these are its defaults.
 */
export const modelGeneration = defineQueue({
  name: 'model-generation',
  payload: ModelGeneration,
  jobId: ({ dishId, digest }) => `model-${dishId}-${digest.slice(0, 12)}`,
  attempts: 3,
  backoff: exponential(seconds(1)),
  timeout: minutes(2),
  concurrency: 2,
  rate: perMinute(10),
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./model-generation.processor.ts'),
})
