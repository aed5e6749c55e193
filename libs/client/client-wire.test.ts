import { getEventListeners } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { listen } from '@slipway/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { caught, type Routes } from './client.fixtures.ts'
import { type ApiProblem, type ClientOptions, createClient } from './index.ts'

/** A client of a server that answers with bytes of our own: proxies, portals and broken lines. */
async function against(handle: (...exchange: Parameters<RequestListener>) => unknown, options: Partial<ClientOptions> = {}) {
  const requests: IncomingMessage[] = []
  const waits: number[] = []
  const server = await listen(
    (request, response) => {
      requests.push(request)
      handle(request, response)
    },
    { host: '127.0.0.1', port: 0 },
  )
  const wait = async (milliseconds: number) => void waits.push(milliseconds)
  const client = createClient<Routes>({ baseUrl: server.url, token: 'good', wait, ...options })
  return { client, requests, waits, url: server.url, [Symbol.asyncDispose]: () => server.close(0) }
}

/** A client whose every try gets the next of these answers, and the last one for ever. */
function answeredBy(answers: readonly Response[], options: Partial<ClientOptions> = {}) {
  const sent: { url: string; init: RequestInit }[] = []
  const waits: number[] = []
  const fetch = (async (url: string, init: RequestInit) => {
    sent.push({ url, init })
    return answers[Math.min(sent.length, answers.length) - 1]?.clone()
  }) as typeof globalThis.fetch
  const wait = async (milliseconds: number) => void waits.push(milliseconds)
  return { sent, waits, client: createClient<Routes>({ baseUrl: 'http://x', fetch, wait, ...options }) }
}

const problemType = { 'content-type': 'application/problem+json' }
const jsonType = { 'content-type': 'application/json' }
const thing = { id: '1', name: 'n' }
const answer = (status: number, body: unknown, headers: Record<string, string> = problemType) =>
  new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })
const headersOf = (init: RequestInit | undefined) => new Headers(init?.headers)

describe('an answer that is no problem of ours', () => {
  const html = { 'content-type': 'text/html' }
  it.each<[string, Response, object]>([
    ['a page of a proxy', answer(502, '<html>', html), { code: 'http.502', retryable: true, message: 'HTTP 502' }],
    ['nothing at all', new Response(null, { status: 504 }), { code: 'http.504', retryable: true }],
    ['JSON that is no problem', answer(404, { code: 'name.taken' }, jsonType), { code: 'http.404', retryable: false }],
    ['a problem that is null', answer(503, 'null'), { code: 'http.503', errors: undefined, details: {} }],
    ['a problem that is a list', answer(409, '[1]'), { code: 'http.409', details: {} }],
    ['a problem that is a text', answer(409, '"no"'), { code: 'http.409', details: {} }],
    ['a problem that was cut off', answer(409, '{"code":"name.ta'), { code: 'http.409', details: {} }],
    ['a problem of somebody else', answer(400, { type: '/x', title: 'Bad' }), { code: 'http.400', message: 'Bad' }],
    ['a problem whose code is no text', answer(400, { code: 5 }), { code: 'http.400' }],
  ])('is told by its status: %s', async (_, response, expected) => {
    const { client } = answeredBy([response], { retries: 0 })
    expect(await caught(client.call('GET /api/v1/things'))).toMatchObject({ name: 'ApiProblem', status: response.status, ...expected })
  })

  it.each(['application/problem+json; charset=utf-8', 'Application/Problem+JSON'])('is one of ours as %s', async (type) => {
    const { client } = answeredBy([answer(404, { code: 'resource.not-found', traceId: 't' }, { 'content-type': type })])
    expect(await caught(client.call('GET /api/v1/things'))).toMatchObject({ code: 'resource.not-found', traceId: 't' })
  })

  it.each(['text/html', 'application/problem+json'])('is not read to its end when it has none: %s', async (type) => {
    const gone = Promise.withResolvers<number>()
    await using server = await against(
      (_request, response) => {
        let sent = 0
        response.writeHead(400, { 'content-type': type }).once('close', () => gone.resolve(sent))
        const more = () => {
          do sent++
          while (response.writable && response.write('x'.repeat(65_536)))
        }
        response.on('drain', more)
        more()
      },
      { retries: 0 },
    )
    expect(await caught(server.client.call('GET /api/v1/things'))).toMatchObject({ status: 400, code: 'http.400' })
    expect((await gone.promise) * 65_536).toBeLessThan(32 * 1_048_576)
  })

  it.each([
    ['a page where JSON is expected', '<html>sign in to the network</html>', 'text/html'],
    ['JSON that was cut off', '{"id":"1"', 'application/json'],
    ['another kind of JSON', '{}', 'application/json-seq'],
  ])('is no success, whatever its status says: %s', async (_, body, type) => {
    const { client, sent } = answeredBy([answer(200, body, { 'content-type': type })])
    const failure = await caught(client.call('GET /api/v1/things'))
    expect(failure).toMatchObject({ status: 200, code: 'http.200', message: `the answer is not JSON (${type})`, retryable: false })
    expect(sent).toHaveLength(1)
  })
})

describe('bodies', () => {
  it('may be missing, also when nothing says so before the end', async () => {
    await using server = await against((_request, response) => {
      response.writeHead(202)
      response.flushHeaders()
      response.end()
    })
    expect(await server.client.call('POST /api/v1/things', { body: { name: 'later' } })).toMatchObject({ status: 202, body: undefined })
  })

  it.each([200, 206])('come as they are when bytes are wanted, even if they are JSON (%d)', async (status) => {
    const { client } = answeredBy([answer(status, '{"a": 1 }', jsonType)])
    const { body } = await client.call('GET /api/v1/content', { stream: true })
    expect(await new Response(body).text()).toBe('{"a": 1 }')
  })

  it('are a stream when they are empty', async () => {
    for (const response of [new Response(null), answer(200, '', { 'content-length': '0' })]) {
      const { body } = await answeredBy([response]).client.call('GET /api/v1/content', { stream: true })
      expect(await new Response(body).text()).toBe('')
    }
  })

  it('are absent when nothing has changed', async () => {
    const unchanged = new Response(null, { status: 304, headers: { etag: '"1"' } })
    const { status, headers, body } = await answeredBy([unchanged]).client.call('GET /api/v1/content', { stream: true })
    expect([status, headers.get('etag'), body]).toEqual([304, '"1"', undefined])
  })

  it('do not hide that a download was refused', async () => {
    const { client } = answeredBy([answer(409, { code: 'file.not-readable' })])
    expect(await caught(client.call('GET /api/v1/content', { stream: true }))).toMatchObject({ code: 'file.not-readable' })
  })
})

describe('patience', () => {
  const silent: RequestListener = () => undefined
  const begins = (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, jsonType)
    response.write('{"id":')
  }
  afterEach(() => vi.useRealTimers())

  it.each<[string, RequestListener]>([
    ['no answer', silent],
    ['half an answer', begins],
  ])('ends with a TimeoutError and without another try: %s', async (_, handle) => {
    await using server = await against(handle)
    const failure = await caught(server.client.call('GET /api/v1/things', { timeoutSeconds: 0.05 }))
    expect([failure.name, server.requests.length]).toEqual(['TimeoutError', 1])
  })

  it('counts for each try anew', async () => {
    await using server = await against((_request, response) => {
      if (server.requests.length > 1) response.writeHead(200, jsonType).end('{}')
      else response.writeHead(503, { 'retry-after': '1' }).end()
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const wait = async () => void vi.advanceTimersByTime(40_000)
    const client = createClient<Routes>({ baseUrl: server.url, wait })
    expect(await client.call('GET /api/v1/things')).toMatchObject({ status: 200 })
  })

  it('lets a download take as long as it takes, and still ends with its caller', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { client, sent } = answeredBy([answer(200, 'bytes', {})])
    const leaving = new AbortController()
    await client.call('GET /api/v1/content', { stream: true, signal: leaving.signal })
    vi.advanceTimersByTime(3_600_000)
    expect(sent[0]?.init.signal?.aborted).toBe(false)
    leaving.abort()
    expect(sent[0]?.init.signal?.aborted).toBe(true)
  })

  it('has no end of its own for an upload, unless it is given one', async () => {
    const stored = answer(201, {}, jsonType)
    const { client, sent } = answeredBy([stored])
    const upload = { file: new Blob(['a']), fileName: 'a' }
    await client.call('POST /api/v1/files', upload)
    await client.call('POST /api/v1/files', { ...upload, timeoutSeconds: 5 })
    expect(sent.map(({ init }) => init.signal instanceof AbortSignal)).toEqual([false, true])
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await answeredBy([answer(200, thing, jsonType)]).client.call('GET /api/v1/things')
    await caught(answeredBy([answer(404, {})]).client.call('GET /api/v1/things'))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a caller who leaves', () => {
  const reason = new Error('left')

  it('before the call sends nothing', async () => {
    await using server = await against((_request, response) => void response.end())
    await expect(server.client.call('GET /api/v1/things', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.requests).toEqual([])
  })

  it('during the call closes the connection, and it is not made again', async () => {
    const leaving = new AbortController()
    const gone = Promise.withResolvers<void>()
    await using server = await against((_request, response) => {
      response.once('close', gone.resolve)
      leaving.abort(reason)
    })
    await expect(server.client.call('GET /api/v1/things', { signal: leaving.signal })).rejects.toBe(reason)
    await gone.promise
    expect(server.requests).toHaveLength(1)
  })

  it('between two tries does not wait for the second, and leaves nothing behind', async () => {
    const leaving = new AbortController()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const sent: unknown[] = []
      const fetch = (async () => {
        sent.push(1)
        queueMicrotask(() => setImmediate(() => leaving.abort(reason)))
        return new Response(null, { status: 503, headers: { 'retry-after': '20' } })
      }) as typeof globalThis.fetch
      const client = createClient<Routes>({ baseUrl: 'http://x', fetch })
      await expect(client.call('GET /api/v1/things', { signal: leaving.signal })).rejects.toBe(reason)
      expect([sent.length, vi.getTimerCount(), getEventListeners(leaving.signal, 'abort').length]).toEqual([1, 0, 0])
    } finally {
      vi.useRealTimers()
    }
  })

  it('and one who stays for many calls collects no listeners', async () => {
    const staying = new AbortController()
    const busy = new Response(null, { status: 503, headers: { 'retry-after': '0' } })
    const fetch = answeredBy([busy, answer(200, thing, jsonType)]).client
    for (let count = 0; count < 20; count++) await fetch.call('GET /api/v1/things', { signal: staying.signal })
    const patient = createClient<Routes>({ baseUrl: 'http://x', fetch: async () => busy.clone(), retries: 20 })
    await caught(patient.call('GET /api/v1/things', { signal: staying.signal }))
    expect(getEventListeners(staying.signal, 'abort')).toEqual([])
  })

  it('in mid-stream ends the stream', async () => {
    const leaving = new AbortController()
    const gone = Promise.withResolvers<void>()
    await using server = await against((_request, response) => {
      response.once('close', gone.resolve).writeHead(200)
      response.write('first')
    })
    const { body } = await server.client.call('GET /api/v1/content', { stream: true, signal: leaving.signal })
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    expect((await reader.read()).done).toBe(false)
    leaving.abort(reason)
    await expect(reader.read()).rejects.toBe(reason)
    await gone.promise
  })
})

describe('what may be sent twice', () => {
  const body = { name: 'ab' }
  const platform = (code: string, status: number) => answer(status, { code, status })

  it.each<[string, Response, { keyed: number; once: number }]>([
    ['a proxy that lost the line', answer(502, ''), { keyed: 2, once: 1 }],
    ['a proxy that may have lost the line', answer(503, '<html>', { 'content-type': 'text/html' }), { keyed: 2, once: 1 }],
    ['a proxy that did not wait', answer(504, ''), { keyed: 2, once: 1 }],
    ['a commit that nobody confirmed', platform('database.unavailable', 503), { keyed: 2, once: 1 }],
    ['a mail that may be under way', platform('mail.unavailable', 503), { keyed: 2, once: 1 }],
    ['a body that came too slowly', platform('request.timeout', 408), { keyed: 2, once: 1 }],
    ['a server that shuts down', platform('service.draining', 503), { keyed: 2, once: 2 }],
    ['no credentials to be had', platform('identity.unavailable', 503), { keyed: 2, once: 2 }],
    ['a limit of ours', platform('rate.limited', 429), { keyed: 2, once: 2 }],
    ['a limit of a proxy', new Response(null, { status: 429 }), { keyed: 2, once: 2 }],
    ['the same key still running', platform('idempotency.in-progress', 409), { keyed: 2, once: 1 }],
    ['a conflict', platform('name.taken', 409), { keyed: 1, once: 1 }],
    ['our own failure', platform('internal.error', 500), { keyed: 1, once: 1 }],
  ])('after %s', async (_, failure, expected) => {
    const tries = async (call: (client: ReturnType<typeof answeredBy>['client']) => Promise<unknown>) => {
      const { client, sent } = answeredBy([failure], { retries: 1 })
      await caught(call(client))
      return sent.length
    }
    expect({
      keyed: await tries((client) => client.call('POST /api/v1/things', { body })),
      once: await tries((client) => client.call('POST /api/v1/sign-in', { body, once: true })),
    }).toEqual(expected)
  })

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['before the answer', (request) => void request.socket.destroy()],
    [
      'within the answer',
      (request, response) => {
        response.writeHead(200, { ...jsonType, 'content-length': '100' })
        response.write('{"id"', () => request.socket.destroy())
      },
    ],
  ])('a call that lost its line %s, with the same key and body', async (_, breakOff) => {
    const bodies: string[] = []
    await using server = await against(async (request, response) => {
      bodies.push((await request.toArray()).join(''))
      if (server.requests.length === 1) breakOff(request, response)
      else response.writeHead(201, jsonType).end(JSON.stringify(thing))
    })
    expect(await server.client.call('POST /api/v1/things', { body })).toMatchObject({ status: 201, body: thing })
    expect(bodies).toEqual(['{"name":"ab"}', '{"name":"ab"}'])
    const [first, second] = server.requests.map(({ headers }) => headers['idempotency-key'])
    expect(first).toMatch(/^"[0-9a-f-]{36}"$/)
    expect(second).toBe(first)
  })

  it('not what the caller cannot send at all', async () => {
    const { client, sent, waits } = answeredBy([answer(201, thing, jsonType)])
    await expect(client.call('POST /api/v1/things', { body, idempotencyKey: 'a\nb' })).rejects.toThrow(TypeError)
    expect([sent, waits]).toEqual([[], []])
  })

  it('two calls are two: each has a key of its own', async () => {
    const { client, sent } = answeredBy([answer(201, thing, jsonType)])
    await client.call('POST /api/v1/things', { body })
    await client.call('POST /api/v1/things', { body })
    expect(new Set(sent.map(({ init }) => headersOf(init).get('idempotency-key'))).size).toBe(2)
  })
})

describe('the wait before another try', () => {
  const busy = (retryAfter: string) => new Response(null, { status: 503, headers: { 'retry-after': retryAfter } })
  const waitAfter = async (response: Response) => {
    const { client, waits } = answeredBy([response, answer(200, thing, jsonType)])
    await client.call('GET /api/v1/things')
    return waits[0]
  }

  it('is what the server says, in seconds', async () => {
    expect(await waitAfter(busy('7'))).toBe(7000)
    expect(await waitAfter(busy('0'))).toBe(0)
  })

  it('is what the server says, as a date; one that is past is now', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') })
    try {
      expect(await waitAfter(busy('Thu, 01 Jan 2026 00:00:09 GMT'))).toBe(9000)
      expect(await waitAfter(busy('Wed, 31 Dec 2025 00:00:00 GMT'))).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it.each(['soon', '', '5 s'])('is our own when the server says %j', async (words) => {
    const wait = await waitAfter(busy(words))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(200)
  })

  it('grows from try to try', async () => {
    const { client, waits } = answeredBy([new Response(null, { status: 502 })], { retries: 4 })
    await caught(client.call('GET /api/v1/things'))
    const [first, , , last] = waits
    expect(waits).toHaveLength(4)
    expect(last).toBeGreaterThan((first ?? 0) * 3)
  })
})

describe('credentials', () => {
  const expired = answer(401, { code: 'auth.expired' })

  it('are renewed once, not for ever', async () => {
    const asked: boolean[] = []
    const token = async ({ fresh }: { fresh: boolean }) => `t${asked.push(fresh)}`
    const { client, sent } = answeredBy([expired], { token })
    expect(await caught(client.call('GET /api/v1/things'))).toMatchObject({ code: 'auth.expired' })
    expect(asked).toEqual([false, true])
    expect(sent.map(({ init }) => headersOf(init).get('authorization'))).toEqual(['Bearer t1', 'Bearer t2'])
  })

  it.each(['auth.revoked', 'auth.invalid', 'auth.required'])('are not renewed after %s', async (code) => {
    const token = vi.fn(() => 't')
    const { client } = answeredBy([answer(401, { code })], { token })
    await caught(client.call('GET /api/v1/things'))
    expect(token).toHaveBeenCalledOnce()
  })

  it('of the given kind are not renewed: there is nobody to ask', async () => {
    const { client, sent } = answeredBy([expired], { token: 'slp_key' })
    await caught(client.call('GET /api/v1/things'))
    expect(sent).toHaveLength(1)
  })

  it('that cannot be had fail the call before anything is sent', async () => {
    const { client, sent } = answeredBy([], { token: () => Promise.reject(new Error('signed out')) })
    await expect(client.call('GET /api/v1/things')).rejects.toThrow('signed out')
    expect(sent).toEqual([])
  })

  it('of a service go before a token, and without either none are sent', async () => {
    const service = answeredBy([answer(200, thing, jsonType)], { service: 'files.secret', token: 't' })
    await service.client.call('GET /api/v1/things')
    expect(headersOf(service.sent[0]?.init).get('authorization')).toBe('Service files.secret')
    const nobody = answeredBy([answer(200, thing, jsonType)])
    await nobody.client.call('GET /api/v1/things')
    expect(headersOf(nobody.sent[0]?.init).has('authorization')).toBe(false)
  })
})

describe('pages', () => {
  const pageOf = (nextCursor?: string | null) => answer(200, { items: [thing], nextCursor }, jsonType)
  const cursors = (sent: { url: string }[]) => sent.map(({ url }) => new URL(url).searchParams.get('cursor'))

  async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
    const all: Item[] = []
    for await (const item of items) all.push(item)
    return all
  }

  it('are asked for only as they are needed', async () => {
    const { client, sent } = answeredBy([pageOf('a'), pageOf('b'), pageOf(null)])
    for await (const one of client.paginate('GET /api/v1/things')) {
      expect(one).toEqual(thing)
      break
    }
    expect(sent).toHaveLength(1)
  })

  it('keep the query and start where they are told to', async () => {
    const { client, sent } = answeredBy([pageOf('b&c'), pageOf(null)])
    await allOf(client.paginate('GET /api/v1/things', { query: { limit: 5, cursor: 'a' } }))
    expect(cursors(sent)).toEqual(['a', 'b&c'])
    expect(sent.map(({ url }) => new URL(url).searchParams.get('limit'))).toEqual(['5', '5'])
  })

  it('end when a server says nothing of a next one', async () => {
    const { client, sent } = answeredBy([pageOf(undefined)])
    expect(await allOf(client.paginate('GET /api/v1/things'))).toEqual([thing])
    expect(sent).toHaveLength(1)
  })

  it('end with the failure of one of them, after the items before it', async () => {
    const { client } = answeredBy([pageOf('a'), answer(400, { code: 'request.parameters-invalid' })])
    const seen: unknown[] = []
    const walk = async () => {
      for await (const one of client.paginate('GET /api/v1/things')) seen.push(one)
    }
    expect(await caught(walk())).toMatchObject({ code: 'request.parameters-invalid' } satisfies Partial<ApiProblem>)
    expect(seen).toEqual([thing])
  })
})

describe('addresses', () => {
  it.each([
    ['http://x', 'http://x/api/v1/things'],
    ['http://x///', 'http://x/api/v1/things'],
    ['http://x/base/', 'http://x/base/api/v1/things'],
  ])('%s', async (baseUrl, expected) => {
    const { client, sent } = answeredBy([answer(200, thing, jsonType)], { baseUrl })
    await client.call('GET /api/v1/things')
    expect(sent[0]?.url).toBe(expected)
  })

  it.each(['a/../../admin', '%2e%2e', 'a?b#c', '{id}', '🦭'])('keep %j within its segment', async (id) => {
    const { client, sent } = answeredBy([answer(200, thing, jsonType)])
    await client.call('GET /api/v1/things/{id}', { params: { id } })
    const path = new URL(sent[0]?.url ?? '').pathname.split('/')
    expect([path.length, decodeURIComponent(path[4] ?? '')]).toEqual([5, id])
  })

  it('leave out what is not given', async () => {
    const { client, sent } = answeredBy([answer(200, thing, jsonType)])
    await client.call('GET /api/v1/things/{id}', { params: { id: '1' }, query: { tag: [], deep: undefined } })
    expect(sent[0]?.url).toBe('http://x/api/v1/things/1')
  })
})

it('answers that come in pieces are one answer', async () => {
  await using server = await against(async (_request, response) => {
    response.writeHead(200, jsonType)
    for (const piece of ['{"id":"1","na', 'me":"gr', 'ün"}']) await new Promise((sent) => response.write(piece, sent))
    response.end()
  })
  expect((await server.client.call('GET /api/v1/things/{id}', { params: { id: '1' } })).body).toEqual({ id: '1', name: 'grün' })
})
