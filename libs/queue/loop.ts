import type { QueueLog } from './log.ts'

export interface Loop {
  /** Runs soon; a wake-up during a pass leads to one more pass. */
  wake(): void
  /** Waits for the pass that runs. */
  close(): Promise<void>
}

interface LoopOptions {
  readonly name: string
  /** Milliseconds between the end of a pass and the next, unless woken. */
  readonly interval: number
  readonly log: QueueLog
}

/** Passes one after the other for ever, whatever they throw. A pass that answers true is followed by the next one at once. */
export function createLoop({ name, interval, log }: LoopOptions, pass: () => Promise<boolean>): Loop {
  const closing = new AbortController()
  let failing = false
  let woken = false
  let interrupt: (() => void) | undefined
  const rest = () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, interval)
    interrupt = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }
  /** One line per outage, not one per pass. */
  const tell = (error: unknown) => {
    if (!failing) log.warn({ err: error }, `the ${name} cannot do its work; it goes on trying`)
    failing = true
  }
  const run = async () => {
    while (!closing.signal.aborted) {
      woken = false
      const more = await pass().then(
        (answer) => {
          failing = false
          return answer
        },
        (error: unknown) => {
          tell(error)
          return false
        },
      )
      if (!more && !woken && !closing.signal.aborted) await rest()
      interrupt = undefined
    }
  }
  const running = run()
  return {
    wake: () => {
      woken = true
      interrupt?.()
    },
    close: async () => {
      closing.abort()
      interrupt?.()
      await running
    },
  }
}
