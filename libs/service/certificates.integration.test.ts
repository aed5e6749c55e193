import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { connect } from '@slipway/db'
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
const patience = { timeout: 30_000 }

let authority: TestAuthority
let postgres: SecurePostgres
let redis: SecureRedis
let storage: SecureStorage
let plain: { database: TestDatabase; redis: TestRedis }
beforeAll(async () => {
  authority = await testAuthority()
  const certificate = await authority.issue({ days: 2 })
  ;[postgres, redis, storage] = await Promise.all([securePostgres(certificate), secureRedis(certificate), secureStorage(certificate)])
  plain = { database: await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }] }), redis: await testRedis() }
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

/** Something that needs a new connection; Postgres and Redis are made to lose theirs first. */
const reconnect = {
  postgres: async () => {
    await postgres.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename like 'slipway%'`)
    // A connection of the pool may be found to be gone just now.
    await host.services[0]?.databases.runtime.ready().catch(() => undefined)
  },
  redis: async () => {
    const connection = host.shared.redis.get('cache')
    await connected(connection)
    const ready = once(connection, 'ready')
    connection.disconnect(true)
    await ready
  },
  storage: () => host.shared.storage.ensureBuckets(['notes']),
}
const stores = Object.keys(reconnect) as (keyof typeof reconnect)[]

/** Whole days that are left, by store. */
async function remaining(): Promise<Record<string, number>> {
  const points = await memory.points('slipway.certificate.remaining')
  return Object.fromEntries(points.map(({ attributes, value }) => [attributes['slipway.store'], Math.round(Number(value) / daySeconds)]))
}

/** Postgres takes its time to read a renewed certificate, hence more than one connection. */
async function expectDays(store: (typeof stores)[number], days: number): Promise<void> {
  await expect
    .poll(async () => {
      await reconnect[store]()
      return (await remaining())[store]
    }, patience)
    .toBe(days)
}

describe('the certificate of a store', () => {
  it('is told by how long it is still valid, from the first connection on', async () => {
    host = await openSecure()
    expect(await remaining()).toEqual({})
    for (const store of stores) await expectDays(store, 2)
    expect(await remaining()).toEqual({ postgres: 2, redis: 2, storage: 2 })
  })

  it.each(stores)('of %s is seen at the next connection when it was renewed, without a restart', async (store) => {
    host = await openSecure()
    await expectDays(store, 2)
    await { postgres, redis, storage }[store].renew(await authority.issue({ days: 30 }))
    await expectDays(store, 30)
  })

  it('that has expired since has less than nothing left', async () => {
    host = await openSecure()
    await expectDays('redis', 2)
    lateness = 5 * daySeconds
    expect(await remaining()).toEqual({ redis: -3 })
  })

  it('is absent where connections are plain', async () => {
    host = await open({})
    await host.services[0]?.databases.runtime.ready()
    await connected(host.shared.redis.get('cache'))
    await reconnect.storage()
    expect(await remaining()).toEqual({})
  })
})

describe('a pool of Postgres', () => {
  it('tells of each new connection over TLS once, and hands its socket over', async () => {
    host = await openSecure()
    const sockets: TLSSocket[] = []
    await using database = connect({
      url: postgres.adminUrl,
      tls: { mode: 'verify-full', caFile: authority.caFile },
      onSecure: (socket) => void sockets.push(socket),
    })
    await database.ready()
    await database.ready()
    expect(sockets.map((socket) => socket.getPeerX509Certificate()?.subject)).toEqual(['CN=server'])
    const first = await database.pool.connect()
    await database.ready()
    first.release()
    expect(sockets).toHaveLength(2)
  })
})
