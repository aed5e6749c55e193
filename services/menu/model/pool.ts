import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { problem } from '@slipway/problem'
import { Piscina } from 'piscina'
import type { MakingStep, Model, ModelRequest } from './make-model.ts'
import type { NormalPhoto, PhotoLimits } from './photo.ts'
import type { MakeTask, Outcome } from './thread.ts'

export interface MadeModel extends Model {
  /** From the decoding of the photo to the validated files. */
  readonly milliseconds: number
}

export interface MakeOptions {
  /** Ends the thread that works on it. */
  readonly signal: AbortSignal
  readonly onStep: (step: MakingStep | 'validate') => void
}

/** Threads for all that computes: the event loop stays free for locks and health. */
export interface ModelPool extends AsyncDisposable {
  /** @throws photo.unreadable, RangeError if the files do not fit into their budgets, the reason of the signal */
  make(request: ModelRequest & { readonly photo: Uint8Array }, options: MakeOptions): Promise<MadeModel>
  /** @throws photo.unreadable, photo.unsupported, photo.too-many-pixels, the reason of the signal */
  normalise(source: Uint8Array, limits: PhotoLimits, options: { readonly signal: AbortSignal }): Promise<NormalPhoto>
}

export interface ModelPoolSettings {
  readonly threads: number
  /** Of the heap of one thread; pixels lie outside of it and are bounded by the limits of photos. */
  readonly memoryMb: number
}

export function createModelPool({ threads, memoryMb }: ModelPoolSettings): ModelPool {
  const pool = new Piscina({
    filename: new URL('./thread.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: 60_000,
    // What the process preloads, telemetry above all, has nothing to do in here.
    execArgv: [],
    atomics: 'disabled',
    // Short-lived buffers fill a young generation of any size, and what has been used once stays with the process.
    resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16 },
  })
  return {
    async make(request, { signal, onStep }) {
      const { port1: told, port2: steps } = new MessageChannel()
      told.on('message', onStep)
      const started = performance.now()
      try {
        const task: MakeTask = { ...request, steps }
        const model = valueOf((await run(pool, { name: 'make', task, signal, transferList: [steps] })) as Outcome<Model>)
        return { ...model, milliseconds: Math.round(performance.now() - started) }
      } finally {
        told.close()
      }
    },
    async normalise(source, limits, { signal }) {
      return valueOf((await run(pool, { name: 'normalise', task: { source, ...limits }, signal })) as Outcome<NormalPhoto>)
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

interface Run {
  readonly name: 'make' | 'normalise'
  readonly task: object
  readonly signal: AbortSignal
  readonly transferList?: MessagePort[]
}

async function run(pool: Piscina, { name, task, signal, transferList }: Run): Promise<unknown> {
  signal.throwIfAborted()
  try {
    return await pool.run(task, { name, signal, ...(transferList ? { transferList } : {}) })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

function valueOf<Value>(told: Outcome<Value>): Value {
  if ('value' in told) return told.value
  throw problem(told.code, { detail: told.detail })
}
