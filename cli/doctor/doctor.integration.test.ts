import { type AddressInfo, createServer } from 'node:net'
import { startClamd, startRedis } from '@slipway/stack'
import { testDatabase, testStorage } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { services } from '../services.ts'
import { ensureAllBuckets, migrateAll } from '../stack/schema.ts'
import type { Target } from '../target.ts'
import { type Finding, runChecks } from './checks.ts'
import { storeChecks } from './stores.ts'

/** An installation of which nothing can be reached. */
const nowhere: Target = {
  name: 'nowhere',
  database: { adminUrl: 'postgres://postgres:pw@127.0.0.1:1/slipway' },
  redis: { url: 'redis://127.0.0.1:1', caFile: null, keyPrefix: 'x' },
  storage: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKey: 'a', secretKey: 's', pathStyle: true, bucketPrefix: 'x-' },
  scanner: { host: '127.0.0.1', port: 1 },
  passwords: () => ({ owner: 'test-owner', runtime: 'test-runtime', system: 'test-system' }),
  backupPassword: undefined,
  backups: {
    vault: { region: 'us-east-1', pathStyle: true, bucket: 'x-backups' },
    createBucket: true,
    keepDays: 1,
    keepAtLeast: 1,
    schedules: { postgres: null, objects: null },
  },
}

async function findingOf(name: string, change: Partial<Target>): Promise<Finding | undefined> {
  const findings = await runChecks(storeChecks({ ...nowhere, ...change }, services).filter((check) => check.name === name))
  return findings[0]
}

test('stores that do not answer are found out one by one, each with its reason', async () => {
  const findings = await runChecks(storeChecks(nowhere, services))
  expect(findings.map(({ name, level }) => [name, level])).toEqual(
    ['postgres', ...services.map(({ name }) => `schema ${name}`), 'redis', 'storage', 'queues', 'clamd', 'scan'].map((name) => [
      name,
      'fail',
    ]),
  )
  expect(findings.every(({ what }) => what.length > 0)).toBe(true)
})

describe('schemas', () => {
  test('are pending before the migrations, and well after them', async () => {
    await using database = await testDatabase()
    const target = { ...nowhere, database: { adminUrl: database.adminUrl } }
    expect(await findingOf('postgres', target)).toMatchObject({
      level: 'ok',
      what: expect.stringMatching(/^PostgreSQL 18.*, without TLS$/),
    })
    const before = await findingOf('schema files', target)
    expect(before).toMatchObject({
      level: 'fail',
      what: expect.stringMatching(/^\d+ migrations are pending: /),
      fix: 'run `slipway migrate`',
    })
    expect((await migrateAll(services, target)).applied.length).toBeGreaterThan(0)
    for (const { name } of services) expect(await findingOf(`schema ${name}`, target)).toMatchObject({ level: 'ok' })
    expect((await migrateAll(services, target)).applied).toEqual([])
  })
})

describe('Redis', () => {
  let stop: () => Promise<void>
  let client: Redis
  let target: Partial<Target>
  beforeAll(async () => {
    const part = await startRedis({ home: temporaryFolder() })
    client = new Redis(part.url)
    target = { redis: { url: part.url, caFile: null, keyPrefix: 'x' } }
    stop = () => part.stop()
  })
  afterAll(async () => {
    client.disconnect()
    await stop()
  })

  test.each([
    ['noeviction', 'yes', 'ok'],
    ['noeviction', 'no', 'warn'],
    ['allkeys-lru', 'yes', 'fail'],
    ['volatile-ttl', 'no', 'fail'],
  ])('with maxmemory-policy %s and appendonly %s: %s', async (policy, appendOnly, level) => {
    await client.config('SET', 'maxmemory-policy', policy)
    await client.config('SET', 'appendonly', appendOnly)
    expect(await findingOf('redis', target)).toMatchObject({
      level,
      what: expect.stringMatching(`^(Redis|Valkey) [\\d.]+, without TLS, maxmemory-policy ${policy}, appendonly ${appendOnly}$`),
    })
  })

  test('has a queue send a job and get it back', async () => {
    expect(await findingOf('queues', target)).toMatchObject({ level: 'ok', what: expect.stringMatching(/there and back in \d+ ms/) })
  })

  test('that does not know the password is found out', async () => {
    const url = new URL(target.redis?.url ?? '')
    url.password = 'wrong'
    expect(await findingOf('redis', { redis: { url: url.href, caFile: null, keyPrefix: 'x' } })).toMatchObject({ level: 'fail' })
  })
})

describe('object storage and scanner', () => {
  test('a bucket that is missing is found out, one that is there passes the conformance probe', async () => {
    await using storage = await testStorage()
    const target = { storage: { ...storage.config, bucketPrefix: storage.bucketPrefix } }
    expect(await findingOf('storage', target)).toMatchObject({ level: 'fail' })
    expect((await ensureAllBuckets(services, { ...nowhere, ...target })).length).toBeGreaterThan(0)
    expect(await findingOf('storage', target)).toMatchObject({ level: 'ok', what: expect.stringContaining('conformance checks passed') })
  })

  test('a scanner with test signatures only is a warning that names the way out', async () => {
    await using part = await startClamd({ home: temporaryFolder(), signatures: 'test', maxFileBytes: 1024 * 1024 })
    const finding = await findingOf('clamd', { scanner: { host: part.host, port: part.port } })
    expect(finding).toMatchObject({
      level: 'warn',
      what: expect.stringContaining('only the EICAR test file'),
      fix: expect.stringContaining('freshclam'),
    })
    expect(await findingOf('scan', { scanner: { host: part.host, port: part.port } })).toMatchObject({
      level: 'ok',
      what: 'the EICAR test file is found',
    })
  })

  test('a scanner that finds nothing is a failure', async () => {
    const blind = createServer((socket) => {
      socket.on('data', (bytes) => {
        const said = bytes.toString('latin1')
        if (said.includes('VERSION')) socket.end('ClamAV 1.4.3/27000/Sat Nov 21 08:00:00 2026\0')
        else if (said.endsWith('\0\0\0\0')) socket.end('stream: OK\0')
      })
    })
    await new Promise<void>((resolve) => blind.listen(0, '127.0.0.1', resolve))
    const { port } = blind.address() as AddressInfo
    expect(await findingOf('scan', { scanner: { host: '127.0.0.1', port } })).toMatchObject({
      level: 'fail',
      what: expect.stringContaining('the EICAR test file is not found'),
    })
    await new Promise((resolve) => blind.close(resolve))
  })
})
