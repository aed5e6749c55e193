/** Whoever asks a store that gives no answer is sent away at once, and not after the time that it takes to notice. */
export class StoreSilent extends Error {
  override readonly name = 'StoreSilent'

  constructor() {
    super('the object store gives no answer')
  }
}

/** What is known of whether a store answers. */
export interface Silence {
  /** Resolves when it makes sense to ask. @throws {StoreSilent} */
  over(): Promise<void>
  /** It did not answer in time: from now on it is looked at, until it does. */
  suspect(): void
  /** No more looks. */
  stop(): void
}

interface Doubt {
  readonly answered: Promise<void>
  /** When a store that is there would have answered the first look. */
  readonly confirmed: Promise<'silent'>
  readonly end: () => void
}

/**
 * One request without an answer says little: its connection may have died, or its part be too large for the line. Hence the store is asked
 * something small, now and at each interval; if the first of these has no answer within an interval, it is the store.
 * @param look resolves when the store has answered, whatever; its rejection says that it did not
 * @param interval in milliseconds
 */
export function watchSilence(look: () => Promise<void>, interval: number): Silence {
  let doubt: Doubt | null = null

  function begin(): Doubt {
    const answered = Promise.withResolvers<void>()
    const confirmed = Promise.withResolvers<'silent'>()
    const ask = () => void look().then(end, () => undefined)
    const timer = setInterval(() => {
      confirmed.resolve('silent')
      ask()
    }, interval)
    timer.unref()
    const own = { answered: answered.promise, confirmed: confirmed.promise, end }
    function end(): void {
      clearInterval(timer)
      answered.resolve()
      if (doubt === own) doubt = null
    }
    ask()
    return own
  }

  return {
    async over() {
      const end = doubt && (await Promise.race([doubt.answered, doubt.confirmed]))
      // One for each: the client of the store writes into the errors that it passes on.
      if (end === 'silent') throw new StoreSilent()
    },
    suspect() {
      doubt ??= begin()
    },
    stop: () => doubt?.end(),
  }
}
