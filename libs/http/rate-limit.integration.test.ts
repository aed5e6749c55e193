import { testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { problemIn, serve } from './http.fixtures.ts'
import { createRateLimiter, reply, routesFor } from './index.ts'

const route = routesFor<unknown>()
const responses = { 200: { description: 'Done', schema: z.object({ ok: z.boolean() }) } }
const base = { method: 'GET', summary: 'Limited', responses } as const
const rule = { name: 'reads', limit: 5, seconds: 60 } as const
const done = async () => reply(200, { ok: true })

const byPrincipal = route(
  { ...base, path: '/mine', operation: 'mine', auth: { role: 'viewer', scope: 'x:read' }, rate: { ...rule, by: 'principal' } },
  done,
)
const byAddress = route({ ...base, path: '/open', operation: 'open', auth: 'none', rate: { ...rule, name: 'open', by: 'ip' } }, done)
const closed = route(
  { ...base, path: '/closed', operation: 'closed', auth: 'none', rate: { ...rule, name: 'closed', by: 'ip', failClosed: true } },
  done,
)
const routes = [byPrincipal, byAddress, closed]

let stores: AsyncDisposableStack
let redis: Redis

beforeAll(async () => {
  stores = new AsyncDisposableStack()
  const { url } = stores.use(await testRedis())
  redis = stores.adopt(new Redis(url, { db: 2 }), async (client) => {
    await client.quit()
  })
})

afterAll(() => stores.disposeAsync())
beforeEach(async () => {
  await redis.flushdb()
})

const start = (more: object = {}) => serve({ routes, rateLimiter: createRateLimiter({ redis, keyPrefix: 'test' }), ...more })

/** As if so many seconds had passed: what is kept is a time. */
async function passTime(seconds: number): Promise<void> {
  for (const key of await redis.keys('test:rate:*')) {
    await redis.set(key, Number(await redis.get(key)) - seconds * 1000, 'KEEPTTL')
  }
}

describe('a rate limit', () => {
  it('tells the policy and what is left, and refuses what is over it', async () => {
    await using server = await start()
    const left: (string | null)[] = []
    for (let index = 0; index < 5; index++) {
      const response = await server.fetch('/mine', { as: 'viewer' })
      expect([response.status, response.headers.get('ratelimit-policy')]).toEqual([200, '"reads";q=5;w=60'])
      left.push(/^"reads";r=(\d);t=\d+$/.exec(response.headers.get('ratelimit') ?? '')?.[1] ?? null)
    }
    expect(left).toEqual(['4', '3', '2', '1', '0'])
    const refused = await server.fetch('/mine', { as: 'viewer' })
    expect(refused.headers.get('ratelimit')).toMatch(/^"reads";r=0;t=\d+$/)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(12)
    expect(await problemIn(refused)).toMatchObject({ status: 429, code: 'rate.limited', policy: 'reads' })
  })

  it('counts each caller and tenant apart, and each address', async () => {
    await using server = await start({ trustedProxies: ['loopback'] })
    const statuses = async (path: string, init: object) => {
      const all: number[] = []
      for (let index = 0; index < 6; index++) all.push((await server.fetch(path, init)).status)
      return all.filter((status) => status === 200).length
    }
    expect(await statuses('/mine', { as: 'viewer' })).toBe(5)
    expect(await statuses('/mine', { as: 'member' })).toBe(5)
    expect(await statuses('/mine', { as: 'foreign' })).toBe(5)
    expect(await statuses('/open', { headers: { 'x-forwarded-for': '2001:db8::1' } })).toBe(5)
    expect(await statuses('/open', { headers: { 'x-forwarded-for': '2001:db8::2' } })).toBe(0)
    expect(await statuses('/open', { headers: { 'x-forwarded-for': '2001:db8:0:1::1' } })).toBe(5)
  })

  it('refills evenly: a fifth of the time brings one request', async () => {
    await using server = await start()
    for (let index = 0; index < 5; index++) await server.fetch('/mine', { as: 'viewer' })
    await passTime(12)
    const statuses = [await server.fetch('/mine', { as: 'viewer' }), await server.fetch('/mine', { as: 'viewer' })].map(
      ({ status }) => status,
    )
    expect(statuses).toEqual([200, 429])
    await passTime(600)
    expect((await server.fetch('/mine', { as: 'viewer' })).headers.get('ratelimit')).toMatch(/r=4/)
  })

  it('lets exactly the quota through, however many come at once', async () => {
    await using server = await start()
    const responses = await Promise.all(Array.from({ length: 60 }, () => server.fetch('/mine', { as: 'viewer' })))
    expect(responses.filter(({ status }) => status === 200)).toHaveLength(5)
  })

  it('leaves nothing behind for ever', async () => {
    await using server = await start()
    await server.fetch('/mine', { as: 'viewer' })
    for (const key of await redis.keys('*')) expect(await redis.pttl(key)).toBeGreaterThan(0)
  })

  it('does not count those who are not let in', async () => {
    await using server = await start()
    for (let index = 0; index < 10; index++) expect((await server.fetch('/mine')).status).toBe(401)
    expect(await redis.keys('*')).toEqual([])
  })
})

describe('the borders of a quota', () => {
  const limiter = () => createRateLimiter({ redis, keyPrefix: 'test' })
  const once = { name: 'once', limit: 1, seconds: 10, by: 'ip' } as const
  const take = (more: object = {}) => limiter().take({ ...once, ...more }, 'a')

  it('of one: the second has to wait for all of the period, and the third is not punished for asking', async () => {
    expect(await take()).toEqual({ allowed: true, remaining: 0, resetSeconds: 10, retrySeconds: 0 })
    const [second, third] = [await take(), await take()]
    expect([second.allowed, third.allowed]).toEqual([false, false])
    expect(third.retrySeconds).toBeLessThanOrEqual(second.retrySeconds)
    await passTime(10)
    expect(await take()).toMatchObject({ allowed: true })
  })

  it('just before the next request is due it is refused, and then let through', async () => {
    for (let index = 0; index < 5; index++) await take({ limit: 5 })
    await passTime(1)
    expect(await take({ limit: 5 })).toMatchObject({ allowed: false, retrySeconds: 1 })
    await passTime(1)
    expect(await take({ limit: 5 })).toMatchObject({ allowed: true, remaining: 0 })
  })

  it('a full quota is there once the period has passed, and not more than that', async () => {
    for (let index = 0; index < 5; index++) await take({ limit: 5 })
    await passTime(1000)
    const allowed: boolean[] = []
    for (let index = 0; index < 7; index++) allowed.push((await take({ limit: 5 })).allowed)
    expect(allowed).toEqual([true, true, true, true, true, false, false])
  })

  it.each([3_600, 1e9])('a debt of %i s, from a longer rule or a clock that went back, weighs no more than the period', async (seconds) => {
    await take()
    await passTime(-seconds)
    const refused = await take()
    expect(refused.allowed).toBe(false)
    expect(refused.retrySeconds).toBeLessThanOrEqual(10)
    expect(refused.resetSeconds).toBeLessThanOrEqual(10)
  })

  it('rules with the same name share it; callers, names and installations do not', async () => {
    await take()
    expect((await take({ by: 'principal' })).allowed).toBe(false)
    expect((await take({ name: 'other' })).allowed).toBe(true)
    expect((await limiter().take(once, 'b')).allowed).toBe(true)
    expect((await createRateLimiter({ redis, keyPrefix: 'neighbour' }).take(once, 'a')).allowed).toBe(true)
    expect((await redis.keys('*')).every((key) => /^(test|neighbour):rate:/.test(key))).toBe(true)
  })

  it('a large one fits, with fractions of milliseconds between its requests', async () => {
    const large = { limit: 100_000, seconds: 7 }
    const decisions = await Promise.all(Array.from({ length: 50 }, () => take(large)))
    expect(decisions.every(({ allowed }) => allowed)).toBe(true)
    expect(Math.min(...decisions.map(({ remaining }) => remaining))).toBeGreaterThanOrEqual(100_000 - 50)
  })

  it('what cannot be read there is a warning for ordinary routes, not an error', async () => {
    await using server = await start()
    await server.fetch('/open')
    for (const key of await redis.keys('*')) await redis.set(key, 'not a time')
    expect((await server.fetch('/open')).status).toBe(200)
    expect(server.logs).toContainEqual(expect.objectContaining({ level: 'warn', message: 'rate limit not checked' }))
  })
})

describe('without Redis', () => {
  it('one that becomes a read-only replica is like one that is gone, until it is not', async () => {
    await using server = await start()
    await redis.replicaof('127.0.0.1', 1)
    try {
      expect([(await server.fetch('/open')).status, (await server.fetch('/closed')).status]).toEqual([200, 503])
    } finally {
      await redis.replicaof('NO', 'ONE')
    }
    const again = await server.fetch('/closed')
    expect([again.status, again.headers.get('ratelimit-policy')]).toEqual([200, '"closed";q=5;w=60'])
  })

  it('ordinary routes go on with a warning; those that must not be guessed at answer 503', async () => {
    const gone = new Redis({ host: '127.0.0.1', port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null })
    gone.on('error', () => undefined)
    const outcomes: string[] = []
    const onRateUnchecked = (outcome: string) => void outcomes.push(outcome)
    await using server = await start({ rateLimiter: createRateLimiter({ redis: gone, keyPrefix: 'test' }), onRateUnchecked })
    const open = await server.fetch('/open')
    expect([open.status, open.headers.get('ratelimit')]).toEqual([200, null])
    expect(server.logs).toContainEqual(expect.objectContaining({ level: 'warn', message: 'rate limit not checked' }))
    const refused = await server.fetch('/closed')
    expect((await problemIn(refused)).code).toBe('redis.unavailable')
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(outcomes).toEqual(['passed', 'refused'])
    gone.disconnect()
  })
})
