import { once } from 'node:events'
import { Secret } from '@slipway/config'
import { type TestRedis, testRedis } from '@slipway/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connected, createRedisConnections } from './redis.ts'
import { redisDatabases } from './runtime.ts'
import { silentLog } from './silent-log.fixtures.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await testRedis()
})
afterAll(() => redis?.[Symbol.asyncDispose]())

const apart = { user: null, password: null, caFile: null, keyPrefix: 'x' }
const connections = (url: string) => createRedisConnections({ ...apart, url: new Secret(url) }, { log: silentLog })

it('signs in with a password that is kept apart from the URL', async () => {
  const { host, password } = new URL(redis.url)
  const settings = { ...apart, url: new Secret(`redis://${host}`), password: new Secret(password) }
  await using own = createRedisConnections(settings, { log: silentLog })
  await connected(own.get('cache'))
  expect(await own.get('cache').ping()).toBe('PONG')
})

it('has one connection per purpose, each in the database of its purpose', async () => {
  await using own = connections(redis.url)
  expect(own.get('cache')).toBe(own.get('cache'))
  for (const purpose of ['cache', 'rateLimits', 'state'] as const) {
    const connection = own.get(purpose)
    await connected(connection)
    expect(String(await connection.call('client', 'info'))).toContain(` db=${redisDatabases[purpose]} `)
  }
})

it('goes on without a Redis that is not there, and its commands fail instead of waiting', async () => {
  await using own = connections('redis://127.0.0.1:1')
  const connection = own.get('cache')
  await connected(connection)
  await expect(connection.get('a')).rejects.toThrow()
})

it('finds back to a Redis that was away', async () => {
  await using own = connections(redis.url)
  const connection = own.get('cache')
  await connected(connection)
  await redis.part.stop()
  await expect(connection.get('a')).rejects.toThrow()
  // Until then it fails to connect, as often as it tries.
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  connection.once('ready', resolve)
  await redis.restart()
  await ready
  expect(await connection.get('a')).toBeNull()
})

it('leaves no connection open, also when Redis is away', async () => {
  const own = connections(redis.url)
  const connection = own.get('cache')
  await connected(connection)
  const ended = once(connection, 'end')
  await own[Symbol.asyncDispose]()
  await ended
  const absent = connections('redis://127.0.0.1:1')
  const waiting = absent.get('cache')
  await connected(waiting)
  await absent[Symbol.asyncDispose]()
  await expect.poll(() => waiting.status).toBe('end')
})
