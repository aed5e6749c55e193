import { once } from 'node:events'
import { Readable } from 'node:stream'
import { connect, type Database, newId } from '@slipway/db'
import { defineQueue, enqueue, exponential, hours, type JobRun, minutes, seconds } from '@slipway/queue'
import type { MetricMemory } from '@slipway/telemetry/testing'
import { rememberMetrics } from '@slipway/telemetry/testing'
import { eicar, type TestDatabase, type TestRedis, testDatabase, testEnvironment, testRedis, testStorage, zipOf } from '@slipway/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { noteBackup } from './backup-notes.ts'
import { platformMigrations } from './checks.ts'
import { defineService } from './manifest.ts'
import { observePool } from './observe.ts'
import { notes } from './sample.fixtures/service.ts'
import { runPhases } from './shutdown.ts'
import { silentLog } from './silent-log.fixtures.ts'
import { createWorker, type Worker } from './worker.ts'

interface Context {
  readonly database: Database
}

const payload = z.object({ version: z.literal(1), tenantId: z.uuid(), fail: z.boolean() })
type Counted = z.output<typeof payload>

/** Jobs run when the test says so. */
let gate: PromiseWithResolvers<void>
let begun: PromiseWithResolvers<void>
const queue = defineQueue<Context, Counted>({
  name: 'note-counting',
  payload,
  attempts: 1,
  backoff: exponential(seconds(1)),
  timeout: minutes(5),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(1), failed: hours(1) },
  deadLetter: true,
  processor: async () => ({
    process: async (run: JobRun<Counted>) => {
      begun.resolve()
      await gate.promise
      if (run.payload.fail) throw new Error('as asked for')
    },
  }),
})
const counted = defineService({ ...notes, routes: [], queues: [queue], context: ({ database }): Context => ({ database }) })

let database: TestDatabase
let redis: TestRedis
let environment: Record<string, string>
beforeAll(async () => {
  database = await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }], libraries: platformMigrations })
  redis = await testRedis()
  environment = testEnvironment({ services: ['notes'], database, redis, storage: await testStorage() })
})
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]()
  await database?.[Symbol.asyncDispose]()
})

let memory: MetricMemory
let worker: Worker
beforeEach(async () => {
  gate = Promise.withResolvers()
  begun = Promise.withResolvers()
  memory = rememberMetrics()
  worker = await createWorker([counted], { environment, log: silentLog })
  await worker.host.shared.storage.ensureBuckets(['notes'])
})
afterEach(async () => {
  gate.resolve()
  await runPhases(worker.shutdown(), { deadline: 10_000, log: silentLog })
  await memory[Symbol.asyncDispose]()
})

const named = { 'messaging.destination.name': 'note-counting' }

/** By state. */
async function jobs(): Promise<Record<string, unknown>> {
  const found = await memory.points('slipway.queue.jobs')
  return Object.fromEntries(found.map(({ attributes, value }) => [attributes['slipway.job.state'], value]))
}

async function request(fail = false): Promise<void> {
  const service = worker.host.services[0]
  const tenantId = newId()
  await service?.databases.runtime.tenantTransaction(tenantId, (tx) =>
    enqueue(tx, queue, { version: 1, tenantId, fail }).then(() => undefined),
  )
}

/** Asks until it is so: the relay and the worker go at their own pace. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('it never came to hold')
}

describe('queues', () => {
  it('tell their jobs by state, the age of the oldest, and how jobs ended', async () => {
    await request()
    await begun.promise
    await request(true)
    // The relay hands a job to Redis first and says so in its row after that.
    await until(async () => (await jobs()).waiting === 1 && (await jobs()).pending === 0)
    expect(await jobs()).toEqual({ pending: 0, waiting: 1, active: 1, delayed: 0, failed: 0, dead: 0 })
    const [age] = await memory.points('slipway.queue.oldest_age')
    expect(age).toEqual({ attributes: named, value: expect.any(Number) as number })
    expect(age?.value).toBeGreaterThan(0)

    gate.resolve()
    await until(async () => (await jobs()).dead === 1)
    expect(await jobs()).toMatchObject({ waiting: 0, active: 0 })
    expect(await memory.points('slipway.queue.oldest_age')).toEqual([{ attributes: named, value: 0 }])
    expect(await memory.points('slipway.queue.dead_letters')).toEqual([{ attributes: named, value: 1 }])
    const outcomes = (await memory.points('messaging.process.duration')).map(({ attributes }) => attributes['slipway.job.outcome'])
    expect(new Set(outcomes)).toEqual(new Set(['completed', 'dead']))
  })

  it('whose Redis is away still tell what Postgres owes', async () => {
    await using lonely = await testRedis()
    const away = testEnvironment({ services: ['notes'], database, redis: lonely, storage: await testStorage() })
    const other = await createWorker([counted], { environment: away, log: silentLog })
    await runPhases(worker.shutdown(), { deadline: 10_000, log: silentLog })
    worker = other
    await lonely[Symbol.asyncDispose]()
    await request()
    await until(async () => (await jobs()).pending === 1)
    expect(new Set(Object.keys(await jobs()))).toEqual(new Set(['dead', 'pending']))
    expect((await memory.points('slipway.queue.oldest_age'))[0]?.value).toBeGreaterThan(0)
  })
})

describe('scans', () => {
  const target = { bucket: 'notes', key: 'a', maxBytes: 1_000_000, tenantId: newId() }

  it('tell verdicts, reasons, bytes, and the way to clamd', async () => {
    const { gate: scans } = worker.host.shared
    await scans.accept(Readable.from([Buffer.from('harmless')]), target)
    await scans.accept(Readable.from([eicar()]), target)
    await scans.accept(Readable.from([zipOf([{ name: 'a', content: 'x' }], { encrypted: true })]), target)
    const verdicts = await memory.points('slipway.scan.verdicts')
    expect(verdicts.map(({ attributes, value }) => [attributes['slipway.scan.verdict'], value])).toEqual([
      ['clean', 1],
      ['infected', 1],
      ['unscannable', 1],
      ['error', 0],
    ])
    expect((await memory.points('slipway.scan.bytes'))[0]?.value).toBe(8)
    const reasons = await memory.points('slipway.scan.unscannable')
    expect(reasons.filter(({ value }) => value === 1)).toEqual([{ attributes: { 'slipway.scan.reason': 'encrypted' }, value: 1 }])
    expect(await memory.points('slipway.scan.connection.wait_time')).toMatchObject([{ attributes: {}, value: { count: 3 } }])
  })

  it('tell the places that are taken, and that clamd answers', async () => {
    const { scanner } = worker.host.shared
    const stream = await scanner.open()
    const states = await memory.points('slipway.scan.connection.count')
    const { places } = scanner
    expect(states.map(({ attributes, value }) => [attributes['slipway.scan.connection.state'], value])).toEqual([
      ['used', 1],
      ['idle', places - 1],
    ])
    const closed = once(stream, 'close')
    stream.destroy()
    await closed
    const status = await memory.points('slipway.scan.status')
    expect(status.filter(({ value }) => value === 1)).toHaveLength(1)
    expect(status.find(({ value }) => value === 1)?.attributes).not.toEqual({ 'slipway.scan.status': 'down' })
  })

  it('tell the operations on the store and their bytes', async () => {
    const accepted = await worker.host.shared.gate.accept(Readable.from([Buffer.from('harmless')]), target)
    if (accepted.pending || !('promote' in accepted)) throw new Error('it is clean')
    const operations = await memory.points('slipway.storage.operation.duration')
    expect(operations.map(({ attributes }) => attributes['slipway.storage.operation'])).toContain('PutObject')
    const bytes = await memory.points('slipway.storage.bytes')
    expect(bytes).toContainEqual({ attributes: { 'slipway.storage.direction': 'write' }, value: 8 })
    await expect(worker.host.shared.storage.read({ bucket: 'notes', key: 'nowhere' })).rejects.toMatchObject({ code: 'resource.not-found' })
    const failed = (await memory.points('slipway.storage.operation.duration')).filter(({ attributes }) => attributes['error.type'])
    expect(failed).toMatchObject([{ attributes: { 'slipway.storage.operation': 'GetObject', 'error.type': 'NoSuchKey' } }])
  })
})

describe('backups', () => {
  it('tell age and size of the last of each kind, and the last restore; nothing before the first', async () => {
    expect(await memory.points('slipway.backup.age')).toEqual([])
    const connection = worker.host.shared.redis.get('state')
    const { keyPrefix } = worker.host.config.platform.redis
    const at = Date.now() - 3_600_000
    await noteBackup(connection, { keyPrefix, kind: 'postgres', note: { at: at - 1_000_000, bytes: 1 } })
    await noteBackup(connection, { keyPrefix, kind: 'postgres', note: { at, bytes: 500 } })
    await noteBackup(connection, { keyPrefix, kind: 'drill', note: { at, bytes: null } })
    const [age, ...others] = await memory.points('slipway.backup.age')
    expect([age?.attributes, others]).toEqual([{ 'slipway.backup.kind': 'postgres' }, []])
    expect(Math.floor(Number(age?.value) / 600)).toBe(6)
    expect(await memory.points('slipway.backup.size')).toEqual([{ attributes: { 'slipway.backup.kind': 'postgres' }, value: 500 }])
    expect(await memory.points('slipway.backup.drill.age')).toHaveLength(1)
  })
})

describe('pools', () => {
  it('of Postgres tell connections in use, those who wait, and how long it took', async () => {
    const acquired: { seconds: number; error: string | null }[] = []
    await using small = connect({
      url: database.adminUrl,
      poolSize: 1,
      name: 'small',
      connectSeconds: 30,
      onAcquire: (each) => void acquired.push(each),
    })
    using _observed = observePool(small.pool, 'small')
    const own = async (name: string) =>
      (await memory.points(name))
        .filter(({ attributes }) => attributes['db.client.connection.pool.name'] === 'small')
        .map(({ value }) => value)
    const client = await small.pool.connect()
    const waits = small.pool.query('select 1')
    expect(await own('db.client.connection.count')).toEqual([0, 1])
    expect(await own('db.client.connection.pending_requests')).toEqual([1])
    expect(await own('db.client.connection.max')).toEqual([1])
    client.release()
    await waits
    expect(await own('db.client.connection.count')).toEqual([1, 0])
    expect(acquired).toMatchObject([{ error: null }, { error: null }])
    await small.transaction(async () => undefined)
    expect(acquired).toHaveLength(3)
  })

  it('of Postgres tell when there is no connection', async () => {
    const acquired: { error: string | null }[] = []
    await using gone = connect({ url: 'postgres://a:b@127.0.0.1:1/c', name: 'gone', onAcquire: (each) => void acquired.push(each) })
    await expect(gone.ready()).rejects.toMatchObject({ code: 'database.unavailable' })
    expect(acquired).toMatchObject([{ error: expect.any(String) as string }])
  })

  it('of the roles of a process are all told, and each purpose of Redis', async () => {
    worker.host.shared.redis.get('cache')
    await until(async () => {
      const found = await memory.points('db.client.connection.count')
      return found.some(({ attributes, value }) => attributes['db.client.connection.pool.name'] === 'redis/cache' && value === 1)
    })
    const names = (await memory.points('db.client.connection.max')).map(({ attributes }) => attributes['db.client.connection.pool.name'])
    expect(new Set(names)).toEqual(new Set(['redis/cache', 'redis/state', 'slipway_notes_runtime', 'slipway_notes_system']))
    const waits = await memory.points('db.client.connection.wait_time')
    expect(waits.map(({ attributes }) => attributes['db.client.connection.pool.name'])).toContain('slipway_notes_system')
  })
})
