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

/** Kept while it has a place or waits for one. */
interface Owner {
  readonly name: string
  places: number
  waiting: number
  /** When it was last given a place, as the number of that place; 0 for never. */
  served: number
}

interface Turn {
  readonly owner: Owner
  come(): void
}

export function createSlots(size: number, seconds: number): Slots {
  const queue: Turn[] = []
  const owners = new Map<string, Owner>()
  let busy = 0
  let given = 0

  function ownerOf(name: string): Owner {
    const owner = owners.get(name) ?? { name, places: 0, waiting: 0, served: 0 }
    owners.set(name, owner)
    return owner
  }

  function forget({ name, places, waiting }: Owner): void {
    if (places === 0 && waiting === 0) owners.delete(name)
  }

  function take(owner: Owner): () => void {
    busy++
    owner.places++
    owner.served = ++given
    let held = true
    return () => {
      if (!held) return
      held = false
      busy--
      owner.places--
      next()?.come()
      forget(owner)
    }
  }

  function next(): Turn | undefined {
    return queue.reduce<Turn | undefined>((first, turn) => (first && !comesBefore(turn.owner, first.owner) ? first : turn), undefined)
  }

  function wait(signal: AbortSignal | undefined, owner: Owner): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        queue.splice(queue.indexOf(turn), 1)
        owner.waiting--
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
      const leave = (reason: unknown) => {
        settle()
        forget(owner)
        reject(reason)
      }
      const come = () => {
        settle()
        resolve(take(owner))
      }
      const turn: Turn = { owner, come }
      const abort = () => leave(signal?.reason)
      const timer = setTimeout(() => leave(overloaded(size, seconds)), seconds * 1000)
      signal?.addEventListener('abort', abort)
      queue.push(turn)
      owner.waiting++
    })
  }

  return {
    async acquire(signal, name = '') {
      signal?.throwIfAborted()
      if (busy < size) return take(ownerOf(name))
      return await wait(signal, ownerOf(name))
    },
    get busy() {
      return busy
    },
    get waiting() {
      return queue.length
    },
  }
}

function comesBefore(one: Owner, other: Owner): boolean {
  return one.places === other.places ? one.served < other.served : one.places < other.places
}

function overloaded(size: number, seconds: number) {
  const detail = `all ${size} places are taken and none became free within ${seconds} s: try again later`
  return problem('service.overloaded', { detail, retryAfter: Math.max(1, seconds) })
}
