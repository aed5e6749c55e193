import { connect, type Database } from '@slipway/db'
import { problem } from '@slipway/problem'
import { testDatabase } from '@slipway/testing'
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { acme, boundary, json, multipartBody, pointersOf, problemIn, serve, sha256, upload } from './http.fixtures.ts'
import {
  anyType,
  bytes,
  createIdempotencyStore,
  migrations,
  multipart,
  removeExpiredKeys,
  reply,
  requireIfMatch,
  routesFor,
} from './index.ts'

/** A service with one table, so that effects can be counted. */
const service = { service: 'notes', folder: new URL('./test-migrations/', import.meta.url) }

let stores: AsyncDisposableStack
let database: Database
let system: Database
let admin: Client

beforeAll(async () => {
  stores = new AsyncDisposableStack()
  const test = stores.use(await testDatabase({ migrations: [service], libraries: [migrations] }))
  const url = new URL(test.adminUrl)
  database = stores.use(connect({ url: url.href, role: test.credentials('runtime'), poolSize: 20, name: 'test' }))
  system = stores.use(connect({ url: url.href, role: test.credentials('system'), poolSize: 2, name: 'test' }))
  admin = new Client({ connectionString: test.adminUrl })
  await admin.connect()
  stores.defer(() => admin.end())
})

afterAll(() => stores.disposeAsync())

beforeEach(async () => {
  await admin.query('truncate notes.notes, notes.idempotency_keys')
})

interface Context {
  database: Database
  /** Runs inside of the handler, after its effect and before its answer. */
  afterEffect: () => Promise<void>
}

const route = routesFor<Context>()
const Note = z.object({ id: z.int(), text: z.string() })
const contract = {
  method: 'POST',
  path: '/api/v1/notes',
  operation: 'notes.create',
  summary: 'Write',
  auth: { role: 'member', scope: 'notes:write' },
  body: z.object({ text: z.string(), tags: z.array(z.string()).default([]) }),
  responses: { 201: { description: 'Written', schema: Note } },
} as const

async function write(tx: { execute: Database['drizzle']['execute'] }, text: string): Promise<number> {
  const { rows } = await tx.execute<{ id: number }>(sql`insert into notes (body) values (${text}) returning id`)
  return rows[0]?.id ?? 0
}

/** Keeps its answer in the transaction of its effect. */
const inTransaction = route(contract, async ({ body, tenant, idempotency }, context) =>
  context.database.tenantTransaction(tenant.id, async (tx) => {
    const answer = reply(
      201,
      { id: await write(tx, body.text), text: body.text },
      { headers: { location: '/api/v1/notes/1', etag: '"1"' } },
    )
    await idempotency.complete(tx, answer)
    await context.afterEffect()
    return answer
  }),
)

/** Leaves it to the pipeline to keep its answer. */
const afterwards = route({ ...contract, path: '/api/v1/later', operation: 'notes.later' }, async ({ body, tenant }, context) => {
  const id = await context.database.tenantTransaction(tenant.id, (tx) => write(tx, body.text))
  await context.afterEffect()
  return reply(201, { id, text: body.text })
})

const withFile = route(
  {
    ...contract,
    path: '/api/v1/files',
    operation: 'files.create',
    body: multipart({ fields: z.object({ folder: z.string().optional() }) }),
  },
  async ({ parts, tenant, idempotency }, context) => {
    const chunks: Buffer[] = []
    for await (const chunk of parts.file.stream) chunks.push(chunk as Buffer)
    const text = sha256(Buffer.concat(chunks))
    await context.afterEffect()
    return context.database.tenantTransaction(tenant.id, async (tx) => {
      const answer = reply(201, { id: await write(tx, text), text })
      await idempotency.complete(tx, answer)
      return answer
    })
  },
)

const withBytes = route(
  { ...contract, method: 'PUT', path: '/api/v1/bytes/{id}', operation: 'bytes.put', body: bytes({ type: anyType }), idempotent: true },
  async ({ stream, tenant, idempotency, request }, context) => {
    requireIfMatch(request, '"1"', { optional: true })
    const text = sha256(Buffer.concat(await stream.toArray()))
    return context.database.tenantTransaction(tenant.id, async (tx) => {
      const answer = reply(201, { id: await write(tx, text), text })
      await idempotency.complete(tx, answer)
      return answer
    })
  },
)

const homeless = route(
  { ...contract, path: '/api/v1/tenants', operation: 'tenants.create', auth: 'principal' },
  async ({ body, idempotency }, context) =>
    context.database.tenantTransaction(acme.id, async (tx) => {
      const answer = reply(201, { id: await write(tx, body.text), text: body.text })
      await idempotency.complete(tx, answer)
      // The tenant of the transaction is what it was.
      await write(tx, 'second')
      return answer
    }),
)

const routes = [inTransaction, afterwards, withFile, withBytes, homeless]

interface StartOptions {
  leaseSeconds?: number
  answerSeconds?: number
}

function start(afterEffect: () => Promise<void> = async () => undefined, { leaseSeconds = 60, answerSeconds }: StartOptions = {}) {
  const idempotency = createIdempotencyStore({ database, leaseSeconds })
  return serve({ routes, context: { database, afterEffect }, idempotency, answerSeconds })
}

async function notes(): Promise<number> {
  const { rows } = await admin.query('select count(*)::int as count from notes.notes')
  return rows[0].count
}

async function keys(): Promise<Record<string, unknown>[]> {
  return (await admin.query('select * from notes.idempotency_keys')).rows
}

const text = { text: 'hello' }
const keyed = (body: unknown = text, key = '"k1"') => ({ ...json(body, { 'idempotency-key': key }), as: 'member' })
const file = (data: string, more: object = {}) => ({
  ...upload([{ name: 'file', fileName: 'a.txt', data, ...more }], { 'idempotency-key': 'f1' }),
  as: 'member',
})

describe.each(['/api/v1/notes', '/api/v1/later'])('a repeated request (%s)', (path) => {
  it('gets the first answer again: status, headers and body; one effect', async () => {
    await using server = await start()
    const first = await server.fetch(path, keyed())
    const again = await server.fetch(path, keyed())
    expect([first.status, again.status]).toEqual([201, 201])
    expect(await again.json()).toEqual(await first.json())
    expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([null, 'true'])
    for (const name of ['location', 'etag', 'content-type']) expect(again.headers.get(name)).toBe(first.headers.get(name))
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(await notes()).toBe(1)
  })

  it('may be written with a bare key and members in another order', async () => {
    await using server = await start()
    await server.fetch(path, keyed({ text: 'a', tags: [] }))
    const again = await server.fetch(path, keyed({ tags: [], text: 'a' }, 'k1'))
    expect(again.headers.get('idempotency-replayed')).toBe('true')
  })

  it('with another body or query is refused', async () => {
    await using server = await start()
    await server.fetch(path, keyed())
    const response = await server.fetch(path, keyed({ text: 'other' }))
    const details = await problemIn(response)
    expect([details.status, details.code, pointersOf(details)]).toEqual([422, 'idempotency.key-reused', ['/headers/idempotency-key']])
    expect(await notes()).toBe(1)
  })

  it('fifty at a time have exactly one effect, and every answer is that one or says to wait', async () => {
    await using server = await start()
    const responses = await Promise.all(Array.from({ length: 50 }, () => server.fetch(path, keyed())))
    const answers = responses.filter(({ status }) => status === 201)
    const waiting = responses.filter(({ status }) => status === 409)
    expect([answers.length + waiting.length, answers.length > 0]).toEqual([50, true])
    for (const response of waiting) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await problemIn(response)).code).toBe('idempotency.in-progress')
    }
    const bodies = new Set(await Promise.all(answers.map((response) => response.text())))
    expect(bodies.size).toBe(1)
    expect(await notes()).toBe(1)
  })

  it('of another caller, tenant or route is another request', async () => {
    await using server = await start()
    await server.fetch(path, keyed())
    expect((await server.fetch(path, { ...keyed(), as: 'foreign' })).headers.get('idempotency-replayed')).toBeNull()
    const elsewhere = path === '/api/v1/notes' ? '/api/v1/later' : '/api/v1/notes'
    expect((await server.fetch(elsewhere, keyed())).headers.get('idempotency-replayed')).toBeNull()
    expect(await notes()).toBe(3)
  })
})

describe('what is not kept', () => {
  it.each([problem('storage.unavailable'), problem('internal.error'), new Error('bug')])('a 5xx frees the key: %s', async (error) => {
    let failures = 1
    const failOnce = async () => {
      if (failures-- > 0) throw error
    }
    await using server = await start(failOnce)
    expect((await server.fetch('/api/v1/notes', keyed())).status).toBeGreaterThanOrEqual(500)
    expect(await keys()).toEqual([])
    expect((await server.fetch('/api/v1/notes', keyed())).status).toBe(201)
    expect(await notes()).toBe(1)
  })

  it('a refusal by the handler is kept, and its transaction is not', async () => {
    let refusals = 0
    const refuse = async () => {
      refusals++
      throw problem('name.taken', { detail: 'note 1 has it' })
    }
    await using server = await start(refuse)
    const first = await problemIn(await server.fetch('/api/v1/notes', keyed()))
    const again = await server.fetch('/api/v1/notes', keyed())
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await problemIn(again)).toEqual(first)
    expect([refusals, await notes()]).toEqual([1, 0])
  })

  it('a request that fails its contract leaves the key alone', async () => {
    await using server = await start()
    expect((await server.fetch('/api/v1/notes', keyed({ text: 1 }))).status).toBe(422)
    expect((await server.fetch('/api/v1/notes', { ...keyed(), as: 'viewer' })).status).toBe(403)
    expect((await server.fetch('/api/v1/notes', keyed(text, '"'))).status).toBe(400)
    expect(await keys()).toEqual([])
    expect((await server.fetch('/api/v1/notes', keyed())).status).toBe(201)
  })
})

describe('a run whose answer took too long', () => {
  it.each(['/api/v1/notes', '/api/v1/later'])('goes on under its key at %s, and a repetition learns what came of it', async (path) => {
    const leave = Promise.withResolvers<void>()
    await using server = await start(() => leave.promise, { answerSeconds: 2 })
    const again = () => server.fetch(path, keyed())
    const first = await problemIn(await again())
    // Where the answer stands in the open transaction of the effect, whoever asks for the key waits for that.
    const second = await problemIn(await again())
    leave.resolve()
    expect(first.code).toBe('service.timeout')
    expect(['idempotency.in-progress', 'service.timeout']).toContain(second.code)
    await expect.poll(async () => (await again()).status).toBe(201)
    const answer = await again()
    expect([answer.headers.get('idempotency-replayed'), await answer.json()]).toEqual(['true', { id: expect.any(Number), text: 'hello' }])
    expect(await notes()).toBe(1)
  })
})

describe('a run that dies', () => {
  const expire = () => admin.query("update notes.idempotency_keys set lease_until = now() - interval '1 second'")

  /** The first request is held inside of its transaction until the test lets it go. */
  async function held() {
    const inside = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    let first = true
    const server = await start(async () => {
      if (!first) return
      first = false
      inside.resolve()
      await leave.promise
    })
    return { server, inside: inside.promise, leave: leave.resolve }
  }

  it('is taken over once its lease has passed; if it was alive after all, only one of the two has an effect', async () => {
    const { server, inside, leave } = await held()
    await using _server = server
    const slow = server.fetch('/api/v1/files', file('hello'))
    await inside
    const waiting = await server.fetch('/api/v1/files', file('hello'))
    expect(waiting.status).toBe(409)
    await expire()
    const second = await server.fetch('/api/v1/files', file('hello'))
    expect(second.status).toBe(201)
    leave()
    const first = await slow
    expect(await problemIn(first)).toMatchObject({ status: 409, code: 'idempotency.in-progress' })
    expect(await notes()).toBe(1)
  })

  it('that lost its key can neither keep its answer nor free or renew the key of the one that has it', async () => {
    const store = createIdempotencyStore({ database })
    const scope = { tenantId: acme.id, principal: 'user:u1', method: 'POST', route: '/x', key: 'k' }
    const answer = { status: 201, headers: {}, body: '{}' }
    const begin = async () => {
      const begun = await store.begin(scope, 'same')
      if (begun.state !== 'started') throw new Error(begun.state)
      return { scope, attempt: begun.attempt, fingerprint: 'same' }
    }
    const lost = await begin()
    await expire()
    const winner = await begin()
    await expire()
    await store.release(lost)
    await store.renew(lost)
    await expect(store.complete(lost, { ...answer, body: '"lost"' })).rejects.toMatchObject({ code: 'idempotency.in-progress' })
    await store.complete(winner, answer)
    expect(await store.begin(scope, 'same')).toEqual({ state: 'answered', fingerprint: 'same', answer })
    expect(await store.begin(scope, 'other')).toEqual({ state: 'reused' })
  })

  it('is not taken over by another request', async () => {
    const inside = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    await using server = await start(async () => {
      inside.resolve()
      await leave.promise
    })
    const slow = server.fetch('/api/v1/later', keyed())
    await inside.promise
    await expire()
    expect((await server.fetch('/api/v1/later', keyed({ text: 'other' }))).status).toBe(422)
    leave.resolve()
    expect((await slow).status).toBe(201)
  })

  it('a live run renews its lease', async () => {
    const inside = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    await using server = await start(
      async () => {
        inside.resolve()
        await leave.promise
      },
      { leaseSeconds: 0.3 },
    )
    const slow = server.fetch('/api/v1/later', keyed())
    await inside.promise
    const [before] = await keys()
    let after = before
    while (String(after?.lease_until) === String(before?.lease_until)) [after] = await keys()
    leave.resolve()
    expect((await slow).status).toBe(201)
  })
})

describe('an upload', () => {
  it('that is repeated with other boundaries gets the first answer and is not stored again', async () => {
    await using server = await start()
    const first = await server.fetch('/api/v1/files', file('hello'))
    const body = multipartBody([{ name: 'file', fileName: 'a.txt', data: 'hello' }])
      .toString()
      .replaceAll(boundary, 'another')
    const init = {
      method: 'POST',
      body,
      headers: { 'content-type': 'multipart/form-data; boundary=another', 'idempotency-key': 'f1' },
      as: 'member',
    }
    const again = await server.fetch('/api/v1/files', init)
    expect([again.status, again.headers.get('idempotency-replayed'), await again.json()]).toEqual([201, 'true', await first.json()])
    expect(await notes()).toBe(1)
  })

  it.each([
    ['another file', file('other')],
    ['another name', file('hello', { fileName: 'b.txt' })],
    [
      'another field',
      {
        ...upload(
          [
            { name: 'folder', data: 'x' },
            { name: 'file', fileName: 'a.txt', data: 'hello' },
          ],
          { 'idempotency-key': 'f1' },
        ),
        as: 'member',
      },
    ],
  ])('with %s is refused', async (_name, second) => {
    await using server = await start()
    await server.fetch('/api/v1/files', file('hello'))
    expect((await problemIn(await server.fetch('/api/v1/files', second))).code).toBe('idempotency.key-reused')
    expect(await notes()).toBe(1)
  })

  it('fifty at a time are stored once', async () => {
    await using server = await start()
    const data = 'x'.repeat(200_000)
    const responses = await Promise.all(Array.from({ length: 50 }, () => server.fetch('/api/v1/files', file(data))))
    expect(responses.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([])
    expect(await notes()).toBe(1)
  })

  it('that was broken off frees its key', async () => {
    await using server = await start()
    const cut = multipartBody([{ name: 'file', fileName: 'a.txt', data: 'x'.repeat(1000) }]).subarray(0, 600)
    expect((await server.fetch('/api/v1/files', { ...file(''), body: new Uint8Array(cut) })).status).toBe(400)
    expect(await keys()).toEqual([])
    expect((await server.fetch('/api/v1/files', file('hello'))).status).toBe(201)
  })
})

describe('plain bytes, where the route takes keys of them', () => {
  const put = (body: string, headers: Record<string, string> = {}) => ({
    method: 'PUT',
    body,
    as: 'member',
    headers: { 'idempotency-key': 'b1', 'content-type': 'application/x-anything', ...headers },
  })

  it('that are repeated get the first answer and are not stored again, whatever type is said', async () => {
    await using server = await start()
    const first = await server.fetch('/api/v1/bytes/1', put('hello'))
    const again = await server.fetch('/api/v1/bytes/1', put('hello', { 'content-type': 'text/plain' }))
    expect([again.status, again.headers.get('idempotency-replayed'), await again.json()]).toEqual([201, 'true', await first.json()])
    expect(await notes()).toBe(1)
  })

  it.each([
    ['others', '/api/v1/bytes/1', 'other'],
    ['the same for something else', '/api/v1/bytes/2', 'hello'],
    ['none', '/api/v1/bytes/1', ''],
  ])('with %s are refused', async (_name, path, body) => {
    await using server = await start()
    await server.fetch('/api/v1/bytes/1', put('hello'))
    expect((await problemIn(await server.fetch(path, put(body)))).code).toBe('idempotency.key-reused')
    expect(await notes()).toBe(1)
  })

  it('that were refused before they were read free the key', async () => {
    await using server = await start()
    expect((await server.fetch('/api/v1/bytes/1', put('hello', { 'if-match': '"2"' }))).status).toBe(412)
    expect(await keys()).toEqual([])
    expect((await server.fetch('/api/v1/bytes/1', put('hello', { 'if-match': '"1"' }))).status).toBe(201)
  })

  it('fifty at a time are stored once', async () => {
    await using server = await start()
    const responses = await Promise.all(Array.from({ length: 50 }, () => server.fetch('/api/v1/bytes/1', put('x'.repeat(200_000)))))
    expect(responses.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([])
    expect(await notes()).toBe(1)
  })
})

describe('the records', () => {
  it('show neither key nor answer', async () => {
    await using server = await start()
    await server.fetch('/api/v1/notes', keyed({ text: 'shown-once' }, 'my-own-key'))
    const [row] = await keys()
    expect(row?.answer).toBeInstanceOf(Buffer)
    const shown = Object.values(row ?? {}).map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : String(value)))
    expect(shown.join()).not.toMatch(/shown-once|my-own-key/)
  })

  it('of callers without a tenant work inside of any transaction, which keeps its own tenant', async () => {
    await using server = await start()
    const init = { ...keyed(), as: 'homeless' }
    const first = await server.fetch('/api/v1/tenants', init)
    expect(first.status).toBe(201)
    expect((await server.fetch('/api/v1/tenants', init)).headers.get('idempotency-replayed')).toBe('true')
    expect(await notes()).toBe(2)
    const { rows } = await admin.query('select distinct tenant_id from notes.notes')
    expect(rows).toEqual([{ tenant_id: acme.id }])
  })

  it('end after a day: the key is new again, and the clean-up removes what nobody asks for', async () => {
    await using server = await start()
    await server.fetch('/api/v1/notes', keyed())
    await admin.query("update notes.idempotency_keys set expires_at = now() - interval '1 second'")
    expect((await server.fetch('/api/v1/notes', keyed())).headers.get('idempotency-replayed')).toBeNull()
    for (let index = 0; index < 5; index++) await server.fetch('/api/v1/notes', keyed(text, `old-${index}`))
    await admin.query("update notes.idempotency_keys set expires_at = now() - interval '1 second'")
    await server.fetch('/api/v1/notes', keyed(text, 'fresh'))
    expect(await removeExpiredKeys(system, { batch: 2 })).toBe(6)
    expect(await keys()).toHaveLength(1)
  })

  it('are not asked for without a key, nor for reading', async () => {
    await using server = await start()
    await server.fetch('/api/v1/notes', { ...json(text), as: 'member' })
    expect([await keys(), await notes()]).toEqual([[], 1])
  })
})

describe('the borders of a key', () => {
  it.each([
    ['"k"', 201],
    [`"${'k'.repeat(255)}"`, 201],
    ['k'.repeat(255), 201],
    [`"${'k'.repeat(256)}"`, 400],
    ['""', 400],
    ['a, b', 400],
    ['"a"; q=1', 400],
  ])('%s is %i', async (key, status) => {
    await using server = await start()
    const response = await server.fetch('/api/v1/notes', keyed(text, key))
    expect(response.status).toBe(status)
    expect(await notes()).toBe(status === 201 ? 1 : 0)
    if (status === 400) expect(pointersOf(await problemIn(response))).toEqual(['/headers/idempotency-key'])
  })

  it('in quotes and bare is the same key', async () => {
    await using server = await start()
    await server.fetch('/api/v1/notes', keyed(text, '"one"'))
    expect((await server.fetch('/api/v1/notes', keyed(text, 'one'))).headers.get('idempotency-replayed')).toBe('true')
    expect(await notes()).toBe(1)
  })

  it('sent twice is two keys, which are none', async () => {
    await using server = await start()
    const { body } = json(text)
    const headers = new Headers({ 'content-type': 'application/json', 'idempotency-key': '"a"' })
    headers.append('idempotency-key', '"b"')
    expect((await server.fetch('/api/v1/notes', { method: 'POST', body: body ?? null, headers, as: 'member' })).status).toBe(400)
  })

  it.each([
    ['{"text":"hello"}', '{ "text" : "hello" }', true],
    ['{"text":"é"}', '{"text":"\\u00e9"}', true],
    ['{"text":"a","tags":["1","2"]}', '{"tags":["1","2"],"text":"a"}', true],
    ['{"text":"a","tags":["1","2"]}', '{"text":"a","tags":["2","1"]}', false],
    ['{"text":"a"}', '{"text":"a","tags":[]}', false],
    ['{"text":"a"}', '{"text":"a "}', false],
    ['{"text":"a"}', '{"text":"a","unknown":1}', false],
  ])('%s and %s are the same request: %s', async (first, second, same) => {
    await using server = await start()
    const send = (body: string) => server.fetch('/api/v1/notes', { ...keyed(), body })
    expect((await send(first)).status).toBe(201)
    expect((await send(second)).status).toBe(same ? 201 : 422)
    expect(await notes()).toBe(1)
  })

  it('is looked at after the caller, the limits of the route and the contract', async () => {
    await using server = await start()
    expect((await server.fetch('/api/v1/notes', { ...keyed(), as: 'viewer' })).status).toBe(403)
    expect((await server.fetch('/api/v1/notes', json(text, { 'idempotency-key': '"k1"' }))).status).toBe(401)
    expect((await server.fetch('/api/v1/notes?x=1', keyed())).status).toBe(400)
    expect(await keys()).toEqual([])
  })
})

describe('an answer that is given again', () => {
  const cookies = ['a=1; Path=/', 'b=2; Path=/']
  const rich = route({ ...contract, path: '/api/v1/rich', operation: 'rich' }, async () =>
    reply(201, { id: 7, text: 'é 😀 "quoted"' }, { headers: { location: '/x', etag: '"1"', 'set-cookie': cookies, 'x-count': 3 } }),
  )
  const empty = route(
    { ...contract, method: 'DELETE', path: '/api/v1/empty', operation: 'empty', responses: { 204: { description: 'Gone' } } },
    async () => reply(204),
  )
  const own = ['x-request-id', 'traceparent', 'date', 'idempotency-replayed', 'connection', 'keep-alive']
  const serveOwn = () =>
    serve({
      routes: [rich, empty],
      context: { database, afterEffect: async () => undefined },
      idempotency: createIdempotencyStore({ database }),
    })
  const headersOf = (response: Response) => [...response.headers].filter(([name]) => !own.includes(name))

  it('is the first to the last header and byte, but says that it is not the first', async () => {
    await using server = await serveOwn()
    const first = await server.fetch('/api/v1/rich', keyed())
    const again = await server.fetch('/api/v1/rich', {
      ...json(text, { 'idempotency-key': '"k1"', 'x-request-id': 'second' }),
      as: 'member',
    })
    expect(again.status).toBe(201)
    expect(headersOf(again)).toEqual(headersOf(first))
    expect(again.headers.getSetCookie()).toEqual(cookies)
    expect(await again.text()).toBe(await first.text())
    expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([null, 'true'])
    expect(again.headers.get('x-request-id')).toBe('second')
  })

  it('may be empty', async () => {
    await using server = await serveOwn()
    const init = { ...keyed({ text: 'x' }), method: 'DELETE' }
    for (const replayed of [null, 'true']) {
      const response = await server.fetch('/api/v1/empty', init)
      expect([response.status, await response.text(), response.headers.get('idempotency-replayed')]).toEqual([204, '', replayed])
    }
  })

  it('waits for a client that went away: the work is done once, and whoever asks again gets it', async () => {
    const inside = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    await using server = await start(async () => {
      inside.resolve()
      await leave.promise
    })
    const leaving = new AbortController()
    const ended = server.nextEnd()
    const first = server.fetch('/api/v1/later', { ...keyed(), signal: leaving.signal }).catch(() => null)
    await inside.promise
    leaving.abort()
    expect([await first, (await ended).status]).toEqual([null, 499])
    expect((await server.fetch('/api/v1/later', keyed())).status).toBe(409)
    leave.resolve()
    let again = await server.fetch('/api/v1/later', keyed())
    while (again.status === 409) again = await server.fetch('/api/v1/later', keyed())
    expect([again.status, again.headers.get('idempotency-replayed'), await notes()]).toEqual([201, 'true', 1])
  })
})

describe('when a run has died', () => {
  const scope = { tenantId: acme.id, principal: 'user:u1', method: 'POST', route: '/x', key: 'k' }

  it('one of many that ask at once takes over', async () => {
    const store = createIdempotencyStore({ database })
    await store.begin(scope, 'same')
    await admin.query("update notes.idempotency_keys set lease_until = now() - interval '1 second'")
    const begun = await Promise.all(Array.from({ length: 20 }, () => store.begin(scope, 'same')))
    expect(begun.map(({ state }) => state).sort()).toEqual([...Array<string>(19).fill('running'), 'started'])
  })

  it('those who wait are told how long, at least a second and ten at most', async () => {
    for (const [leaseSeconds, expected] of [
      [0, 'started'],
      [1, 1],
      [5, 5],
      [600, 10],
    ] as const) {
      await admin.query('truncate notes.idempotency_keys')
      const store = createIdempotencyStore({ database, leaseSeconds })
      await store.begin(scope, null)
      const begun = await store.begin(scope, null)
      expect(begun.state === 'running' ? begun.retryAfter : begun.state).toBe(expected)
    }
  })

  it('an answer that cannot be opened is an error and not somebody else’s answer', async () => {
    const store = createIdempotencyStore({ database })
    const begun = await store.begin(scope, 'same')
    if (begun.state !== 'started') throw new Error(begun.state)
    await store.complete({ scope, attempt: begun.attempt, fingerprint: 'same' }, { status: 201, headers: {}, body: '{}' })
    await admin.query(`update notes.idempotency_keys set answer = set_byte(answer, 30, get_byte(answer, 30) # 1)`)
    await expect(store.begin(scope, 'same')).rejects.toThrow()
  })
})

describe('without Postgres', () => {
  it('a request with a key does not run, as nobody could tell whether it has run before; one without a key is not asked', async () => {
    await using gone = connect({ url: 'postgres://nobody:x@127.0.0.1:1/none', connectSeconds: 1 })
    let runs = 0
    const counting = route({ ...contract, path: '/api/v1/count', operation: 'count' }, async () => {
      runs++
      return reply(201, { id: runs, text: '' })
    })
    await using server = await serve({
      routes: [counting],
      context: { database, afterEffect: async () => undefined },
      idempotency: createIdempotencyStore({ database: gone }),
    })
    const refused = await server.fetch('/api/v1/count', keyed())
    expect(await problemIn(refused)).toMatchObject({ status: 503, code: 'database.unavailable' })
    expect([refused.headers.has('retry-after'), runs]).toEqual([true, 0])
    expect((await server.fetch('/api/v1/count', { ...json(text), as: 'member' })).status).toBe(201)
  })

  it('that goes away after the effect, the answer still reaches the client', async () => {
    let asked = 0
    const real = createIdempotencyStore({ database })
    const lost = Promise.reject(problem('database.unavailable'))
    lost.catch(() => undefined)
    const idempotency = { ...real, complete: () => (asked++, lost) }
    await using server = await serve({ routes, context: { database, afterEffect: async () => undefined }, idempotency })
    const response = await server.fetch('/api/v1/later', keyed())
    expect([response.status, asked, await notes()]).toEqual([201, 1, 1])
    expect(server.logs).toContainEqual(expect.objectContaining({ level: 'error', message: 'idempotency key not kept' }))
  })
})
