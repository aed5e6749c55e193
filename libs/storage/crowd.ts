import { type Problem, problem } from '@slipway/problem'

export interface CrowdOptions {
  /** For so long a client is waited for whatever it does, in all. */
  seconds?: number
  /** Whoever sends more than that is never asked to leave. */
  bytesPerSecond?: number
  now?: () => number
}

/** What there are few of: places at clamd, and memory for parts. */
export type Scarce = 'scan' | 'part'

/** An upload that has a place at clamd or memory for a part. */
export interface Guest extends Disposable {
  /** From now on it is its client that is waited for. */
  asks(): void
  /** It is not any more, and so many bytes came. */
  gets(bytes: number): void
}

/**
 * Uploads share a few places, and a client may take hours over one. Whoever sends slowly may stay as long as nobody else wants in; then the
 * slowest makes room, one each second. Only the time counts in which we wait for the client: where clamd or the store is slow nobody leaves.
 */
export interface Crowd {
  /** `has` says what it would give back. */
  enter(makeRoom: (reason: Problem) => void, has: () => readonly Scarce[]): Guest
  /** Waits for one of these; only who has one makes room. */
  wait<Place>(wanted: Scarce, place: Promise<Place>): Promise<Place>
}

/** Below 256 kbit/s; and a moment without any reception is not held against anybody. */
const standard = { seconds: 5, bytesPerSecond: 32_768, now: () => performance.now() }
const roundMilliseconds = 1000

export function createCrowd(options: CrowdOptions = {}): Crowd {
  const { seconds, bytesPerSecond, now } = { ...standard, ...options }
  const guests = new Set<Upload>()

  function makeRoom(wanted: Scarce): void {
    const [slowest] = [...guests]
      .filter((guest) => guest.has().includes(wanted) && guest.isAsking && guest.waited(now()) >= seconds * 1000)
      .map((guest) => ({ guest, rate: (1000 * guest.bytes) / guest.waited(now()) }))
      .filter(({ rate }) => rate < bytesPerSecond)
      .sort((a, b) => a.rate - b.rate)
    if (!slowest) return
    guests.delete(slowest.guest)
    slowest.guest.leave(tooSlow(seconds))
  }

  return {
    enter(leave, has) {
      const guest = new Upload({ leave, has, now, end: () => guests.delete(guest) })
      guests.add(guest)
      return guest
    },
    async wait(wanted, place) {
      const timer = setInterval(makeRoom, roundMilliseconds, wanted)
      try {
        return await place
      } finally {
        clearInterval(timer)
      }
    },
  }
}

interface UploadParts {
  readonly leave: (reason: Problem) => void
  readonly has: () => readonly Scarce[]
  readonly now: () => number
  readonly end: () => void
}

class Upload implements Guest {
  readonly leave: (reason: Problem) => void
  readonly has: () => readonly Scarce[]
  readonly #now: () => number
  readonly #end: () => void
  bytes = 0
  #waited = 0
  #since: number | null = null

  constructor({ leave, has, now, end }: UploadParts) {
    this.leave = leave
    this.has = has
    this.#now = now
    this.#end = end
  }

  get isAsking(): boolean {
    return this.#since !== null
  }

  /** Milliseconds in which its client was waited for. */
  waited(now: number): number {
    return this.#waited + (this.#since === null ? 0 : now - this.#since)
  }

  asks(): void {
    this.#since = this.#now()
  }

  gets(bytes: number): void {
    this.#waited = this.waited(this.#now())
    this.#since = null
    this.bytes += bytes
  }

  [Symbol.dispose](): void {
    this.#end()
  }
}

function tooSlow(seconds: number): Problem {
  const detail =
    'others wait for the place of this upload, and its bytes come too slowly: try again later, or send it in several requests (tus)'
  return problem('service.overloaded', { detail, retryAfter: seconds })
}
