import { type Problem, problem } from '@slipway/problem'

export interface CrowdOptions {
  /** For so long a client is waited for whatever it does, in all; and for so long an owner without any place waits for its first. */
  seconds?: number
  /** Whoever sends more than that only makes room for an owner who has nothing. */
  bytesPerSecond?: number
  now?: () => number
  /** Told of everyone who made room, for metrics. */
  onMadeRoom?: ((made: MadeRoom) => void) | undefined
}

/** What there are few of: places at clamd, and memory for parts. */
export type Scarce = 'scan' | 'part'

export interface MadeRoom {
  readonly wanted: Scarce
  /** `slow`: its bytes came too slowly; `share`: its owner had several, and who waited had none. */
  readonly reason: 'slow' | 'share'
}

/** An upload that has a place at clamd or memory for a part. */
export interface Guest extends Disposable {
  /** From now on it is its client that is waited for. */
  asks(): void
  /** It is not any more, and so many bytes came. */
  gets(bytes: number): void
  /** All bytes are there: it is not asked to leave any more. What it has counts until it is disposed. */
  ends(): void
}

interface Entering {
  /** The tenant. */
  readonly owner: string
  /** What it would give back. */
  readonly has: () => readonly Scarce[]
  /** Gives it back: somebody else waits for it. */
  readonly makeRoom: (reason: Problem) => void
}

/**
 * Uploads share a few places, and a client may take hours over one. As long as nobody else wants in it may. Who waits gets the place of
 *
 * - whoever sends too slowly, the slowest first, one each second;
 * - failing that, and when its owner has none and has waited for some seconds, of the slowest upload of the owner who has most of them.
 *
 * Only the time counts in which we wait for a client: where clamd or the store is slow nobody leaves.
 */
export interface Crowd {
  enter(guest: Entering): Guest
  /** Waits for one of these; only who has one makes room. */
  wait<Place>(wanted: { what: Scarce; owner: string }, place: Promise<Place>): Promise<Place>
  /** Guests now. */
  readonly size: number
}

/** Below 256 kbit/s; and a moment without any reception is not held against anybody. */
const standard = { seconds: 5, bytesPerSecond: 32_768, now: () => performance.now() }
const roundMilliseconds = 1000

interface Waiting {
  readonly what: Scarce
  readonly owner: string
  readonly since: number
}

export function createCrowd({ onMadeRoom, ...options }: CrowdOptions = {}): Crowd {
  const { seconds, bytesPerSecond, now } = { ...standard, ...options }
  const guests = new Set<Upload>()
  const queue = new Set<Waiting>()

  function makeRoom(waiting: Waiting): void {
    const holders = [...guests].filter((guest) => guest.has().includes(waiting.what))
    const sending = holders.filter((guest) => guest.state === 'sends')
    const patient = sending.filter((guest) => guest.waited(now()) >= seconds * 1000).sort((a, b) => rate(a) - rate(b))
    const slow = patient.find((guest) => guest.isAsking && rate(guest) < bytesPerSecond)
    if (slow) return leave(slow, { wanted: waiting.what, reason: 'slow' })
    // What somebody gives back may take a moment: until it has, nobody else is asked.
    if (holders.some((guest) => guest.state === 'leaves')) return
    const most = isDueFirst(waiting) ? ownerOfMost(holders, waiting.owner) : undefined
    const rich = patient.find((guest) => guest.owner === most)
    if (rich) leave(rich, { wanted: waiting.what, reason: 'share' })
  }

  /** Whether it is the first of its owner, and that one has waited long enough. */
  function isDueFirst(waiting: Waiting): boolean {
    const [first] = [...queue].filter(({ what, owner }) => what === waiting.what && owner === waiting.owner)
    return first === waiting && now() - waiting.since >= seconds * 1000
  }

  function leave(guest: Upload, made: MadeRoom): void {
    guest.state = 'leaves'
    guest.makeRoom(made.reason === 'slow' ? tooSlow(seconds) : tooMany(seconds))
    onMadeRoom?.(made)
  }

  /** In bytes per second in which the client was waited for. */
  function rate(guest: Upload): number {
    return (1000 * guest.bytes) / guest.waited(now())
  }

  return {
    get size() {
      return guests.size
    },
    enter(entering) {
      const guest = new Upload(entering, { now, end: () => guests.delete(guest) })
      guests.add(guest)
      return guest
    },
    async wait(wanted, place) {
      const waiting = { ...wanted, since: now() }
      queue.add(waiting)
      const timer = setInterval(makeRoom, roundMilliseconds, waiting)
      try {
        return await place
      } finally {
        clearInterval(timer)
        queue.delete(waiting)
      }
    },
  }
}

/** Who has at least two and the most, unless who waits has one already. */
function ownerOfMost(holders: readonly Upload[], waiting: string): string | undefined {
  const places = new Map<string, number>()
  for (const { owner } of holders) places.set(owner, (places.get(owner) ?? 0) + 1)
  if (places.has(waiting)) return undefined
  const [most] = [...places].filter(([, count]) => count > 1).sort(([, a], [, b]) => b - a)
  return most?.[0]
}

interface UploadParts {
  readonly now: () => number
  readonly end: () => void
}

class Upload implements Guest {
  readonly owner: string
  readonly has: () => readonly Scarce[]
  readonly makeRoom: (reason: Problem) => void
  readonly #now: () => number
  readonly #end: () => void
  state: 'sends' | 'ended' | 'leaves' = 'sends'
  bytes = 0
  #waited = 0
  #since: number | null = null

  constructor({ owner, has, makeRoom }: Entering, { now, end }: UploadParts) {
    this.owner = owner
    this.has = has
    this.makeRoom = makeRoom
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

  ends(): void {
    this.gets(0)
    if (this.state === 'sends') this.state = 'ended'
  }

  [Symbol.dispose](): void {
    this.#end()
  }
}

const again = 'try again later, or send it in several requests (tus)'

function tooSlow(seconds: number): Problem {
  return problem('service.overloaded', {
    detail: `others wait for the place of this upload, and its bytes come too slowly: ${again}`,
    retryAfter: seconds,
  })
}

function tooMany(seconds: number): Problem {
  return problem('service.overloaded', {
    detail: `others wait who have no place, and this tenant has several uploads under way: ${again}`,
    retryAfter: seconds,
  })
}
