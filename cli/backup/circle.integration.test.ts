import { connect, withClient } from '@slipway/db'
import { removeHome, startPostgres } from '@slipway/stack'
import { createStorage } from '@slipway/storage'
import { testRedis, testStorage } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { slipway, start } from '../command.fixtures.ts'
import { temporaryFolder } from '../folders.fixtures.ts'

/** An installation by its environment, with a Postgres of its own: roles and their passwords are of the whole server. */
let home: string
let postgres: Awaited<ReturnType<typeof startPostgres>>
let redis: Awaited<ReturnType<typeof testRedis>>
let environment: Record<string, string>

beforeAll(async () => {
  home = temporaryFolder()
  postgres = await startPostgres({ home, durable: false })
  redis = await testRedis()
  const { config, bucketPrefix } = await testStorage()
  environment = {
    DATABASE_URL: postgres.adminUrl,
    DATABASE_BACKUP_PASSWORD: 'backup-1',
    REDIS_URL: redis.url,
    S3_ENDPOINT: config.endpoint,
    S3_REGION: config.region,
    S3_ACCESS_KEY: config.accessKey,
    S3_SECRET_KEY: config.secretKey,
    S3_BUCKET_PREFIX: bucketPrefix,
    ...Object.fromEntries(
      ['IDENTITY', 'FILES', 'MENU'].flatMap((name) => [
        [`${name}_DB_RUNTIME_PASSWORD`, 'runtime-1'],
        [`${name}_DB_SYSTEM_PASSWORD`, 'system-1'],
      ]),
    ),
  }
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await postgres.stop()
  await removeHome(home)
})

async function run(...args: string[]) {
  return start([...args, '--home', temporaryFolder()], { environment }).result
}

const filesRole = { user: 'slipway_files_runtime', password: 'runtime-1' }
const tenant = '33333333-3333-4333-8333-333333333333'

function jobs() {
  return withClient({ url: postgres.adminUrl }, async (client) => (await client.query('select * from files.jobs')).rows)
}

/** Each goes on where the one before has ended, as every command is a process that takes its time to start. */
describe('an installation goes full circle', () => {
  let before: unknown[]
  let ids: string[]

  test('has nothing to back up before its migrations', async () => {
    expect(await run('backup')).toMatchObject({ code: 1, output: expect.stringContaining('slipway_backup') })
    expect(await run('migrate')).toMatchObject({ code: 0 })
  })

  test('is backed up, the dump before the objects', async () => {
    await using runtime = connect({ url: postgres.adminUrl, role: filesRole, poolSize: 1, name: 'files' })
    await runtime.tenantTransaction(tenant, (tx) =>
      tx.execute(`insert into files.jobs (id, tenant_id, queue, payload, state, max_attempts)
        values ('${tenant}', '${tenant}', 'file-scan', '{}', 'pending', 3)`),
    )
    before = await jobs()
    const backup = await run('backup', '--json')
    expect(backup).toMatchObject({ code: 0 })
    const { backups } = JSON.parse(backup.output) as { backups: { manifest: { id: string; kind: string } }[] }
    expect(backups.map(({ manifest }) => manifest.kind)).toEqual(['postgres', 'objects'])
    ids = backups.map(({ manifest }) => manifest.id)
    expect(await run('backups')).toMatchObject({ code: 0, output: expect.stringContaining('schemas files, identity, menu') })
  })

  test('is not restored below services that are at work', async () => {
    await using runtime = connect({ url: postgres.adminUrl, role: filesRole, poolSize: 1, name: 'files' })
    await runtime.ready()
    expect(await run('restore', 'latest', '--yes')).toMatchObject({
      code: 1,
      output: expect.stringContaining('services are at work on the database: slipway_files_runtime (files)'),
    })
  })

  test('is wiped and comes back, and Redis forgets what is no more', async () => {
    const connection = new Redis(redis.url, { db: 3 })
    await connection.mset('slipway:q:file-scan:wait', 'of this installation', 'other:q:file-scan:wait', 'of another')
    await withClient({ url: postgres.adminUrl }, (client) => client.query('drop schema identity, files, menu cascade'))
    const restored = await run('restore', ids[0] ?? '', '--yes')
    // That one, and the word that backups left for metrics.
    expect(restored).toMatchObject({ code: 0, output: expect.stringContaining('made Redis forget 2 keys') })
    expect(await jobs()).toEqual(before)
    expect(await connection.keys('*')).toEqual(['other:q:file-scan:wait'])
    connection.disconnect()
  })

  test('has nothing left to migrate', async () => {
    expect(await run('migrate')).toMatchObject({ code: 0, output: expect.stringContaining('Everything was there already.') })
  })
})

describe('an installation', () => {
  test('is left alone by a restore that nobody confirms, or of what is no backup', async () => {
    expect(await run('restore', 'latest')).toMatchObject({ code: 2, output: expect.stringContaining('add --yes') })
    expect(await run('restore', 'yesterday', '--yes')).toMatchObject({
      code: 1,
      output: expect.stringContaining('"yesterday" is no id of a backup'),
    })
    expect(await run('restore', '20200101T000000Z', '--yes')).toMatchObject({
      code: 1,
      output: expect.stringContaining('there is no such backup'),
    })
    expect(await run('restore', 'latest', '--only', 'redis', '--yes')).toMatchObject({ code: 2 })
  })

  test('does not keep its backups among what is backed up', async () => {
    const bucket = `${environment['S3_BUCKET_PREFIX']}files`
    const into = { BACKUP_S3_BUCKET: bucket, BACKUP_S3_ENDPOINT: environment['S3_ENDPOINT'] ?? '' }
    const refused = await start(['backups', '--home', temporaryFolder()], { environment: { ...environment, ...into } }).result
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining(`backups cannot go into ${bucket}`) })
  })

  test('without a stack and without DATABASE_URL there is nothing to back up', async () => {
    expect(await slipway('backup', '--home', temporaryFolder())).toMatchObject({
      code: 1,
      output: expect.stringContaining('DATABASE_URL is not set'),
    })
  })
})

test('objects come back by the command', async () => {
  await using storage = createStorage({
    endpoint: environment['S3_ENDPOINT'] ?? '',
    region: 'us-east-1',
    accessKey: environment['S3_ACCESS_KEY'] ?? '',
    secretKey: environment['S3_SECRET_KEY'] ?? '',
    pathStyle: true,
    bucketPrefix: environment['S3_BUCKET_PREFIX'] ?? '',
  })
  expect(await storage.head({ bucket: 'files', key: 'none' })).toBeUndefined()
  expect(await run('restore', 'latest', '--only', 'objects', '--yes')).toMatchObject({
    code: 0,
    output: expect.stringContaining('brought 0 objects back'),
  })
})
