import { Client } from 'pg'
import { expect, it } from 'vitest'
import { testDatabase, testEnvironment, testRedis, testScanner, testStorage } from './index.ts'

it('says where the stores are, and keeps the password of the administrator to itself', async () => {
  await using database = await testDatabase()
  await using redis = await testRedis()
  await using storage = await testStorage()
  const environment = testEnvironment({ services: ['second'], database, redis, storage, more: { LOG_LEVEL: 'debug', OWN: 'x' } })
  const url = new URL(environment.DATABASE_URL ?? '')
  expect([url.username, url.password, url.pathname]).toEqual(['', '', `/${database.name}`])
  expect(Object.keys(environment)).not.toContain('SECOND_DB_OWNER_PASSWORD')
  expect(JSON.stringify(environment)).not.toContain(new URL(database.adminUrl).password)
  expect(environment).toMatchObject({
    REDIS_URL: redis.url,
    S3_BUCKET_PREFIX: storage.bucketPrefix,
    CLAMAV_PORT: String(testScanner().port),
    SECOND_DB_RUNTIME_PASSWORD: database.credentials('runtime', 'second').password,
    SECOND_DB_SYSTEM_PASSWORD: database.credentials('system', 'second').password,
    LOG_LEVEL: 'debug',
    OWN: 'x',
  })
})

it('gives buckets and databases that no other test has', async () => {
  const storages = await Promise.all(Array.from({ length: 20 }, () => testStorage()))
  expect(new Set(storages.map((storage) => storage.bucketPrefix)).size).toBe(20)
  for (const { bucketPrefix } of storages) expect(bucketPrefix).toMatch(/^[a-z0-9-]{3,20}$/)
  const databases = await Promise.all(Array.from({ length: 5 }, () => testDatabase()))
  expect(new Set(databases.map((database) => database.name)).size).toBe(5)
  await Promise.all(databases.map((database) => database[Symbol.asyncDispose]()))
  const client = new Client({ connectionString: databases[0]?.adminUrl ?? '' })
  client.on('error', () => undefined)
  await expect(client.connect()).rejects.toThrow(/does not exist/)
})

it('does not guess at credentials of a database without services', async () => {
  await using database = await testDatabase()
  expect(() => database.url('runtime')).toThrow('pass `migrations`')
  expect(database.credentials('system', 'second')).toMatchObject({ user: expect.stringContaining('system') })
})
