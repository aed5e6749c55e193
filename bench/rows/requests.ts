import { type Child, startChild } from '../child.ts'
import type { Sample, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import type { Answered, Load } from './load.child.ts'

/** Who asks has a processor of its own, and who answers has the other. */
export const askingCore = 0
export const answeringCore = 1

export interface Target {
  readonly port: number
  /** Whose seconds count. */
  readonly pids: readonly number[]
}

export async function startLoad(stack: AsyncDisposableStack): Promise<Child> {
  return stack.use(await startChild(new URL('load.child.ts', import.meta.url), { core: askingCore }))
}

/** Requests per second that a server answers. */
export function requestsPerSecond(load: Child, target: Target, asked: Omit<Load, 'port'>): Side {
  return async () => {
    const { answers, seconds, processor } = await loadOf(load, target, asked)
    return { figure: answers / seconds, work: answers, wallSeconds: seconds, processorSeconds: processor }
  }
}

/** MiB of bodies per second. */
export function mebibytesPerSecond(load: Child, target: Target, asked: Omit<Load, 'port'>): Side {
  return async (): Promise<Sample> => {
    const { bytes, seconds, processor } = await loadOf(load, target, asked)
    return { figure: bytes / 1_048_576 / seconds, work: bytes, wallSeconds: seconds, processorSeconds: processor }
  }
}

// oxlint-disable-next-line eslint/max-params -- who asks, who is asked, and what
async function loadOf(load: Child, { port, pids }: Target, asked: Omit<Load, 'port'>): Promise<Answered & { processor: number }> {
  const before = processorSeconds(pids)
  const answered = await load.ask<Answered>({ ...asked, port } satisfies Load)
  return { ...answered, processor: processorSeconds(pids) - before }
}
