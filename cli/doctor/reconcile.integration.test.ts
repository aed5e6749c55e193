import { randomUUID } from 'node:crypto'
import { freePort } from '@slipway/stack'
import { createStorage, type Storage } from '@slipway/storage'
import { testDatabase, testStorage } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { services } from '../services.ts'
import { migrateAll } from '../stack/schema.ts'
import type { Target } from '../target.ts'
import type { Finding } from './checks.ts'
import { databaseOf } from './database.ts'
import { reconcileAll } from './reconcile.ts'

const stack = new AsyncDisposableStack()
const later = new Date(Date.now() + 86_400_000)
let target: Target
let storage: Storage
beforeAll(async () => {
  const database = stack.use(await testDatabase())
  const { config } = stack.use(await testStorage())
  target = {
    name: 'a test',
    database: { adminUrl: database.adminUrl },
    redis: { url: 'redis://127.0.0.1:1', caFile: null, keyPrefix: 'x' },
    storage: config,
    scanner: { host: '127.0.0.1', port: 1 },
    passwords: () => ({ owner: 'test-owner', runtime: 'test-runtime', system: 'test-system' }),
    backupPassword: undefined,
    backups: {
      vault: { ...config, bucket: 'x' },
      createBucket: true,
      keepDays: 1,
      keepAtLeast: 1,
      schedules: { postgres: null, objects: null },
    },
  }
  await migrateAll(services, target)
  storage = stack.use(createStorage(config))
  await storage.ensureBuckets(services.flatMap(({ buckets }) => buckets))
})
afterAll(() => stack.disposeAsync())
beforeEach(async () => {
  await using admin = databaseOf(target)
  await admin.pool.query('truncate files.files, files.quarantine, menu.photos, menu.models cascade')
})

/** Rows of files whose content was never there. */
async function rowsWithoutObjects(count: number): Promise<void> {
  await using admin = databaseOf(target)
  await admin.pool.query(
    `insert into files.files (id, tenant_id, name, name_key, size, content_type, sha256, verdict, scan_at, created_by, created_at, updated_at)
     select gen_random_uuid(), gen_random_uuid(), n::text, n::text, 1, 'text/plain', repeat('0', 64), 'clean', now(), 'x', now(), now()
     from generate_series(1, $1::int) as n`,
    [count],
  )
}

const brief = (findings: readonly Finding[]) => findings.map(({ name, level, fault }) => [name, level, fault])
const run = (repair = false) => reconcileAll(target, services, { olderThan: later, repair })

test('an installation that is whole: every bucket of every service, and uploads', async () => {
  expect(brief(await run())).toEqual([
    ['content files files', 'ok', null],
    ['content files quarantine', 'ok', null],
    ['content menu dish-images', 'ok', null],
    ['content menu dish-models', 'ok', null],
    ['content uploads', 'ok', null],
  ])
})

test('what is lost is a failure and names the first of many; the fix names a backup', async () => {
  await rowsWithoutObjects(25)
  const [finding] = await run()
  expect(finding).toMatchObject({ level: 'fail', fault: 'content.lost', fix: expect.stringContaining('restore') })
  expect(finding?.what).toMatch(/^25 of 25 rows: .+ and 5 more$/)
})

test('photos and models count by the keys in their rows', async () => {
  await using admin = databaseOf(target)
  const ids = [randomUUID(), randomUUID(), randomUUID()]
  await admin.pool.query(
    `insert into menu.dishes (id, tenant_id, name, price_amount, price_currency, plate_diameter_cm, position, created_at, updated_at)
     values ($1, $2, 'x', 1, 'EUR', 20, 1, now(), now())`,
    [ids[0], ids[1]],
  )
  await admin.pool.query(
    `insert into menu.photos (id, tenant_id, dish_id, source_sha256, source_key, uploaded_at) values ($1, $2, $3, repeat('0', 64), 't/d/p.source', now())`,
    [ids[2], ids[1], ids[0]],
  )
  const model = randomUUID()
  const place = `${ids[1]}/${ids[0]}/${model}`
  const file = (name: string) => ({ key: `${place}/${name}`, bytes: 5 })
  const result = { files: { plain: file('a.glb'), web: file('b.glb'), poster: file('c.webp') } }
  await admin.pool.query(
    `insert into menu.models (id, tenant_id, dish_id, photo_id, digest, job_id, state, diameter_cm, result, queued_at, finished_at)
     values ($5, $1, $2, $3, 'd', gen_random_uuid(), 'done', 20, $4, now(), now())`,
    [ids[1], ids[0], ids[2], result, model],
  )
  const found = (await run()).filter(({ fault }) => fault === 'content.lost').map(({ name, what }) => [name, what])
  expect(found).toEqual([
    ['content menu dish-images', '1 of 1 rows: t/d/p.source'],
    ['content menu dish-models', `3 of 3 rows: ${place}/a.glb, ${place}/b.glb, ${place}/c.webp`],
  ])
})

test('a store or a database that is away is one finding for each, and nothing is said of content', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const away = await reconcileAll({ ...target, storage: { ...target.storage, endpoint } }, services, { olderThan: later, repair: true })
  expect(away.map(({ level, fault }) => [level, fault?.startsWith('content.') ?? false])).toEqual(away.map(() => ['fail', false]))
  const adminUrl = 'postgres://postgres:pw@127.0.0.1:1/slipway'
  const without = await reconcileAll({ ...target, database: { adminUrl } }, services, { olderThan: later, repair: true })
  expect(without.filter(({ level }) => level === 'fail')).toHaveLength(4)
})
