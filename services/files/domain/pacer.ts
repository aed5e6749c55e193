import { setTimeout as delay } from 'node:timers/promises'

/** Keeps work that is in no hurry to a share of the time, so that what people wait for has the rest. */
export interface Pacer {
  /** Waits until the work before has been rested from, then works. @throws the reason of the signal */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** What one scan costs at most: a job has a deadline. */
const longestRest = 15 * 60_000

/** After t ms of work come t·(100−share)/share ms of rest; with a share of 100 percent there is none. */
export function createPacer(share: number): Pacer {
  let freeAt = 0
  return {
    async run(signal, work) {
      const rest = Math.min(freeAt - performance.now(), longestRest)
      if (rest > 0) await delay(rest, undefined, { signal })
      const began = performance.now()
      try {
        return await work()
      } finally {
        const ended = performance.now()
        freeAt = ended + ((ended - began) * (100 - share)) / share
      }
    },
  }
}
