import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { MenuContext } from '../context.ts'
import type { DishObjectRemoval } from './dish-object-removal.ts'

/** Twice changes nothing: removing what is gone succeeds. Keys hold ids that are never given out again. */
export async function process(run: JobRun<z.output<typeof DishObjectRemoval>>, { storage }: MenuContext): Promise<{ removed: number }> {
  const { objects } = run.payload
  for (const object of objects) {
    run.signal.throwIfAborted()
    await storage.remove(object)
  }
  return { removed: objects.length }
}
