import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Authenticator, Principal } from '@slipway/auth'
import { newId } from '@slipway/db'
import { type HttpServer, listen } from '@slipway/http'
import {
  drain,
  type TestDatabase,
  type TestRedis,
  type TestStorage,
  testDatabase,
  testEnvironment,
  testRedis,
  testStorage,
} from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, createApi } from './api.ts'
import { platformMigrations } from './checks.ts'
import { notes, shouting } from './sample.fixtures/service.ts'
import { runPhases } from './shutdown.ts'
import { silentLog } from './silent-log.fixtures.ts'
import { createWorker, type Worker } from './worker.ts'

const tenant = { id: newId(), slug: 'acme' }
const member: Principal = { kind: 'user', id: newId(), role: 'member', scopes: ['*'], tenant }
const admin: Principal = { ...member, role: 'admin' }
const callers: Readonly<Record<string, Principal>> = {
  'Bearer member': member,
  'Bearer admin': admin,
  'Bearer other': { ...admin, id: newId(), tenant: { id: newId(), slug: 'other' } },
  'Bearer operator': { kind: 'operator', id: newId(), scopes: ['*'] },
}

/** Stands for identity, which has tests of its own: the bearer token is the role. */
const auth: Authenticator = {
  authenticate: async ({ headers }) => callers[headers.authorization ?? ''] ?? null,
}

let database: TestDatabase
let redis: TestRedis
let storage: TestStorage
let environment: Record<string, string>

beforeAll(async () => {
  database = await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }], libraries: platformMigrations })
  redis = await testRedis()
  storage = await testStorage()
  environment = testEnvironment({ services: ['notes'], database, redis, storage })
})
afterAll(async () => {
  await redis?.[Symbol.asyncDispose]()
  await database?.[Symbol.asyncDispose]()
})

describe('an API and a worker in one process', () => {
  let api: Api
  let worker: Worker
  let server: HttpServer
  let internal: HttpServer
  beforeAll(async () => {
    api = await createApi([notes], { environment, auth, log: silentLog })
    worker = await createWorker([notes], { environment, log: silentLog })
    server = await listen(api.app, { host: '127.0.0.1', port: 0 })
    internal = await listen(api.internalApp, { host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await runPhases([...worker.shutdown(), ...api.shutdown([server, internal])], { deadline: 10_000, log: silentLog })
  })
  const as = (token: string, init: RequestInit = {}) => ({
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.body ? { 'content-type': 'application/json' } : {}) },
  })

  it('carry a request through its transaction, its intent and its job', async () => {
    const created = await fetch(`${server.url}/api/v1/notes`, as('member', { method: 'POST', body: '{"body":"hello"}' }))
    expect(created.status).toBe(202)
    const { id } = (await created.json()) as { id: string }
    await drain(await api.host.shared.queues.queue(shouting))
    const note = await untilShouted(`${server.url}/api/v1/notes/${id}`)
    expect(note).toEqual({ id, body: 'hello', shouted: 'HELLO' })
  })

  async function untilShouted(url: string): Promise<unknown> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const note = (await (await fetch(url, as('member'))).json()) as { shouted: string | null }
      if (note.shouted !== null) return note
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('the note was never shouted')
  }

  it('answer probes on both listeners and tell of the restriction to test signatures', async () => {
    for (const url of [server.url, internal.url]) {
      expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'ok' })
      expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
      const ready = await fetch(`${url}/health/ready`)
      expect(ready.status).toBe(200)
      expect(await ready.json()).toMatchObject({
        status: 'degraded',
        checks: {
          'database:notes': { status: 'ok' },
          'schema:notes': { status: 'ok' },
          storage: { status: 'ok' },
          signatures: { status: 'degraded' },
        },
      })
    }
  })

  it('lists, counts and replays the jobs of the tenant for its admins, and nobody else', async () => {
    const jobs = `${server.url}/api/v1/notes/jobs`
    expect((await fetch(jobs, as('member'))).status).toBe(403)
    const { items } = (await (await fetch(jobs, as('admin'))).json()) as { items: { id: string; state: string; stack: unknown }[] }
    expect(items).toMatchObject([{ queue: 'note-shouting', state: 'completed', tenantId: tenant.id, durable: true, stack: null }])
    const counts = await (await fetch(`${jobs}/counts`, as('admin'))).json()
    expect(counts).toMatchObject({ items: [{ queue: 'note-shouting', jobs: { completed: 1, dead: 0 }, redis: null }] })
    expect((await fetch(`${jobs}/${items[0]!.id}/retry`, as('admin', { method: 'POST' }))).status).toBe(409)
    const replay = await fetch(`${jobs}/${items[0]!.id}/replay`, as('admin', { method: 'POST' }))
    expect(replay.status).toBe(202)
    expect(await replay.json()).toMatchObject({ replayOf: items[0]!.id, queue: 'note-shouting' })
    expect((await fetch(jobs, as('stranger'))).status).toBe(401)
    const elsewhere = (await (await fetch(jobs, as('other'))).json()) as { items: unknown[] }
    expect(elsewhere.items).toEqual([])
    expect((await fetch(`${jobs}/${items[0]!.id}`, as('other'))).status).toBe(404)
  })

  it('lets the operator see the jobs of all tenants, and records the look', async () => {
    const response = await fetch(`${server.url}/api/v1/notes/jobs?state=completed&state=waiting&limit=1`, as('operator'))
    expect(response.status).toBe(200)
    const { rows } = await api.host.services[0]!.databases.system.pool.query<{ action: string; actor_kind: string }>(
      'select action, actor_kind from notes.audit order by id',
    )
    expect(rows).toContainEqual({ action: 'jobs.listed', actor_kind: 'operator' })
    expect(rows).toContainEqual({ action: 'job.replay', actor_kind: 'user' })
  })

  it('show the state of the service to admins only', async () => {
    expect((await fetch(`${server.url}/api/v1/notes/status`, as('member'))).status).toBe(403)
    const status = await fetch(`${server.url}/api/v1/notes/status`, as('admin'))
    expect(await status.json()).toMatchObject({
      service: 'notes',
      status: 'degraded',
      scanner: { status: 'test-signatures', engine: expect.stringMatching(/^ClamAV \d/), database: null, ageSeconds: null },
    })
  })

  it('document the service, browse it and explain problems', async () => {
    const document = (await (await fetch(`${server.url}/api/v1/notes/openapi.json`)).json()) as { openapi: string; paths: object }
    expect(document.openapi).toMatch(/^3\.1/)
    expect(Object.keys(document.paths)).toContain('/api/v1/notes/{id}')
    expect((await fetch(`${server.url}/docs`)).headers.get('content-type')).toContain('text/html')
    expect((await fetch(`${server.url}/problems/file.infected`)).status).toBe(200)
  })

  it('limits each caller where a route has no limit of its own, and says so', async () => {
    const response = await fetch(`${server.url}/api/v1/notes/jobs`, as('admin'))
    expect(response.headers.get('ratelimit-policy')).toBe('"notes";q=3000;w=60')
    expect(response.headers.get('ratelimit')).toMatch(/^"notes";r=29\d\d;t=\d+$/)
    await using strict = await disposable(
      await createApi([notes], {
        environment: { ...environment, HTTP_REQUESTS_PER_MINUTE: '1', REDIS_KEY_PREFIX: 'strict' },
        auth,
        log: silentLog,
      }),
    )
    const statuses = [await strict.status('admin'), await strict.status('admin'), await strict.status('other')]
    expect(statuses).toEqual([200, 429, 200])
  })

  async function disposable(strict: Api) {
    const own = await listen(strict.app, { host: '127.0.0.1', port: 0 })
    return {
      status: async (token: string) => (await fetch(`${own.url}/api/v1/notes/jobs`, as(token))).status,
      [Symbol.asyncDispose]: async () => void (await runPhases(strict.shutdown([own]), { deadline: 10_000, log: silentLog })),
    }
  }

  it('answer what is not there with a problem, and internal paths on the internal listener only', async () => {
    const missing = await fetch(`${server.url}/internal/v1/anything`)
    expect(missing.status).toBe(404)
    expect(await missing.json()).toMatchObject({ code: 'route.not-found' })
    expect((await fetch(`${internal.url}/api/v1/notes/${newId()}`, as('admin'))).status).toBe(404)
  })
})

describe('readiness', () => {
  async function readyWith(changes: Record<string, string>) {
    const api = await createApi([notes], { environment: { ...environment, ...changes }, auth, log: silentLog })
    const readiness = await api.host.health.ready()
    await runPhases(api.shutdown([]), { deadline: 10_000, log: silentLog })
    return readiness
  }

  it('refuses a scanner without real signatures unless that is allowed', async () => {
    const readiness = await readyWith({ CLAMAV_ALLOW_TEST_SIGNATURES: 'false' })
    expect(readiness.problem).toMatchObject({ code: 'scanner.no-signatures', status: 503 })
  })

  it('is refused without Postgres and without the object store', async () => {
    expect((await readyWith({ DATABASE_URL: 'postgres://127.0.0.1:1/slipway' })).problem).toMatchObject({ code: 'database.unavailable' })
    const storeless = await readyWith({ S3_ENDPOINT: 'http://127.0.0.1:1', S3_CREATE_BUCKETS: 'false' })
    expect(storeless.problem?.status).toBe(503)
  })

  it('is degraded without clamd: downloads go on', async () => {
    const readiness = await readyWith({ CLAMAV_PORT: '1' })
    expect(readiness).toMatchObject({ status: 'degraded', checks: { scanner: { status: 'unavailable' } } })
  })

  it('is degraded for an API without Redis: jobs wait as intents', async () => {
    const readiness = await readyWith({ REDIS_URL: 'redis://127.0.0.1:1' })
    expect(readiness).toMatchObject({ status: 'degraded', checks: { redis: { status: 'unavailable' } } })
  })

  it('waits for the migrations of this release', async () => {
    await using empty = await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }] })
    const readiness = await readyWith({
      DATABASE_URL: testEnvironment({ services: ['notes'], database: empty, redis, storage }).DATABASE_URL!,
    })
    expect(readiness.problem).toMatchObject({ code: 'service.not-ready', message: expect.stringContaining('migrations are pending') })
  })
})

describe('a real process', () => {
  const started: ChildProcess[] = []
  afterAll(() => {
    for (const child of started) if (child.exitCode === null) child.kill('SIGKILL')
  })

  function start(entry: 'api' | 'worker' | 'unlucky', changes: Record<string, string> = {}) {
    const path = fileURLToPath(new URL(`./sample.fixtures/${entry}.ts`, import.meta.url))
    const identity = { SLIPWAY_IDENTITY_URL: 'http://127.0.0.1:1', SLIPWAY_SERVICE_CREDENTIAL: 'notes.secret' }
    const env = { ...environment, ...identity, LOG_LEVEL: 'info', ...changes }
    const child = spawn(process.execPath, [path], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    started.push(child)
    return child
  }

  /** The first log line that has the message. */
  async function line(child: ChildProcessByStdio<null, Readable, Readable>, message: string): Promise<Record<string, unknown>> {
    for await (const text of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(text) as Record<string, unknown>
      if (entry.msg === message) return entry
    }
    throw new Error(`the process ended without saying "${message}"`)
  }

  const ended = async (child: ChildProcess): Promise<number | null> => child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0]

  it('serves, and ends with 0 after SIGTERM', async () => {
    const child = start('api')
    const { port } = await line(child, 'listening')
    expect((await fetch(`http://127.0.0.1:${String(port)}/health/live`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended(child)).toBe(0)
  })

  it('works, answers probes on the internal address, and ends with 0 after SIGINT', async () => {
    const child = start('worker')
    const { internalPort } = await line(child, 'working')
    expect((await fetch(`http://127.0.0.1:${String(internalPort)}/health/live`)).status).toBe(200)
    child.kill('SIGINT')
    expect(await ended(child)).toBe(0)
  })

  it('stops once, in order and with 1, however much fails that nobody waits for', async () => {
    const child = start('unlucky')
    const said: string[] = []
    for await (const text of createInterface({ input: child.stdout })) {
      const { msg } = JSON.parse(text) as { msg: string }
      said.push(msg)
      if (msg === 'listening') child.kill('SIGUSR2')
    }
    expect(await ended(child)).toBe(1)
    expect(said.filter((msg) => msg === 'a failure that nobody handled')).toHaveLength(4)
    expect(said.filter((msg) => msg === 'stopping')).toHaveLength(1)
    expect(said.filter((msg) => msg.startsWith('shutdown: '))).toEqual(
      ['not ready', 'requests', 'services', 'stores', 'telemetry'].map((phase) => `shutdown: ${phase}`),
    )
  })

  it('ends at once at a second signal', async () => {
    const child = start('api', { SHUTDOWN_NOT_READY_SECONDS: '20' })
    const log = createInterface({ input: child.stdout })
    const said: unknown[] = []
    for await (const text of log) {
      const { msg } = JSON.parse(text) as { msg: string }
      said.push(msg)
      if (msg === 'listening' || msg === 'stopping') child.kill('SIGTERM')
    }
    expect(await ended(child)).toBe(1)
    expect(said).toEqual(['listening', 'stopping'])
  })

  it.each<[string, Record<string, string>, string]>([
    ['no identity', { SLIPWAY_IDENTITY_URL: '' }, 'SLIPWAY_IDENTITY_URL is not set'],
    ['a secret twice', { NOTES_DB_RUNTIME_PASSWORD_FILE: '/dev/null' }, 'NOTES_DB_RUNTIME_PASSWORD_FILE are both set'],
    ['a secret that is not mounted', { REDIS_URL: '', REDIS_URL_FILE: '/nowhere' }, 'REDIS_URL_FILE: "/nowhere" cannot be read (ENOENT)'],
    ['test signatures in production', { SLIPWAY_ENV: 'production' }, 'CLAMAV_ALLOW_TEST_SIGNATURES: true'],
  ])('ends with 78 and without a stack: %s', async (_, changes, fault) => {
    const child = start('api', changes)
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    expect(await ended(child)).toBe(78)
    expect(said).toContain(fault)
    expect(said).not.toMatch(/^ {4}at /m)
  })

  it('says what is wrong with its environment and ends with 78', async () => {
    const child = start('api', { HTTP_PORT: 'eighty', SLIPWAY_PUBLC_URL: 'x' })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    expect(await ended(child)).toBe(78)
    expect(said).toContain('HTTP_PORT: "eighty" is not a whole number')
    expect(said).toContain('did you mean SLIPWAY_PUBLIC_URL?')
  })

  it('leaves nothing running when its port is taken', async () => {
    await using taken = await listen((_request, response) => void response.end(), { host: '127.0.0.1', port: 0 })
    const child = start('api', { HTTP_PORT: String(taken.port) })
    expect(await ended(child)).toBe(1)
  })
})
