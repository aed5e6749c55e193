import { testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { forgetEverything } from './redis.ts'

test('forgets all of one installation in all its databases, and nothing of another', async () => {
  await using server = await testRedis()
  const databases = [0, 3, 6]
  const clients = databases.map((db) => new Redis(server.url, { db }))
  for (const client of clients) {
    await client.mset('a*b:x', '1', 'a*b:q:jobs:wait', '1', '{a*b:q}:jobs', '1', 'a*bc:x', '1', 'axb:x', '1', 'other:a*b:x', '1')
    const many = Array.from({ length: 2500 }, (_, n) => [`a*b:many:${n}`, '1']).flat()
    await client.mset(...many)
  }
  expect(await forgetEverything({ url: server.url, caFile: null, keyPrefix: 'a*b', databases })).toBe(3 * 2503)
  for (const client of clients) expect((await client.keys('*')).toSorted()).toEqual(['a*bc:x', 'axb:x', 'other:a*b:x'])
  expect(await forgetEverything({ url: server.url, caFile: null, keyPrefix: 'a*b', databases: [0] })).toBe(0)
  for (const client of clients) client.disconnect()
})

test('fails when Redis is gone, instead of waiting for it', async () => {
  const away = { url: 'redis://127.0.0.1:1', caFile: null, keyPrefix: 'a', databases: [0] }
  await expect(forgetEverything(away)).rejects.toThrow()
})
