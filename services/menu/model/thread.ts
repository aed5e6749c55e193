import { constants, setPriority } from 'node:os'
import type { MessagePort } from 'node:worker_threads'
import { isProblem, type ProblemCode } from '@slipway/problem'
import sharp from 'sharp'
import { type Model, type ModelRequest, makeModel } from './make-model.ts'
import { decodePhoto, type NormalPhoto, normalisePhoto, type PhotoLimits } from './photo.ts'
import { requireValid } from './validate.ts'

// The pool has as many threads as it may use cores: libvips must not start its own for each.
sharp.concurrency(1)
sharp.cache(false)
// On Linux this is of the calling thread alone: when cores are short, the event loop of the process goes first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

/** A problem is told by its parts: thrown across threads it would arrive as a bare error. */
export type Outcome<Value> = { readonly value: Value } | { readonly code: ProblemCode; readonly detail: string }

export interface MakeTask extends ModelRequest {
  readonly photo: Uint8Array
  readonly steps: MessagePort
}

export function make({ photo, steps, ...request }: MakeTask): Promise<Outcome<Model>> {
  return told(async () => {
    const model = await makeModel(await decodePhoto(photo), request, (step) => steps.postMessage(step))
    steps.postMessage('validate')
    await requireValid(model.plain)
    await requireValid(model.web)
    return model
  })
}

export function normalise({ source, ...limits }: PhotoLimits & { source: Uint8Array }): Promise<Outcome<NormalPhoto>> {
  return told(() => normalisePhoto(source, limits))
}

async function told<Value>(work: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (!isProblem(error)) throw error
    return { code: error.code, detail: error.message }
  }
}
