import { once } from 'node:events'
import { type MetricMemory, rememberMetrics } from '@slipway/telemetry/testing'
import {
  type SecurePostgres,
  type SecureRedis,
  type SecureStorage,
  securePostgres,
  secureRedis,
  secureStorage,
  type TestAuthority,
  type TestDatabase,
  type TestRedis,
  testAuthority,
  testDatabase,
  testEnvironment,
  testRedis,
  testStorage,
} from '@slipway/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Host, openHost } from './host.ts'
import { connected } from './redis.ts'
import { notes } from './sample.fixtures/service.ts'
import { silentLog } from './silent-log.fixtures.ts'

const daySeconds = 86_400

let authority: TestAuthority
let postgres: SecurePostgres
let redis: SecureRedis
let storage: SecureStorage
let plain: { database: TestDatabase; redis: TestRedis }
beforeAll(async () => {
  authority = await testAuthority()
  const certificate = await authority.issue({ days: 2 })
  ;[postgres, redis, storage] = await Promise.all([securePostgres(certificate), secureRedis(certificate), secureStorage(certificate)])
  plain = { database: await testDatabase(), redis: await testRedis() }
  const { user, password } = plain.database.credentials('runtime', 'notes')
  await postgres.query(`create role ${user} login password '${password}'`)
})
afterAll(async () => {
  for (const each of [plain?.redis, plain?.database, storage, redis, postgres, authority]) await each?.[Symbol.asyncDispose]()
})

let memory: MetricMemory
let host: Host
let lateness: number
beforeEach(async () => {
  memory = rememberMetrics()
  lateness = 0
  const certificate = await authority.issue({ days: 2 })
  for (const store of [postgres, redis, storage]) await store.renew(certificate)
})
afterEach(async () => {
  await host.closeServices()
  await host.closeStores()
  await memory[Symbol.asyncDispose]()
})

async function open(more: Record<string, string>): Promise<Host> {
  const environment = testEnvironment({ services: ['notes'], ...plain, storage: await testStorage(), more })
  return openHost('worker', [notes], { environment, log: silentLog, now: () => Date.now() + lateness * 1000 })
}

function openSecure(): Promise<Host> {
  return open({
    DATABASE_URL: postgres.adminUrl,
    DATABASE_TLS: 'verify-full',
    DATABASE_CA_FILE: authority.caFile,
    REDIS_URL: redis.url,
    REDIS_CA_FILE: authority.caFile,
    S3_ENDPOINT: storage.config.endpoint,
    S3_CA_FILE: authority.caFile,
  })
}

/** Postgres forgets its connections first, as a pool keeps them. */
const use = {
  postgres: async () => {
    await postgres.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename like 'slipway%'`)
    await host.services[0]?.databases.runtime.ready().catch(() => undefined)
  },
  redis: () => connected(host.shared.redis.get('cache')),
  storage: () => host.shared.storage.ready(),
}
type Store = keyof typeof use

/** Whole days that are left, by store. */
async function remaining(): Promise<Record<string, number>> {
  const points = await memory.points('slipway.certificate.remaining')
  return Object.fromEntries(points.map(({ attributes, value }) => [attributes['slipway.store'], Math.round(Number(value) / daySeconds)]))
}

async function useAll(): Promise<void> {
  await host.shared.storage.ensureBuckets(['notes'])
  await use.redis()
  await vi.waitUntil(async () => {
    await use.postgres()
    return (await remaining()).postgres === 2
  })
}

describe('the certificate of a store', () => {
  it('is told by how long it is still valid, once there was a connection', async () => {
    host = await openSecure()
    expect(await remaining()).toEqual({})
    await useAll()
    expect(await remaining()).toEqual({ postgres: 2, redis: 2, storage: 2 })
  })
})
