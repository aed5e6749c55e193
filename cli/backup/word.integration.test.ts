import { redisDatabases } from '@slipway/service'
import { type TestRedis, testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leaveWord } from './word.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await testRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

describe('word of a backup', () => {
  it('is of when it began and how large it is, under the prefix of the installation', async () => {
    const client = new Redis(redis.url, { db: redisDatabases.state })
    const target = { redis: { url: redis.url, caFile: null, keyPrefix: 'mine' } }
    const manifest = { id: '20261121T021500Z', bytes: 42 }
    expect(await leaveWord(target, 'postgres', manifest)).toBe(true)
    expect(await leaveWord(target, 'drill', null)).toBe(true)
    const noted = await client.hgetall('mine:backups')
    client.disconnect()
    expect(noted).toEqual({ postgres: `${Date.UTC(2026, 10, 21, 2, 15)} 42`, drill: expect.stringMatching(/^\d+ $/) as string })
  })

  it.each([
    ['nobody listens', 'redis://127.0.0.1:1'],
    ['the password is missing', 'without'],
  ])('that cannot be left, as %s, is told and fails nothing', async (_why, url) => {
    const anonymous = new URL(redis.url)
    anonymous.password = ''
    const target = { redis: { url: url === 'without' ? anonymous.href : url, caFile: null, keyPrefix: 'mine' } }
    expect(await leaveWord(target, 'objects', { id: '20261121T021500Z', bytes: 1 })).toBe(false)
  })
})
