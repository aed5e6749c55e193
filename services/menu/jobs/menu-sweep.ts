import { days, defineQueue, exponential, hours, minutes, seconds } from '@slipway/queue'
import { z } from 'zod'

export const MenuSweep = z.object({ version: z.literal(1) })

/** Cleans up after crashes: objects that no row knows, and photos as they were uploaded that no worker could normalise. By schedule. */
export const menuSweep = defineQueue({
  name: 'menu-sweep',
  payload: MenuSweep,
  jobId: () => 'all',
  attempts: 3,
  backoff: exponential(seconds(30)),
  timeout: minutes(60),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(24), failed: days(14) },
  deadLetter: true,
  processor: () => import('./menu-sweep.processor.ts'),
})
