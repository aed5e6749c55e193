import { problem } from '@slipway/problem'

/** A fixed number of places, handed out first come, first served. */
export interface Slots {
  /**
   * Waits for a place and returns the function that gives it back (harmless when called twice).
   * @throws `service.overloaded` after `seconds`; the reason of the signal when it aborts
   */
  acquire(signal?: AbortSignal): Promise<() => void>
  readonly busy: number
  readonly waiting: number
}

export function createSlots(size: number, seconds: number): Slots {
  const queue: (() => void)[] = []
  let busy = 0

  function take(): () => void {
    busy++
    let held = true
    return () => {
      if (!held) return
      held = false
      busy--
      queue.shift()?.()
    }
  }

  function wait(signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        finish()
      }
      const leave = (reason: unknown) => {
        queue.splice(queue.indexOf(turn), 1)
        settle(() => reject(reason))
      }
      const turn = () => settle(() => resolve(take()))
      const abort = () => leave(signal?.reason)
      const timer = setTimeout(() => leave(overloaded(size, seconds)), seconds * 1000)
      signal?.addEventListener('abort', abort)
      queue.push(turn)
    })
  }

  return {
    async acquire(signal) {
      signal?.throwIfAborted()
      if (busy < size) return take()
      return await wait(signal)
    },
    get busy() {
      return busy
    },
    get waiting() {
      return queue.length
    },
  }
}

function overloaded(size: number, seconds: number) {
  const detail = `all ${size} places are taken and none became free within ${seconds} s: try again later`
  return problem('service.overloaded', { detail, retryAfter: Math.max(1, seconds) })
}
