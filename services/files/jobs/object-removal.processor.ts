import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { FilesContext } from '../context.ts'
import type { ObjectRemoval } from './object-removal.ts'

/** Twice changes nothing: removing what is gone succeeds. Keys hold the ids of files, which are never given out again. */
export async function process(run: JobRun<z.output<typeof ObjectRemoval>>, { storage }: FilesContext): Promise<{ removed: number }> {
  const { objects } = run.payload
  for (const [index, object] of objects.entries()) {
    run.signal.throwIfAborted()
    await storage.remove(object)
    run.progress({ done: index + 1, objects: objects.length })
  }
  return { removed: objects.length }
}
