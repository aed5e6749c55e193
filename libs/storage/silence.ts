/** Whoever asks a store that gives no answer is sent away at once, and not after the time that it takes to notice. */
export class StoreSilent extends Error {
  override readonly name = 'StoreSilent'

  constructor() {
    super('the object store gives no answer')
  }
}

/** What is known of whether a store answers. */
export interface Silence {
  /** Resolves when it makes sense to ask, or when the signal aborts. @throws {StoreSilent} */
  over(signal?: AbortSignal): Promise<void>
  /** It did not answer in time: from now on it is looked at, until it does. */
  suspect(): void
  /** It has answered somebody. */
  heard(): void
  /** Nobody asks any more: no more looks. */
  stop(): void
}

interface SilenceOptions {
  /** Resolves when the store has answered, whatever; its rejection says that it did not. */
  readonly look: () => Promise<void>
  /** Milliseconds between two looks. */
  readonly interval: number
  /** Milliseconds that a store which is there may take to answer one of them. */
  readonly patience: number
}

interface Doubt {
  isConfirmed: boolean
  /** When the store has answered, or when it is taken for silent. */
  readonly decided: Promise<void>
  readonly end: () => void
}

/**
 * One request without an answer says little: its connection may have died, or its part be too large for the line. Hence the store is asked
 * something small, now and at each interval; if it has answered neither this nor anybody else in time, it is the store.
 */
export function watchSilence({ look, interval, patience }: SilenceOptions): Silence {
  let doubt: Doubt | null = null
  let isStopped = false

  function begin(): Doubt {
    const { promise: decided, resolve: decide } = Promise.withResolvers<void>()
    const ask = () => void look().then(end, () => undefined)
    const looks = setInterval(ask, interval).unref()
    const confirmation = setTimeout(() => {
      own.isConfirmed = true
      decide()
    }, patience).unref()
    function end(): void {
      clearInterval(looks)
      clearTimeout(confirmation)
      if (doubt === own) doubt = null
      decide()
    }
    const own: Doubt = { isConfirmed: false, decided, end }
    ask()
    return own
  }

  const requireNoSilence = () => {
    if (doubt?.isConfirmed) throw new StoreSilent()
  }
  return {
    async over(signal) {
      requireNoSilence()
      if (!doubt) return
      await decidedOrAborted(doubt.decided, signal)
      if (!signal?.aborted) requireNoSilence()
    },
    suspect() {
      if (!isStopped) doubt ??= begin()
    },
    heard: () => doubt?.end(),
    stop() {
      isStopped = true
      doubt?.end()
    },
  }
}

async function decidedOrAborted(decided: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return await decided
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const abort = () => resolve()
  signal.addEventListener('abort', abort, { once: true })
  if (!signal.aborted) await Promise.race([decided, aborted])
  signal.removeEventListener('abort', abort)
}
