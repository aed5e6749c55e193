import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

const StoredObject = z.object({ bucket: z.enum(['dish-images', 'dish-models']), key: z.string() })
export const DishObjectRemoval = z.object({ version: z.literal(1), tenantId: z.uuid(), objects: z.array(StoredObject).max(1000) })

/** Removes objects whose rows are gone. Requested in the transaction that removes the rows. */
export const dishObjectRemoval = defineQueue({
  name: 'dish-object-removal',
  payload: DishObjectRemoval,
  attempts: 8,
  backoff: exponential(seconds(2)),
  timeout: minutes(5),
  concurrency: 2,
  rate: null,
  keep: { completed: hours(1), failed: days(14) },
  deadLetter: true,
  processor: () => import('./dish-object-removal.processor.ts'),
})
