import type { JobRun } from '@slipway/queue'
import type { z } from 'zod'
import type { MenuContext } from '../context.ts'
import { generate } from '../domain/generate.ts'
import type { ModelGeneration } from './model-generation.ts'

/** Twice changes nothing: a model that is done, or that nobody wants any more, is left alone. */
export function process(run: JobRun<z.output<typeof ModelGeneration>>, context: MenuContext): Promise<{ outcome: string }> {
  return generate(context, run)
}
