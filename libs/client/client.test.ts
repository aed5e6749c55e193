import { createHash } from 'node:crypto'
import type { ProblemCode } from '@slipway/problem'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type Context, caught, type Routes, start } from './client.fixtures.ts'
import { createClient } from './index.ts'

describe('a call', () => {
  it('is typed by its contract', () => {
    const client = createClient<Routes>({ baseUrl: 'http://x' })
    type Client = typeof client
    expectTypeOf<Parameters<Client['call']>[0]>().toEqualTypeOf<
      | 'GET /api/v1/things/{id}'
      | 'GET /api/v1/things'
      | 'POST /api/v1/things'
      | 'POST /api/v1/sign-in'
      | 'POST /api/v1/files'
      | 'GET /api/v1/content'
    >()
    const wrong = () => [
      // @ts-expect-error -- no such route
      client.call('GET /api/v1/nothing'),
      // @ts-expect-error -- params are missing
      client.call('GET /api/v1/things/{id}'),
      // @ts-expect-error -- id is misspelt
      client.call('GET /api/v1/things/{id}', { params: { key: 'x' } }),
      // @ts-expect-error -- name is a text
      client.call('POST /api/v1/things', { body: { name: 1 } }),
      // @ts-expect-error -- a route without keys is called once
      client.call('POST /api/v1/sign-in', { body: { name: 'ab' } }),
      // @ts-expect-error -- bytes are asked for as such
      client.call('GET /api/v1/content'),
      // @ts-expect-error -- not a list
      client.paginate('GET /api/v1/content', { stream: true }),
    ]
    expect(wrong).toBeTypeOf('function')
  })

  it('fills path and query, and gives the body', async () => {
    await using server = await start([], { tenant: 'acme' })
    const answer = await server.client.call('GET /api/v1/things/{id}', { params: { id: 'a/b ü' }, query: { tag: ['x', 'y&z'], deep: 2 } })
    expectTypeOf(answer.body).toEqualTypeOf<{ id: string; name: string }>()
    expect([answer.status, answer.body]).toEqual([200, { id: 'a/b ü', name: 'n' }])
    expect(server.context.seen[0]).toMatchObject({ query: { tag: ['x', 'y&z'], deep: 2 } })
    expect(server.context.seen[0]?.headers).toMatchObject({ authorization: 'Bearer good', 'x-tenant-slug': 'acme' })
    expect(server.context.seen[0]?.headers).not.toHaveProperty('idempotency-key')
  })

  it.each(['', '.', '..'])('refuses %j as a path parameter, which would lead elsewhere', async (id) => {
    await using server = await start()
    await expect(server.client.call('GET /api/v1/things/{id}', { params: { id } })).rejects.toThrow(TypeError)
  })

  it('tells answers apart by status', async () => {
    await using server = await start()
    const made = await server.client.call('POST /api/v1/things', { body: { name: 'ab' } })
    if (made.status === 201) expectTypeOf(made.body).toEqualTypeOf<{ id: string; name: string }>()
    expect(made).toMatchObject({ status: 201, body: { name: 'ab' } })
    expect(await server.client.call('POST /api/v1/things', { body: { name: 'later' } })).toMatchObject({ status: 202, body: undefined })
  })

  it('uploads fields before the file', async () => {
    await using server = await start()
    const file = new Blob(['hello'])
    const { body } = await server.client.call('POST /api/v1/files', { file, fileName: 'grün.txt', fields: { folder: 'f' } })
    expect(body).toEqual({ name: 'grün.txt', folder: 'f', sha256: createHash('sha256').update('hello').digest('hex') })
  })

  it('streams bytes', async () => {
    await using server = await start()
    const { body, headers } = await server.client.call('GET /api/v1/content', { stream: true })
    expect([headers.get('content-type'), await new Response(body).text()]).toEqual(['image/png', 'bytes'])
  })

  it('throws problems with all that they say', async () => {
    await using server = await start()
    const error = await caught(server.client.call('POST /api/v1/things', { body: { name: 'a' } }))
    expect(error).toMatchObject({ name: 'ApiProblem', status: 422, code: 'request.invalid', errors: [{ pointer: '/body/name' }] })
    expect(error.traceId).toMatch(/^[0-9a-f]{32}$/)
  })

  it('throws what is not a problem of ours by its status', async () => {
    const fetch = async () => new Response('<html>bad gateway</html>', { status: 502 })
    const client = createClient<Routes>({ baseUrl: 'http://x', fetch, retries: 0 })
    expect(await caught(client.call('GET /api/v1/things'))).toMatchObject({ status: 502, code: 'http.502', retryable: true })
  })
})

describe('lists', () => {
  it('come page after page', async () => {
    await using server = await start()
    const ids: string[] = []
    for await (const thing of server.client.paginate('GET /api/v1/things', { query: { limit: 3 } })) {
      expectTypeOf(thing).toEqualTypeOf<{ id: string; name: string }>()
      ids.push(thing.id)
    }
    expect(ids).toEqual(['1', '2', '3', '4', '5', '6', '7'])
  })
})

describe('another try', () => {
  const body = { name: 'ab' }
  const keysSent = (context: Context) => new Set(context.seen.map(({ headers }) => headers['idempotency-key']))

  it('waits as long as the server says, and carries the same key', async () => {
    await using server = await start(['scanner.unavailable', 'idempotency.in-progress'])
    expect(await server.client.call('POST /api/v1/things', { body })).toMatchObject({ status: 201 })
    expect(server.waits).toEqual([3000, 3000])
    expect([server.context.seen.length, keysSent(server.context).size]).toEqual([3, 1])
    expect([...keysSent(server.context)][0]).toMatch(/^"[0-9a-f-]{36}"$/)
  })

  it('is made after a broken connection when it cannot be another effect', async () => {
    await using server = await start(['hang up'])
    expect(await server.client.call('POST /api/v1/things', { body, idempotencyKey: 'my "key"' })).toMatchObject({ status: 201 })
    expect(server.waits).toHaveLength(1)
    expect([...keysSent(server.context)]).toEqual(['"my \\"key\\""'])
  })

  it('is not made after a broken connection when it could be', async () => {
    await using server = await start(['hang up'])
    await expect(server.client.call('POST /api/v1/sign-in', { body, once: true })).rejects.toThrow()
    expect([server.waits, server.context.seen]).toEqual([[], []])
  })

  it('is made of everything when the server says that it has not begun', async () => {
    await using server = await start(['redis.unavailable'])
    expect(await server.client.call('POST /api/v1/sign-in', { body, once: true })).toMatchObject({ status: 204 })
    expect(server.context.seen[0]?.headers).not.toHaveProperty('idempotency-key')
  })

  it('is not made of what will fail again, nor for ever, nor after too long a wait', async () => {
    await using refused = await start(['name.taken'])
    expect(await caught(refused.client.call('POST /api/v1/things', { body }))).toMatchObject({ code: 'name.taken' })
    expect(refused.waits).toEqual([])
    await using busy = await start(Array<ProblemCode>(9).fill('service.overloaded'))
    expect(await caught(busy.client.call('POST /api/v1/things', { body }))).toMatchObject({ status: 503, retryAfter: 3 })
    expect(busy.context.seen).toHaveLength(3)
    await using limited = await start(['rate.limited'])
    expect(await caught(limited.client.call('POST /api/v1/things', { body }))).toMatchObject({ status: 429, retryAfter: 40 })
    expect(limited.waits).toEqual([])
  })

  it('of an upload sends the file again', async () => {
    await using server = await start(['storage.unavailable'])
    const { body: stored } = await server.client.call('POST /api/v1/files', { file: new Blob(['hello']), fileName: 'a' })
    expect(stored.sha256).toBe(createHash('sha256').update('hello').digest('hex'))
  })

  it('has a fresh token when the last one had expired', async () => {
    const asked: boolean[] = []
    const token = ({ fresh }: { fresh: boolean }) => {
      asked.push(fresh)
      return fresh ? 'good' : 'stale'
    }
    await using server = await start([], { token })
    expect(await server.client.call('POST /api/v1/things', { body })).toMatchObject({ status: 201 })
    expect(asked).toEqual([false, true])
  })

  it('is not made for a caller who has given up', async () => {
    await using server = await start(['scanner.unavailable'])
    const leaving = new AbortController()
    const wait = async () => {
      leaving.abort(new Error('given up'))
    }
    const client = createClient<Routes>({ baseUrl: 'http://127.0.0.1:1', retries: 5, wait })
    await expect(client.call('GET /api/v1/things', { signal: leaving.signal })).rejects.toThrow('given up')
    expect(server.context.seen).toEqual([])
  })
})
