/** Why a running job is to stop. Each is the `signal.reason` that its processor sees. */
export class JobTimeout extends Error {
  override readonly name = 'JobTimeout'
}
export class JobCancelled extends Error {
  override readonly name = 'JobCancelled'
}
/** Another host has the job: what happens here counts no more, so nothing is written. */
export class JobLost extends Error {
  override readonly name = 'JobLost'
}
/** The worker shuts down; the job goes back to the queue and keeps its attempts. */
export class JobInterrupted extends Error {
  override readonly name = 'JobInterrupted'
}

interface Limits {
  /** Milliseconds until the signal aborts. */
  timeout: number
  /** Milliseconds that an aborted processor has to stop; after them it is left behind. */
  grace: number
  onIgnored: () => void
}

/**
 * Runs `work` until it ends, but not much longer than until `controller` aborts. Rejects with the reason of the abort, unless the work
 * was done all the same.
 */
export async function withDeadline<T>(work: () => Promise<T>, controller: AbortController, limits: Limits): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const { signal } = controller
  const timer = setTimeout(() => controller.abort(new JobTimeout(`took longer than ${limits.timeout} ms`)), limits.timeout)
  let giveUp: NodeJS.Timeout | undefined
  const leave = () => {
    limits.onIgnored()
    reject(signal.reason)
  }
  const startGrace = () => {
    giveUp = setTimeout(leave, limits.grace)
  }
  signal.addEventListener('abort', startGrace, { once: true })
  if (signal.aborted) startGrace()
  work().then(resolve, (error: unknown) => reject(signal.aborted ? signal.reason : error))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    clearTimeout(giveUp)
    signal.removeEventListener('abort', startGrace)
  }
}
