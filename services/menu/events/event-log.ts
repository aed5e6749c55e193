import type { Redis } from 'ioredis'

/** Something that happened to the model of a dish. */
export interface DishEvent {
  readonly kind: 'progress' | 'gone'
  /** JSON for the client. */
  readonly data: string
  /** Which state `data` shows: later ones of the same model have higher revisions. */
  readonly modelId: string | null
  readonly revision: number
}

export interface LoggedEvent extends DishEvent {
  /** In the order of the log; what `Last-Event-ID` brings back. */
  readonly id: string
}

/** What happened to each dish lately, for all API processes. Everything here throws when Redis is away. */
export interface EventLog {
  append(dishId: string, event: DishEvent): Promise<void>
  /** Oldest first. */
  after(dishId: string, id: string): Promise<LoggedEvent[]>
  /** Id of the newest event; `0-0` where there is none. */
  last(dishId: string): Promise<string>
}

interface EventLogOptions {
  readonly redis: Redis
  readonly keyPrefix: string
}

/** More than one model says in its life. */
const keptEvents = 100
/** Longer than clients take to come back; older ones get the present state. */
const keptSeconds = 600

/** Says which dish has news. */
export function changedChannel(keyPrefix: string): string {
  return `${keyPrefix}:menu:changed`
}

export function createEventLog({ redis, keyPrefix }: EventLogOptions): EventLog {
  const keyOf = (dishId: string) => `${keyPrefix}:menu:events:${dishId}`
  return {
    async append(dishId, { kind, data, modelId, revision }) {
      const key = keyOf(dishId)
      const fields = ['kind', kind, 'data', data, 'model', modelId ?? '', 'revision', String(revision)]
      const replies = await redis
        .pipeline()
        .xadd(key, 'MAXLEN', '~', keptEvents, '*', ...fields)
        .expire(key, keptSeconds)
        .publish(changedChannel(keyPrefix), dishId)
        .exec()
      const failure = replies?.find(([error]) => error !== null)?.[0]
      if (failure) throw failure
    },
    after: async (dishId, id) => (await redis.xrange(keyOf(dishId), `(${id}`, '+')).map(eventOf),
    last: async (dishId) => (await redis.xrevrange(keyOf(dishId), '+', '-', 'COUNT', 1))[0]?.[0] ?? '0-0',
  }
}

function eventOf([id, pairs]: [id: string, fields: string[]]): LoggedEvent {
  const fields: Record<string, string | undefined> = {}
  for (let index = 0; index + 1 < pairs.length; index += 2) fields[pairs[index] ?? ''] = pairs[index + 1]
  const { kind, data = 'null', model, revision } = fields
  return { id, kind: kind === 'gone' ? 'gone' : 'progress', data, modelId: model || null, revision: Number(revision ?? 0) }
}

/** Whether `id` is the form of an id of the log; clients send back what they like. */
export function isEventId(id: string): boolean {
  return /^\d{1,15}-\d{1,10}$/.test(id)
}

/** Which of two ids is the earlier one. */
export function earlier(a: string, b: string): string {
  const [timeA = 0, countA = 0] = a.split('-').map(Number)
  const [timeB = 0, countB = 0] = b.split('-').map(Number)
  return timeA < timeB || (timeA === timeB && countA < countB) ? a : b
}
