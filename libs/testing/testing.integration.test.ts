import { Redis } from 'ioredis'
import { Client } from 'pg'
import { expect, it } from 'vitest'
import { testDatabase, testRedis, testScanner, testStorage } from './index.ts'

it('gives every caller a database of its own', async () => {
  await using first = await testDatabase()
  await using second = await testDatabase()
  expect(first.name).not.toBe(second.name)
  const client = new Client({ connectionString: first.adminUrl })
  await client.connect()
  const { rows } = await client.query<{ name: string }>('select current_database() as name')
  await client.end()
  expect(rows[0]?.name).toBe(first.name)
})

it('gives an empty Redis', async () => {
  await using redis = await testRedis()
  const client = new Redis(redis.url)
  expect(await client.dbsize()).toBe(0)
  client.disconnect()
})

it('names the scanner and the object store of the run', async () => {
  await using storage = await testStorage()
  const answer = await fetch(storage.config.endpoint)
  expect(answer.status).toBe(403)
  expect(testScanner().port).toBeGreaterThan(0)
})
