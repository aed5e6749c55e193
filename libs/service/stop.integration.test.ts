import { once } from 'node:events'
import { connect, type Database, newId } from '@slipway/db'
import { type HttpServer, listen, reply, routesFor } from '@slipway/http'
import { defineQueue, enqueue, exponential, hours, type JobRun, minutes, seconds } from '@slipway/queue'
import { type TestDatabase, type TestRedis, testDatabase, testEnvironment, testRedis, testStorage } from '@slipway/testing'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApi, listenApi } from './api.ts'
import { platformMigrations } from './checks.ts'
import { defineService } from './manifest.ts'
import { notes } from './sample.fixtures/service.ts'
import { type Phase, runPhases } from './shutdown.ts'
import { silentLog } from './silent-log.fixtures.ts'
import { createWorker } from './worker.ts'

interface Context {
  readonly database: Database
}

/** What happened, in order, and the gates at which work stands until the test opens them. */
let events: string[]
let begun: PromiseWithResolvers<void>
let gate: PromiseWithResolvers<void>
beforeEach(() => {
  events = []
  begun = Promise.withResolvers()
  gate = Promise.withResolvers()
})

async function workAtGate({ database }: Context, what: string): Promise<void> {
  begun.resolve()
  await gate.promise
  await database.transaction((tx) => tx.execute(sql`select 1`))
  events.push(`${what} done`)
}

const route = routesFor<Context>()
const responses = { 200: { description: 'Done', schema: z.object({ done: z.boolean() }) } }
const slow = route(
  { method: 'GET', path: '/api/v1/notes/slow', operation: 'notes.slow', summary: 'Slow', auth: 'none', responses },
  async (_input, context) => {
    await workAtGate(context, 'request')
    return reply(200, { done: true })
  },
)

const payload = z.object({ version: z.literal(1), kind: z.enum(['patient', 'obedient', 'deaf']) })
type Standing = z.output<typeof payload>
const queue = defineQueue<Context, Standing>({
  name: 'note-standing',
  payload,
  attempts: 1,
  backoff: exponential(seconds(1)),
  timeout: minutes(5),
  concurrency: 1,
  rate: null,
  keep: { completed: hours(1), failed: hours(1) },
  deadLetter: true,
  processor: async () => ({
    process: async ({ payload: { kind }, signal }: JobRun<Standing>, context: Context) => {
      if (kind === 'patient') return workAtGate(context, 'job')
      begun.resolve()
      if (kind === 'deaf') return gate.promise
      await once(signal, 'abort')
      events.push('job told')
      signal.throwIfAborted()
      return undefined
    },
  }),
})

const standing = defineService({
  ...notes,
  routes: [slow],
  queues: [queue],
  context: (runtime): Context => {
    const { database, kind } = runtime
    // A service's own resource may still need the stores when it is closed.
    const closing = async () => {
      await database.transaction((tx) => tx.execute(sql`select 1`))
      events.push(`${kind} resource closed`)
    }
    runtime.own({ [Symbol.asyncDispose]: closing })
    return { database }
  },
})

let database: TestDatabase
let observer: Database
let redis: TestRedis
let environment: Record<string, string>
beforeAll(async () => {
  database = await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }], libraries: platformMigrations })
  observer = connect({ url: database.adminUrl, name: 'observer', poolSize: 1 })
  redis = await testRedis()
  environment = testEnvironment({ services: ['notes'], database, redis, storage: await testStorage() })
})
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]()
  await observer?.[Symbol.asyncDispose]()
  await database?.[Symbol.asyncDispose]()
})

const auth = { authenticate: async () => null }
const stop = (phases: readonly Phase[], deadline: number) => runPhases(phases, { deadline, log: silentLog })
const outcomes = (reports: Awaited<ReturnType<typeof runPhases>>) => Object.fromEntries(reports.map(({ name, outcome }) => [name, outcome]))

async function standingApi(changes: Record<string, string> = {}) {
  const api = await createApi([standing], { environment: { ...environment, ...changes }, auth, log: silentLog })
  const { open, internal } = await listenApi(api)
  return { api, open, phases: api.shutdown([open, internal]) }
}

const health = async ({ url }: HttpServer, path: string) => (await fetch(`${url}/health${path}`)).status

describe('an API that is told to stop', () => {
  it('answers what it has begun, then closes what services own, then the stores', async () => {
    const { open, phases } = await standingApi()
    const answer = fetch(`${open.url}/api/v1/notes/slow`)
    await begun.promise
    const stopping = stop(phases, 20_000)
    await expect.poll(() => open.server.listening).toBe(false)
    gate.resolve()
    const response = await answer
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
    expect(outcomes(await stopping)).toEqual({ 'not ready': 'done', requests: 'done', services: 'done', stores: 'done' })
    expect(events).toEqual(['request done', 'api resource closed'])
  })

  it('loses none of many requests', async () => {
    const { open, phases } = await standingApi()
    const answers = Array.from({ length: 40 }, async () => (await fetch(`${open.url}/api/v1/notes/slow`)).status)
    await begun.promise
    await expect.poll(async () => await connectionsOf(open)).toBe(40)
    const stopping = stop(phases, 20_000)
    gate.resolve()
    expect(await Promise.all(answers)).toEqual(Array<number>(40).fill(200))
    expect(Object.values(outcomes(await stopping))).toEqual(['done', 'done', 'done', 'done'])
    expect(events.at(-1)).toBe('api resource closed')
  })

  async function connectionsOf({ server }: HttpServer): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    server.getConnections((_error, count) => resolve(count))
    return await promise
  }

  it('cuts off a request that hangs at half of its time, and still closes everything', async () => {
    const { open, phases } = await standingApi({ SHUTDOWN_SECONDS: '1' })
    const answer = fetch(`${open.url}/api/v1/notes/slow`)
    answer.catch(() => undefined)
    await begun.promise
    const reports = await stop(phases, 20_000)
    await expect(answer).rejects.toThrow('fetch failed')
    expect(outcomes(reports)).toMatchObject({ requests: 'done', services: 'done', stores: 'done' })
    expect(events).toEqual(['api resource closed'])
    gate.resolve()
  })

  it('says so to load balancers, and serves on until they have taken notice', async () => {
    const { open, api, phases } = await standingApi({ SHUTDOWN_NOT_READY_SECONDS: '1' })
    expect([await health(open, '/ready'), await health(open, '/live')]).toEqual([200, 200])
    const stopping = stop(phases, 10_000)
    expect(api.host.health.draining).toBe(true)
    expect([await health(open, '/ready'), await health(open, ''), await health(open, '/live')]).toEqual([503, 503, 200])
    expect((await fetch(`${open.url}/api/v1/notes/openapi.json`)).status).toBe(200)
    await stopping
    await expect(fetch(`${open.url}/health/live`)).rejects.toThrow('fetch failed')
  })
})

describe('a worker that is told to stop', () => {
  async function standingWorker(kind: 'patient' | 'obedient' | 'deaf', changes: Record<string, string> = {}) {
    const worker = await createWorker([standing], {
      environment: { ...environment, REDIS_KEY_PREFIX: `k${newId()}`, ...changes },
      log: silentLog,
    })
    // What another test left behind is not this one's.
    await observer.pool.query('delete from notes.jobs')
    const { system } = worker.host.services[0]!.databases
    const id = await system.transaction((tx) => enqueue(tx, queue, { version: 1, kind }))
    await begun.promise
    const stateOf = async () => {
      const { rows } = await observer.pool.query<{ state: string }>('select state from notes.jobs where id = $1', [id])
      return rows[0]?.state
    }
    return { worker, stateOf }
  }

  it('ends the job that runs before it closes what the job needs', async () => {
    const { worker } = await standingWorker('patient')
    const stopping = stop(worker.shutdown(), 20_000)
    gate.resolve()
    expect(new Set(Object.values(outcomes(await stopping)))).toEqual(new Set(['done']))
    expect(events).toEqual(['job done', 'worker resource closed'])
  })

  it('gives back a job that takes too long, for the next worker', async () => {
    const { worker, stateOf } = await standingWorker('obedient', { SHUTDOWN_SECONDS: '2' })
    const reports = await stop(worker.shutdown(), 20_000)
    expect(events).toEqual(['job told', 'worker resource closed'])
    expect(['pending', 'waiting', 'retrying']).toContain(await stateOf())
    expect(new Set(Object.values(outcomes(reports)))).toEqual(new Set(['done']))
  })

  it('does not wait for ever for a job that hears nothing: the phases after it close what they can', async () => {
    const { worker } = await standingWorker('deaf', { SHUTDOWN_SECONDS: '1' })
    const phases = worker.shutdown()
    const jobs = phases.findIndex(({ name }) => name === 'jobs') + 1
    // How a deadline is shared is `runPhases`'s own test; here the machine may be slow in whatever comes after the job.
    expect(outcomes(await stop(phases.slice(0, jobs), 1000))).toEqual({ 'not ready': 'done', jobs: 'timed-out' })
    expect(outcomes(await stop(phases.slice(jobs), 20_000))).toMatchObject({ services: 'done', probes: 'done', metrics: 'done' })
    expect(events).toEqual(['worker resource closed'])
    gate.resolve()
  })

  it('answers its probes while jobs end', async () => {
    const { worker } = await standingWorker('patient')
    const server = await listen(worker.app, { host: '127.0.0.1', port: 0 })
    const stopping = stop(worker.shutdown(server), 20_000)
    expect([await health(server, '/ready'), await health(server, '/live')]).toEqual([503, 200])
    gate.resolve()
    await stopping
    expect(server.server.listening).toBe(false)
  })
})

describe('a host', () => {
  it('takes resources over at any time, the last one closed first', async () => {
    let own: ((resource: AsyncDisposable) => unknown) | undefined
    const late = defineService({
      ...standing,
      context: (runtime): Context => {
        own = (resource) => runtime.own(resource)
        return { database: runtime.database }
      },
    })
    const api = await createApi([late], { environment, auth, log: silentLog })
    for (const name of ['first', 'second']) own?.({ [Symbol.asyncDispose]: async () => void events.push(name) })
    await stop(api.shutdown([]), 10_000)
    expect(events).toEqual(['second', 'first'])
  })

  it('whose service cannot be made leaves nothing open', async () => {
    const broken = defineService({
      ...standing,
      context: async (runtime): Promise<Context> => {
        await standing.context(runtime)
        throw new Error('no context')
      },
    })
    await expect(createApi([broken], { environment, auth, log: silentLog })).rejects.toThrow('no context')
    expect(events).toEqual(['api resource closed'])
    await expect.poll(() => openConnections()).toBe(0)
  })

  it.each([
    ['identity', {}, ['SLIPWAY_IDENTITY_URL', 'SLIPWAY_SERVICE_CREDENTIAL']],
    ['its own credential', { SLIPWAY_IDENTITY_URL: 'http://127.0.0.1:1' }, ['SLIPWAY_SERVICE_CREDENTIAL']],
  ])('of an API that was not told of %s is a fault of configuration, and leaves nothing open', async (_, changes, names) => {
    const faults = names.map((name) => `${name} is not set: an API cannot verify credentials without it`)
    const making = createApi([standing], { environment: { ...environment, ...changes }, log: silentLog })
    await expect(making).rejects.toMatchObject({ name: 'ConfigError', faults })
    expect(events).toEqual(['api resource closed'])
    await expect.poll(() => openConnections()).toBe(0)
  })

  it('of a worker whose processor cannot be loaded leaves nothing open', async () => {
    const broken = defineService({ ...standing, queues: [{ ...queue, processor: () => Promise.reject(new Error('no such file')) }] })
    await expect(createWorker([broken], { environment, log: silentLog })).rejects.toThrow('no such file')
    expect(events).toEqual(['worker resource closed'])
    await expect.poll(() => openConnections()).toBe(0)
  })

  async function openConnections(): Promise<number> {
    const { rows } = await observer.pool.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name like 'slipway notes%'`,
    )
    return rows[0]?.count ?? -1
  }
})
