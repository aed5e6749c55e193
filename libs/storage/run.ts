import { addAbortSignal, type Readable } from 'node:stream'

/** One pass through the gate: whatever fails first stops everything else, and is what the caller gets to see. */
export interface Run extends Disposable {
  readonly signal: AbortSignal
  readonly fail: (reason: unknown) => void
  /** From here on the caller's signal has no effect. */
  readonly detach: () => void
}

export function startRun(source: Readable, signal: AbortSignal | undefined): Run {
  const stopped = new AbortController()
  const stop = () => stopped.abort(signal?.reason)
  const detach = () => signal?.removeEventListener('abort', stop)
  if (signal?.aborted) stop()
  else signal?.addEventListener('abort', stop)
  // Its failure is told by whoever reads it; nobody does when the signal has been aborted already.
  source.on('error', () => {})
  addAbortSignal(stopped.signal, source)
  return { signal: stopped.signal, fail: (reason) => stopped.abort(reason), detach, [Symbol.dispose]: detach }
}
