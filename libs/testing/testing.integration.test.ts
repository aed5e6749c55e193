import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
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

async function rowsOf<T extends object>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

async function migrationFolder(files: Record<string, string>): Promise<AsyncDisposable & { url: URL; path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-migrations-'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return { path, url: pathToFileURL(path), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

async function templates(url: string): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(url, "select datname as name from pg_database where datname like 'template\\_%' order by 1")
  return rows.map((row) => row.name)
}

it('migrates a database, lets its roles sign in, and makes one template for one set of migrations', async () => {
  const marker = `things_${process.pid}`
  await using folder = await migrationFolder({ '0001_first.sql': `create table ${marker} (name text);` })
  const migrations = [{ service: 'sample', folder: folder.url }]
  await using kept = await testDatabase()
  const before = await templates(kept.adminUrl)
  const [first, second] = await Promise.all([testDatabase({ migrations }), testDatabase({ migrations })])
  expect(await templates(kept.adminUrl)).toHaveLength(before.length + 1)
  await rowsOf(first.adminUrl, `insert into sample.${marker} values ('only here')`)
  expect(await rowsOf(first.url('owner'), `select name from ${marker}`)).toEqual([{ name: 'only here' }])
  expect(await rowsOf(second.url('owner'), `select name from ${marker}`)).toEqual([])
  expect(await rowsOf(second.url('runtime'), 'select current_user as name')).toEqual([{ name: 'slipway_sample_runtime' }])
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

it('makes another template when a migration changes', async () => {
  await using folder = await migrationFolder({ '0001_first.sql': `create table a_${process.pid} (name text);` })
  const migrations = [{ service: 'sample', folder: folder.url }]
  await using first = await testDatabase({ migrations })
  await writeFile(join(folder.path, '0001_first.sql'), `create table b_${process.pid} (name text);`)
  await using second = await testDatabase({ migrations })
  const names = (url: string) =>
    rowsOf<{ name: string }>(url, `select relname as name from pg_class where relname ~ '^[ab]_${process.pid}$'`)
  expect(await names(first.adminUrl)).toEqual([{ name: `a_${process.pid}` }])
  expect(await names(second.adminUrl)).toEqual([{ name: `b_${process.pid}` }])
})

it('leaves no template of a migration that failed', async () => {
  await using folder = await migrationFolder({ '0001_wrong.sql': `select from nowhere_${process.pid};` })
  await using kept = await testDatabase()
  const before = await templates(kept.adminUrl)
  const migrations = [{ service: 'sample', folder: folder.url }]
  await expect(testDatabase({ migrations })).rejects.toThrow()
  await expect(testDatabase({ migrations })).rejects.toThrow()
  expect((await templates(kept.adminUrl)).filter((name) => !name.endsWith('_draft'))).toEqual(
    before.filter((name) => !name.endsWith('_draft')),
  )
})

it('drops a database also while somebody is connected', async () => {
  await using kept = await testDatabase()
  const database = await testDatabase()
  const client = new Client({ connectionString: database.adminUrl })
  client.on('error', () => undefined)
  await client.connect()
  await database[Symbol.asyncDispose]()
  expect(await rowsOf(kept.adminUrl, `select 1 from pg_database where datname = '${database.name}'`)).toEqual([])
  await client.end().catch(() => undefined)
})

it('gives an empty Redis', async () => {
  await using redis = await testRedis()
  const client = new Redis(redis.url)
  expect(await client.dbsize()).toBe(0)
  client.disconnect()
})

it('comes back empty on the same port after an outage', async () => {
  await using redis = await testRedis()
  const { url, port } = redis
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => undefined)
  await client.connect()
  await client.set('key', 'value')
  await redis.restart()
  expect([redis.url, redis.port]).toEqual([url, port])
  const again = new Redis(redis.url)
  expect(await again.dbsize()).toBe(0)
  again.disconnect()
  client.disconnect()
})

it('names the scanner and the object store of the run', async () => {
  await using storage = await testStorage()
  const answer = await fetch(storage.config.endpoint)
  expect(answer.status).toBe(403)
  expect(testScanner().port).toBeGreaterThan(0)
})
