import { type TestRedis, testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { queueRoundTrip } from './round-trip.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await testRedis()
})
afterAll(() => redis?.[Symbol.asyncDispose]())

const settings = () => ({ redisUrl: redis.url, prefix: 'probe:q' })

it('sends a job and gets it back, and leaves nothing behind', async () => {
  expect(await queueRoundTrip(settings())).toBeGreaterThan(0)
  const looking = new Redis(redis.url, { db: 3 })
  expect(await looking.keys('*')).toEqual([])
  looking.disconnect()
})

it('may be asked for by many at a time', async () => {
  await expect(Promise.all(Array.from({ length: 5 }, () => queueRoundTrip(settings())))).resolves.toHaveLength(5)
})

it('fails within seconds where nobody listens', async () => {
  await expect(queueRoundTrip({ redisUrl: 'redis://127.0.0.1:1', prefix: 'x' })).rejects.toMatchObject({ code: 'redis.unavailable' })
})
