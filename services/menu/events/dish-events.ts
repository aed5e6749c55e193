import { problem } from '@slipway/problem'
import type { QueueLog } from '@slipway/queue'
import type { Redis } from 'ioredis'
import { changedChannel, createEventLog, type DishEvent, type LoggedEvent } from './event-log.ts'

/** Why a follower looks again. */
export type Wake = 'changed' | 'time' | 'ended'

/** One client's seat; the log throws when Redis is away. */
export interface Follower extends Disposable {
  after(id: string): Promise<LoggedEvent[]>
  last(): Promise<string>
  /** Whether news are told of at once; else the follower has to look for itself. */
  readonly isLive: boolean
  /** Resolves at the first news since the last call, after `milliseconds`, or when there is nothing to wait for any more. */
  wait(milliseconds: number, signal: AbortSignal): Promise<Wake>
}

export interface DishEvents extends AsyncDisposable {
  /** After the commit: the row is the truth, this only tells of it. Never throws. */
  publish(dishId: string, event: DishEvent): Promise<void>
  /** @throws service.overloaded, rate.limited */
  follow(dish: { readonly id: string; readonly tenantId: string }): Follower
}

interface DishEventsOptions {
  /** Of the purpose `events`. */
  readonly redis: Redis
  readonly keyPrefix: string
  /** At a time in this process. */
  readonly clients: number
  readonly log: Pick<QueueLog, 'debug'>
}

/** One connection hears for all clients of the process which dishes have news; the news themselves are read from the log. */
export function createDishEvents(options: DishEventsOptions): DishEvents {
  const { redis, keyPrefix, clients, log } = options
  const events = createEventLog({ redis, keyPrefix })
  const seats = new Map<string, Set<Seat>>()
  const byTenant = new Map<string, number>()
  let ear: Ear | undefined
  let taken = 0

  function wakeAll(reason: Wake): void {
    for (const group of seats.values()) for (const seat of group) seat.wake(reason)
  }

  function sit({ id, tenantId }: { id: string; tenantId: string }): Seat & Disposable {
    const ofTenant = byTenant.get(tenantId) ?? 0
    if (taken >= clients) throw problem('service.overloaded', { detail: 'too many clients follow dishes here', retryAfter: 5 })
    if (ofTenant >= Math.ceil(clients / 5)) {
      throw problem('rate.limited', { detail: `${ofTenant} clients of this tenant follow dishes here already`, retryAfter: 5 })
    }
    const seat = createSeat()
    taken++
    byTenant.set(tenantId, ofTenant + 1)
    seats.set(id, (seats.get(id) ?? new Set()).add(seat))
    const leave = () => {
      const group = seats.get(id)
      if (!group?.delete(seat)) return
      if (group.size === 0) seats.delete(id)
      taken--
      count(byTenant, tenantId, -1)
    }
    return { ...seat, [Symbol.dispose]: leave }
  }

  return {
    publish: (dishId, event) => events.append(dishId, event).catch((error: unknown) => log.debug({ err: error }, 'an event was not told')),
    follow(dish) {
      const seat = sit(dish)
      // Either way everybody looks for themselves once: what was said while nobody heard is in the log, or in the row.
      ear ??= listen(options, { changed: (id) => seats.get(id)?.forEach((each) => each.wake('changed')), turned: () => wakeAll('time') })
      const hearing = ear
      return {
        after: (id) => events.after(dish.id, id),
        last: () => events.last(dish.id),
        get isLive() {
          return hearing.isLive
        },
        wait: (milliseconds, signal) => seat.wait(milliseconds, signal),
        [Symbol.dispose]: () => seat[Symbol.dispose](),
      }
    },
    async [Symbol.asyncDispose]() {
      wakeAll('ended')
      ear?.[Symbol.dispose]()
    },
  }
}

interface Ear extends Disposable {
  readonly isLive: boolean
}

interface Hearing {
  readonly changed: (dishId: string) => void
  /** It is live now, or is not any more. */
  readonly turned: () => void
}

/** Live from the moment on at which Redis has said that it tells of every change. */
function listen({ redis, keyPrefix, log }: Omit<DishEventsOptions, 'clients'>, { changed, turned }: Hearing): Ear {
  let live = false
  const turn = (heard: boolean) => {
    if (live === heard) return
    live = heard
    turned()
  }
  const deaf = (error: unknown) => log.debug({ err: error }, 'news of dishes cannot be heard')
  const connection = redis.duplicate({ autoResubscribe: false, maxRetriesPerRequest: null })
  connection.on('error', deaf)
  connection.on('message', (_channel, dishId: string) => changed(dishId))
  connection.on('close', () => turn(false))
  connection.on('ready', () => void connection.subscribe(changedChannel(keyPrefix)).then(() => turn(true), deaf))
  return {
    get isLive() {
      return live
    },
    [Symbol.dispose]: () => connection.disconnect(),
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by
  if (next > 0) counts.set(key, next)
  else counts.delete(key)
}

interface Seat {
  wake(reason: Wake): void
  wait(milliseconds: number, signal: AbortSignal): Promise<Wake>
}

/** Remembers news that come while its client is being written to. */
function createSeat(): Seat {
  let news: Wake | null = null
  let waiting: ((reason: Wake) => void) | null = null
  const wake = (reason: Wake) => {
    if (news !== 'ended') news = reason
    waiting?.(reason)
  }
  const wait = async (milliseconds: number, signal: AbortSignal): Promise<Wake> => {
    if (signal.aborted) return 'ended'
    const reason = news ?? (await rest(milliseconds, signal))
    const told = news ?? reason
    if (news !== 'ended') news = null
    return told
  }
  const rest = async (milliseconds: number, signal: AbortSignal): Promise<Wake> => {
    const { promise, resolve } = Promise.withResolvers<Wake>()
    const timer = setTimeout(() => resolve('time'), milliseconds)
    const end = () => resolve('ended')
    signal.addEventListener('abort', end, { once: true })
    waiting = resolve
    try {
      return await promise
    } finally {
      waiting = null
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    }
  }
  return { wake, wait }
}
