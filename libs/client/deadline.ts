import type { LooseInput } from './request.ts'

const defaultSeconds = 30

interface Deadline extends Disposable {
  readonly signal: AbortSignal | undefined
}

/**
 * Aborts with the caller's signal, and with a `TimeoutError` when the attempt takes too long. Once disposed only the caller's counts:
 * a download may take as long as it takes.
 */
export function deadlineOf({ signal, timeoutSeconds, file }: LooseInput): Deadline {
  const seconds = timeoutSeconds ?? (file ? undefined : defaultSeconds)
  if (seconds === undefined) return { signal, [Symbol.dispose]: () => undefined }
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException(`no answer within ${seconds} s`, 'TimeoutError')), seconds * 1000)
  return { signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}

/** Leaves neither timer nor listener behind: one signal may stand for thousands of calls. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(signal?.reason as Error)
  const timer = setTimeout(resolve, milliseconds)
  signal?.addEventListener('abort', abort)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
