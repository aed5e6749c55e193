import { setTimeout as delay } from 'node:timers/promises'

interface PollOptions {
  /** Milliseconds after which the answer is null. */
  within: number
  /** Milliseconds between two looks. */
  every?: number
  signal?: AbortSignal
}

/** Asks again and again until there is an answer. Null when the time is over; rejects with the reason when the signal is aborted. */
export async function poll<T>(look: () => Promise<T | null> | T | null, options: PollOptions): Promise<T | null> {
  const { within, every = 50, signal } = options
  const deadline = performance.now() + within
  for (;;) {
    signal?.throwIfAborted()
    const answer = await look()
    if (answer !== null) return answer
    if (performance.now() >= deadline) return null
    await pause(every, signal)
  }
}

/** Waits; rejects with the signal's own reason when it is aborted. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, signal ? { signal } : {})
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

/** The promise's value, or null when it takes longer than `milliseconds`. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | null> {
  const stop = new AbortController()
  const timeout = delay(milliseconds, null, { signal: stop.signal }).catch(() => null)
  try {
    return await Promise.race([promise, timeout])
  } finally {
    stop.abort()
  }
}
