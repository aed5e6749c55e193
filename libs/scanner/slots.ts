import { problem } from '@slipway/problem'

/**
 * A fixed number of places. One that becomes free goes to the owner who has the fewest of them, of several to the one whose last turn is
 * the longest ago (max-min fairness, then round robin): a thousand requests of one tenant delay the first of another by one place.
 */
export interface Slots {
  /**
   * Waits for a place and returns the function that gives it back (harmless when called twice). Whoever names no owner shares with all
   * others who name none.
   * @throws `service.overloaded` after `seconds`; the reason of the signal when it aborts
   */
  acquire(signal?: AbortSignal, owner?: string): Promise<() => void>
  readonly busy: number
  readonly waiting: number
}

export function createSlots(size: number, seconds: number): Slots {
  return new FairSlots(size, seconds)
}

/** Kept while it has a place or waits for one. */
interface Owner {
  readonly name: string
  places: number
  waiting: number
  /** When it was last given a place, as the number of that place. Who is new comes before the last one, and never before those who wait longer. */
  served: number
}

interface Turn {
  readonly owner: Owner
  come(): void
}

class FairSlots implements Slots {
  readonly #size: number
  readonly #seconds: number
  readonly #queue: Turn[] = []
  readonly #owners = new Map<string, Owner>()
  #given = 0
  busy = 0

  constructor(size: number, seconds: number) {
    this.#size = size
    this.#seconds = seconds
  }

  get waiting(): number {
    return this.#queue.length
  }

  async acquire(signal?: AbortSignal, name = ''): Promise<() => void> {
    signal?.throwIfAborted()
    const owner = this.#owners.get(name) ?? { name, places: 0, waiting: 0, served: this.#given - 1 }
    this.#owners.set(name, owner)
    return this.busy < this.#size ? this.#take(owner) : await this.#wait(owner, signal)
  }

  #take(owner: Owner): () => void {
    this.busy++
    owner.places++
    owner.served = ++this.#given
    let held = true
    return () => {
      if (!held) return
      held = false
      this.busy--
      owner.places--
      this.#next()?.come()
      this.#forget(owner)
    }
  }

  #wait(owner: Owner, signal: AbortSignal | undefined): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const settle = () => {
      this.#queue.splice(this.#queue.indexOf(turn), 1)
      owner.waiting--
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const leave = (reason: unknown) => {
      settle()
      this.#forget(owner)
      reject(reason)
    }
    const come = () => {
      settle()
      resolve(this.#take(owner))
    }
    const turn: Turn = { owner, come }
    const abort = () => leave(signal?.reason)
    const timer = setTimeout(() => leave(overloaded(this.#size, this.#seconds)), this.#seconds * 1000)
    signal?.addEventListener('abort', abort)
    this.#queue.push(turn)
    owner.waiting++
    return promise
  }

  #next(): Turn | undefined {
    return this.#queue.reduce<Turn | undefined>((first, turn) => (first && !comesBefore(turn.owner, first.owner) ? first : turn), undefined)
  }

  #forget({ name, places, waiting }: Owner): void {
    if (places === 0 && waiting === 0) this.#owners.delete(name)
  }
}

function comesBefore(one: Owner, other: Owner): boolean {
  return one.places === other.places ? one.served < other.served : one.places < other.places
}

function overloaded(size: number, seconds: number) {
  const detail = `all ${size} places are taken and none became free within ${seconds} s: try again later`
  return problem('service.overloaded', { detail, retryAfter: Math.max(1, seconds) })
}
