import type { Authenticator, Principal } from '@slipway/auth'
import { newId } from '@slipway/db'
import { type HttpServer, listen } from '@slipway/http'
import { enqueue } from '@slipway/queue'
import { type TestDatabase, type TestRedis, testDatabase, testEnvironment, testRedis, testStorage } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Api, createApi } from './api.ts'
import { platformMigrations } from './checks.ts'
import { notes, shouting } from './sample.fixtures/service.ts'
import { runPhases } from './shutdown.ts'
import { silentLog } from './silent-log.fixtures.ts'

const acme = { id: newId(), slug: 'acme' }
const globex = { id: newId(), slug: 'globex' }
const person = (changes: Partial<Principal>): Principal => ({ kind: 'user', id: newId(), scopes: ['*'], tenant: acme, ...changes })

const callers = {
  viewer: person({ role: 'viewer' }),
  member: person({ role: 'member' }),
  admin: person({ role: 'admin' }),
  owner: person({ role: 'owner' }),
  'admin elsewhere': person({ role: 'admin', tenant: globex }),
  'key that reads': person({ kind: 'key', role: 'admin', scopes: ['jobs:read'] }),
  'key that writes': person({ kind: 'key', role: 'admin', scopes: ['jobs:write'] }),
  'key for files': person({ kind: 'key', role: 'owner', scopes: ['files:read', 'files:write'] }),
  'person without tenant': { kind: 'user', id: newId(), scopes: ['*'] },
  operator: { kind: 'operator', id: newId(), scopes: ['*'] },
  'operator with scopes': { kind: 'operator', id: newId(), scopes: ['jobs:read'] },
  'operator within acme': person({ kind: 'operator', role: 'admin' }),
  service: { kind: 'service', id: 'files', scopes: [] },
} as const satisfies Record<string, Principal>
type Caller = keyof typeof callers | 'nobody'

/** Stands for identity, which has tests of its own. */
const auth: Authenticator = {
  authenticate: async ({ headers }) => callers[headers.authorization?.slice('Bearer '.length) as keyof typeof callers] ?? null,
}

let database: TestDatabase
let redis: TestRedis
let api: Api
let server: HttpServer
beforeAll(async () => {
  database = await testDatabase({ migrations: [{ service: 'notes', folder: notes.migrations }], libraries: platformMigrations })
  redis = await testRedis()
  const environment = testEnvironment({ services: ['notes'], database, redis, storage: await testStorage() })
  api = await createApi([notes], { environment, auth, log: silentLog })
  server = await listen(api.app, { host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await runPhases(api?.shutdown([server]) ?? [], { deadline: 10_000, log: silentLog })
  await redis?.[Symbol.asyncDispose]()
  await database?.[Symbol.asyncDispose]()
})

interface Asked {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Record<string, string>
}

async function ask(caller: Caller, path: string, { method = 'GET', headers = {} }: Asked = {}) {
  const authorization: Record<string, string> = caller === 'nobody' ? {} : { authorization: `Bearer ${caller}` }
  const response = await fetch(`${server.url}/api/v1/notes${path}`, { method, headers: { ...authorization, ...headers } })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> & { items: Record<string, unknown>[] } }
}

const systemPool = () => api.host.services[0]!.databases.system.pool

/** No worker runs here: what is requested stays `pending`. */
async function request(tenantId: string): Promise<string> {
  return await api.host.services[0]!.databases.runtime.tenantTransaction(tenantId, (tx) =>
    enqueue(tx, shouting, { version: 1, tenantId, noteId: newId() }),
  )
}

beforeEach(async () => void (await systemPool().query('delete from notes.jobs')))

describe('who may look at jobs, and who may change them', () => {
  const ways = [
    ['GET', '/jobs'],
    ['GET', '/jobs/counts'],
    ['GET', '/jobs/{id}'],
    ['GET', '/status'],
    ['POST', '/jobs/{id}/cancel'],
    ['POST', '/jobs/{id}/retry'],
    ['POST', '/jobs/{id}/replay'],
  ] as const
  const reading = ['/jobs', '/jobs/counts', '/jobs/{id}', '/status']

  /** `look` and `change` are what the caller is answered; a job that is cancelled can be run again in both ways. */
  it.each<[Caller, { look: string; change: string }]>([
    ['nobody', { look: '401 auth.required', change: '401 auth.required' }],
    ['viewer', { look: '403 auth.forbidden', change: '403 auth.forbidden' }],
    ['member', { look: '403 auth.forbidden', change: '403 auth.forbidden' }],
    ['admin', { look: '200', change: '202' }],
    ['owner', { look: '200', change: '202' }],
    ['key that reads', { look: '200', change: '403 auth.scope-missing' }],
    ['key that writes', { look: '403 auth.scope-missing', change: '202' }],
    ['key for files', { look: '403 auth.scope-missing', change: '403 auth.scope-missing' }],
    ['person without tenant', { look: '400 tenant.required', change: '400 tenant.required' }],
    ['operator', { look: '200', change: '202' }],
    ['operator with scopes', { look: '403 auth.scope-missing', change: '403 auth.scope-missing' }],
    ['operator within acme', { look: '200', change: '202' }],
    ['service', { look: '403 auth.forbidden', change: '403 auth.forbidden' }],
  ])('%s', async (caller, { look, change }) => {
    const seen: Record<string, string> = {}
    const wanted: Record<string, string> = {}
    for (const [method, path] of ways) {
      const id = await request(acme.id)
      if (/retry|replay/.test(path)) await ask('admin', `/jobs/${id}/cancel`, { method: 'POST' })
      const { status, body } = await ask(caller, path.replace('{id}', id), { method })
      seen[path] = typeof body.code === 'string' ? `${status} ${body.code}` : String(status)
      wanted[path] = reading.includes(path) ? look : change
    }
    expect(seen).toEqual(wanted)
  })

  it('a job of another tenant looks exactly like one that does not exist, and stays as it is', async () => {
    const id = await request(acme.id)
    const anonymous = (body: Record<string, unknown>, own: string) => JSON.stringify({ ...body, traceId: '' }).replaceAll(own, '{id}')
    for (const [method, path] of ways.filter(([, way]) => way.includes('{id}'))) {
      const missing = newId()
      const foreign = await ask('admin elsewhere', path.replace('{id}', id), { method })
      const absent = await ask('admin elsewhere', path.replace('{id}', missing), { method })
      expect([foreign.status, absent.status], path).toEqual([404, 404])
      expect(anonymous(foreign.body, id), path).toBe(anonymous(absent.body, missing))
    }
    expect((await ask('admin', `/jobs/${id}`)).body).toMatchObject({ state: 'pending', actor: null })
  })

  it('the tenant of the credentials cannot be left by naming another', async () => {
    const { status, body } = await ask('admin', '/jobs', { headers: { 'x-tenant-slug': 'globex' } })
    expect([status, body.code]).toEqual([403, 'tenant.mismatch'])
  })
})

describe('whose jobs are seen', () => {
  it('a tenant sees its own, the operator all, the operator within a tenant those of the tenant', async () => {
    const [ours, theirs] = [await request(acme.id), await request(globex.id)]
    const idsFor = async (caller: Caller) => (await ask(caller, '/jobs')).body.items.map(({ id }) => id)
    expect(await idsFor('admin')).toEqual([ours])
    expect(await idsFor('admin elsewhere')).toEqual([theirs])
    expect(await idsFor('operator')).toEqual([theirs, ours])
    expect(await idsFor('operator within acme')).toEqual([ours])
  })

  it('counts are counted the same way', async () => {
    await Promise.all([request(acme.id), request(acme.id), request(globex.id)])
    const countFor = async (caller: Caller) => (await ask(caller, '/jobs/counts')).body.items[0]
    expect(await countFor('admin')).toMatchObject({ queue: 'note-shouting', jobs: { pending: 2 }, redis: null })
    expect(await countFor('operator')).toMatchObject({ jobs: { pending: 3 }, redis: expect.any(Object) })
    expect((await countFor('admin'))?.oldestWaitingSeconds).toBeGreaterThanOrEqual(0)
  })

  it('a stack is for operators: it names our files', async () => {
    const id = await request(acme.id)
    await systemPool().query(`update notes.jobs set state = 'dead', reason = 'boom', stack = 'at secret.ts:1' where id = $1`, [id])
    expect((await ask('admin', `/jobs/${id}`)).body).toMatchObject({ state: 'dead', reason: 'boom', stack: null })
    expect((await ask('admin', '/jobs')).body.items[0]).toMatchObject({ reason: 'boom', stack: null })
    expect((await ask('operator', `/jobs/${id}`)).body).toMatchObject({ reason: 'boom', stack: 'at secret.ts:1' })
  })
})

describe('the status', () => {
  it('says to admins what fails, and to operators why: reasons name hosts', async () => {
    const checksFor = async (caller: Caller) =>
      (await ask(caller, '/status')).body.checks as Record<string, { status: string; detail?: string }>
    expect((await checksFor('operator')).signatures).toMatchObject({ status: 'degraded', detail: expect.stringContaining('EICAR') })
    const seen = await checksFor('admin')
    expect(seen.signatures?.status).toBe('degraded')
    expect(Object.values(seen).filter((check) => 'detail' in check)).toEqual([])
    expect((await checksFor('operator within acme')).signatures).toHaveProperty('detail')
  })
})

describe('lists', () => {
  it('go on where the page before ended, and filter by queue and state', async () => {
    const ids = [await request(acme.id), await request(acme.id), await request(acme.id)].toReversed()
    const first = (await ask('admin', '/jobs?limit=2')).body
    const second = (await ask('admin', `/jobs?limit=2&cursor=${String(first.nextCursor)}`)).body
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
    expect(second.nextCursor).toBeNull()
    await ask('admin', `/jobs/${ids[0]}/cancel`, { method: 'POST' })
    const found = async (query: string) => (await ask('admin', `/jobs?${query}`)).body.items.map(({ id }) => id)
    expect(await found('state=cancelled')).toEqual([ids[0]])
    expect(await found('state=pending&state=cancelled&queue=note-shouting')).toEqual(ids)
    expect(await found('queue=elsewhere')).toEqual([])
  })

  it('do not let a cursor of one tenant lead into another: it is a position, not a right', async () => {
    const [ours, theirs] = [await request(acme.id), await request(globex.id)]
    await request(globex.id)
    const { nextCursor } = (await ask('admin elsewhere', '/jobs?limit=1')).body
    const { items } = (await ask('admin', `/jobs?cursor=${String(nextCursor)}`)).body
    expect(items.map(({ id }) => id)).toEqual([ours])
    expect(theirs).not.toBe(ours)
  })

  it.each([
    ['/jobs?state=sleeping', '/query/state/0'],
    ['/jobs?limit=0', '/query/limit'],
    ['/jobs?limit=101', '/query/limit'],
    ['/jobs?cursor=zzz', '/query/cursor'],
    [`/jobs?cursor=${Buffer.from('{"id":"x"}').toString('base64url')}`, '/query/cursor'],
    [`/jobs?queue=${'q'.repeat(64)}`, '/query/queue'],
    ['/jobs?tenantId=x', '/query/tenantId'],
    ['/jobs/nonsense', '/path/id'],
  ])('refuse %s with a pointer', async (path, pointer) => {
    const { status, body } = await ask('admin', path)
    expect([status, body.errors]).toEqual([400, [expect.objectContaining({ pointer })]])
  })
})

describe('changes', () => {
  const post = (caller: Caller, path: string, headers: Record<string, string> = {}) => ask(caller, path, { method: 'POST', headers })

  it('end a waiting job, run it again, and replay what ended', async () => {
    const id = await request(acme.id)
    expect((await post('admin', `/jobs/${id}/cancel`)).body).toMatchObject({ id, state: 'cancelled', actor: `user:${callers.admin.id}` })
    expect(await post('admin', `/jobs/${id}/cancel`)).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
    expect((await post('admin', `/jobs/${id}/retry`)).body).toMatchObject({ id, state: 'pending', attempts: 0 })
    expect(await post('admin', `/jobs/${id}/replay`)).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
    await post('admin', `/jobs/${id}/cancel`)
    const { body: copy } = await post('operator', `/jobs/${id}/replay`)
    expect(copy).toMatchObject({ replayOf: id, state: 'pending', tenantId: acme.id, actor: `operator:${callers.operator.id}` })
    expect((await ask('admin', `/jobs/${id}`)).body).toMatchObject({ state: 'cancelled', replayedAs: copy.id })
  })

  it('happen once per Idempotency-Key', async () => {
    const id = await request(acme.id)
    await post('admin', `/jobs/${id}/cancel`)
    const key = { 'idempotency-key': '"again"' }
    const [first, second] = [await post('admin', `/jobs/${id}/replay`, key), await post('admin', `/jobs/${id}/replay`, key)]
    expect([first.status, second.status, second.body.id]).toEqual([202, 202, first.body.id])
    expect((await ask('admin', '/jobs')).body.items).toHaveLength(2)
  })

  it('of two people at once happen once each, never half', async () => {
    const id = await request(acme.id)
    const answers = await Promise.all([
      post('admin', `/jobs/${id}/cancel`),
      post('owner', `/jobs/${id}/cancel`),
      post('operator', `/jobs/${id}/cancel`),
    ])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409, 409])
    const { rows } = await systemPool().query(`select 1 from notes.audit where action = 'job.cancel' and subject_id = $1`, [id])
    expect(rows).toHaveLength(1)
  })

  it('and looks of operators stand in the audit trail: changes for the tenant to see, looks for the platform', async () => {
    const id = await request(acme.id)
    await post('operator', `/jobs/${id}/cancel`)
    for (const path of ['/jobs', '/jobs/counts', `/jobs/${id}`]) await ask('operator', path)
    await ask('admin', '/jobs')
    const { rows } = await systemPool().query<{ action: string; tenant_id: string | null; actor_id: string }>(
      'select action, tenant_id, actor_id from notes.audit where actor_id = $1 order by id desc limit 4',
      [callers.operator.id],
    )
    const platform = rows.find(({ action }) => action === 'jobs.listed')?.tenant_id
    expect(rows.map(({ action, tenant_id }) => [action, tenant_id])).toEqual([
      ['jobs.read', platform],
      ['jobs.counted', platform],
      ['jobs.listed', platform],
      ['job.cancel', acme.id],
    ])
    expect(platform).not.toBe(acme.id)
    const { rows: admins } = await systemPool().query(`select 1 from notes.audit where action like 'jobs.%' and actor_id = $1`, [
      callers.admin.id,
    ])
    expect(admins).toEqual([])
  })
})

describe('without Redis', () => {
  it('jobs are still listed, counted, cancelled and asked for again: they wait as rows', async () => {
    const id = await request(acme.id)
    await redis.part.stop()
    try {
      expect((await ask('admin', '/jobs')).body.items).toHaveLength(1)
      expect((await ask('admin', '/jobs/counts')).body.items[0]).toMatchObject({ jobs: { pending: 1 } })
      expect((await ask('operator', '/jobs/counts')).body.items[0]).toMatchObject({ jobs: { pending: 1 }, redis: null })
      expect((await ask('admin', `/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(202)
      expect((await ask('admin', `/jobs/${id}/replay`, { method: 'POST' })).status).toBe(202)
      // Whether it is one of the fast path cannot be known now, so it is not said to be missing.
      expect((await ask('admin', `/jobs/${newId()}`)).body).toMatchObject({ status: 503, code: 'redis.unavailable' })
    } finally {
      await redis.restart()
    }
  })
})
