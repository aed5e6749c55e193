import { randomUUID } from 'node:crypto'
import { type TestRedis, testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silent } from '../app.fixtures.ts'
import { createDishEvents, type DishEvents } from './dish-events.ts'
import { createEventLog, type DishEvent, isEventId } from './event-log.ts'

let server: TestRedis
const opened: AsyncDisposable[] = []
beforeEach(async () => {
  server = await testRedis()
})
afterEach(async () => {
  for (const part of opened.splice(0).toReversed()) await part[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

function connection(): Redis {
  const redis = new Redis(server.url, { db: 4, maxRetriesPerRequest: 0, commandTimeout: 2000, retryStrategy: () => 20 })
  redis.on('error', () => undefined)
  opened.push({ [Symbol.asyncDispose]: async () => redis.disconnect() })
  return redis
}

/** One process of the API, or of the workers. */
function process(clients = 100): DishEvents {
  const events = createDishEvents({ redis: connection(), keyPrefix: 'test', clients, log: silent })
  opened.push(events)
  return events
}

const event = (revision: number, more: Partial<DishEvent> = {}): DishEvent => ({
  kind: 'progress',
  data: JSON.stringify({ revision }),
  modelId: 'm',
  revision,
  ...more,
})
const never = new AbortController().signal
const long = 2 ** 31 - 1
const dish = (id: string = randomUUID(), tenantId = 'tenant') => ({ id, tenantId })
const numbers = (events: readonly { revision: number }[]) => events.map(({ revision }) => revision)

describe('the log', () => {
  it('keeps what happened to a dish in its order, to be read from any place on', async () => {
    const log = createEventLog({ redis: connection(), keyPrefix: 'test' })
    const { id } = dish()
    expect([await log.last(id), await log.after(id, '0-0')]).toEqual(['0-0', []])
    for (const revision of [1, 2, 3]) await log.append(id, event(revision))
    await log.append(dish().id, event(9))
    const all = await log.after(id, '0-0')
    expect(all).toMatchObject([1, 2, 3].map((revision) => event(revision)))
    expect(numbers(await log.after(id, all[1]?.id ?? ''))).toEqual([3])
    expect(await log.last(id)).toBe(all[2]?.id)
    expect(await log.after(id, await log.last(id))).toEqual([])
  })

  it('gives back what has neither model nor data', async () => {
    const log = createEventLog({ redis: connection(), keyPrefix: 'test' })
    const { id } = dish()
    const gone = event(0, { kind: 'gone', data: 'null', modelId: null })
    await log.append(id, gone)
    expect(await log.after(id, '0-0')).toEqual([{ ...gone, id: expect.toSatisfy(isEventId) }])
  })

  it('is bounded, in number and in time', async () => {
    const redis = connection()
    const log = createEventLog({ redis, keyPrefix: 'test' })
    const { id } = dish()
    for (let revision = 1; revision <= 500; revision++) await log.append(id, event(revision))
    const kept = await log.after(id, '0-0')
    expect(kept.length).toBeLessThan(300)
    expect(kept.at(-1)?.revision).toBe(500)
    const seconds = await redis.ttl(`test:menu:events:${id}`)
    expect(seconds).toBeGreaterThan(500)
    expect(seconds).toBeLessThanOrEqual(600)
  })

  it('throws when Redis is away', async () => {
    const log = createEventLog({ redis: connection(), keyPrefix: 'test' })
    await log.append('d', event(1))
    await server.part.stop()
    for (const call of [() => log.append('d', event(2)), () => log.after('d', '0-0'), () => log.last('d')]) {
      await expect(call()).rejects.toThrow()
    }
  })
})

describe('a follower', () => {
  it('is woken by what another process tells, and only for its own dish', async () => {
    const [api, worker] = [process(), process()]
    const [ours, theirs] = [dish(), dish()]
    using follower = api.follow(ours)
    using stranger = api.follow(theirs)
    // From the moment on that the connection listens.
    expect(await follower.wait(long, never)).toBe('time')
    expect(await stranger.wait(long, never)).toBe('time')
    expect(follower.isLive).toBe(true)
    const woken = follower.wait(long, never)
    await worker.publish(ours.id, event(1))
    expect(await woken).toBe('changed')
    expect(numbers(await follower.after('0-0'))).toEqual([1])
    expect(await stranger.wait(1, never)).toBe('time')
  })

  it('hears of what came while it was busy', async () => {
    const api = process()
    const ours = dish()
    using follower = api.follow(ours)
    using witness = api.follow(ours)
    for (const each of [follower, witness]) expect(await each.wait(long, never)).toBe('time')
    const seen = witness.wait(long, never)
    await api.publish(ours.id, event(1))
    await seen
    expect(await follower.wait(long, never)).toBe('changed')
    expect(await follower.wait(1, never)).toBe('time')
  })

  it('ends with its client, also when that has gone before', async () => {
    using follower = process().follow(dish())
    await follower.wait(long, never)
    const client = new AbortController()
    const waiting = follower.wait(long, client.signal)
    client.abort()
    expect(await waiting).toBe('ended')
    expect(await follower.wait(long, client.signal)).toBe('ended')
  })

  it('ends with the process, for good', async () => {
    const api = createDishEvents({ redis: connection(), keyPrefix: 'test', clients: 10, log: silent })
    using follower = api.follow(dish())
    await follower.wait(long, never)
    const waiting = follower.wait(long, never)
    await api[Symbol.asyncDispose]()
    expect(await waiting).toBe('ended')
    expect(await follower.wait(long, never)).toBe('ended')
  })

  it('is told when Redis goes and when it comes, and hears news again after that', async () => {
    const ours = dish()
    using follower = process().follow(ours)
    await follower.wait(long, never)
    const waiting = follower.wait(long, never)
    await server.part.stop()
    expect(await waiting).toBe('time')
    expect(follower.isLive).toBe(false)
    await expect(follower.last()).rejects.toThrow()
    // A row may change without anybody being told.
    await process().publish(ours.id, event(1))
    const back = follower.wait(long, never)
    await server.restart()
    expect(await back).toBe('time')
    expect(follower.isLive).toBe(true)
    const woken = follower.wait(long, never)
    await process().publish(ours.id, event(2))
    expect(await woken).toBe('changed')
    expect(numbers(await createEventLog({ redis: connection(), keyPrefix: 'test' }).after(ours.id, '0-0'))).toEqual([2])
  })
})

describe('seats', () => {
  it('are a fifth for one tenant, all for all, and free again when somebody leaves, once', () => {
    const api = process(10)
    const taken = [0, 1].map(() => api.follow(dish('d', 'greedy')))
    expect(() => api.follow(dish('other', 'greedy'))).toThrow(expect.objectContaining({ code: 'rate.limited', retryAfter: 5 }))
    for (const tenantId of ['b', 'c', 'd', 'e']) for (const _ of [0, 1]) taken.push(api.follow(dish('d', tenantId)))
    expect(() => api.follow(dish('d', 'late'))).toThrow(expect.objectContaining({ code: 'service.overloaded', retryAfter: 5 }))
    for (const _ of [0, 1]) taken[0]?.[Symbol.dispose]()
    using again = api.follow(dish('d', 'greedy'))
    expect(again.isLive).toBeTypeOf('boolean')
    expect(() => api.follow(dish('d', 'greedy'))).toThrow(expect.objectContaining({ code: 'service.overloaded' }))
    for (const seat of taken) seat[Symbol.dispose]()
  })
})
