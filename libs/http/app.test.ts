import { Readable } from 'node:stream'
import { problem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { json, pointersOf, problemIn, serve } from './http.fixtures.ts'
import { type createHttpApp, isNotModified, mount, notModified, reply, replyStream, routesFor, strongEtag } from './index.ts'

interface Context {
  greeting: string
}

const route = routesFor<Context>()
const Thing = z.object({ id: z.string(), greeting: z.string() })

const getThing = route(
  {
    method: 'GET',
    path: '/api/v1/things/{id}',
    operation: 'things.get',
    summary: 'One thing',
    auth: 'none',
    params: z.object({ id: z.uuid() }),
    query: z.object({ tag: z.array(z.string()).optional(), depth: z.coerce.number().int().max(3).default(1) }),
    responses: { 200: { description: 'The thing', schema: Thing.extend({ depth: z.number(), tags: z.array(z.string()) }) } },
  },
  async ({ params, query }, { greeting }) => reply(200, { id: params.id, greeting, depth: query.depth, tags: query.tag ?? [] }),
)

const countThings = route(
  {
    method: 'GET',
    path: '/api/v1/things/count',
    operation: 'things.count',
    summary: 'How many',
    auth: 'none',
    responses: { 200: { description: 'Number', schema: z.object({ count: z.number() }) } },
  },
  async () => reply(200, { count: 2 }),
)

const postThing = route(
  {
    method: 'POST',
    path: '/api/v1/things',
    operation: 'things.create',
    summary: 'Make one',
    auth: 'none',
    headers: z.object({ 'x-flavour': z.enum(['sweet', 'sour']).optional() }),
    body: z.object({ name: z.string().min(2), settings: z.record(z.string(), z.unknown()).optional() }),
    bodyBytes: 4096,
    responses: { 201: { description: 'Made', schema: z.object({ name: z.string(), flavour: z.string().nullable() }) } },
  },
  async ({ body, headers }) => reply(201, { name: body.name, flavour: headers['x-flavour'] ?? null }),
)

const failing = route(
  {
    method: 'GET',
    path: '/api/v1/failing/{how}',
    operation: 'failing.get',
    summary: 'Fails',
    auth: 'none',
    params: z.object({ how: z.string() }),
    responses: { 200: { description: 'Never', schema: z.object({ ok: z.boolean() }) } },
  },
  async ({ params }) => {
    if (params.how === 'problem') throw problem('resource.not-found', { detail: 'gone fishing' })
    if (params.how === 'busy') throw problem('scanner.unavailable', { retryAfter: 7 })
    if (params.how === 'contract') return reply(200, { ok: 'no' } as unknown as { ok: boolean })
    throw new Error('secret host db1.internal')
  },
)

const routes = [getThing, countThings, postThing, failing]
const context = { greeting: 'hello' }
const id = '019aa5a0-0000-7000-8000-000000000001'

describe('a route', () => {
  it('gives its handler validated and typed input, and the context', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch(`/api/v1/things/${id}?tag=a&tag=b&depth=2`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await response.json()).toEqual({ id, greeting: 'hello', depth: 2, tags: ['a', 'b'] })
    const single = await server.fetch(`/api/v1/things/${id}?tag=a`)
    expect(await single.json()).toMatchObject({ tags: ['a'], depth: 1 })
  })

  it('prefers a literal path to one with parameters, in whatever order they are declared', async () => {
    await using server = await serve({ routes, context })
    expect(await (await server.fetch('/api/v1/things/count')).json()).toEqual({ count: 2 })
  })

  it('lets only declared members of an answer out', async () => {
    const leaky = route({ ...countThings.contract, path: '/api/v1/leaky' }, async () => {
      const row = { count: 1, passwordHash: 'x' }
      return reply(200, row)
    })
    await using server = await serve({ routes: [leaky], context })
    expect(await (await server.fetch('/api/v1/leaky')).json()).toEqual({ count: 1 })
  })

  it('shares one server with the routes of other services, each with its own context', async () => {
    const mounts = [mount([getThing], { greeting: 'one' }), mount([countThings], { greeting: 'two' })]
    await using server = await serve({ mounts })
    expect(await (await server.fetch(`/api/v1/things/${id}`)).json()).toMatchObject({ greeting: 'one' })
    expect((await server.fetch('/api/v1/things/count')).status).toBe(200)
  })
})

describe('bad input', () => {
  it.each([
    ['an unknown query parameter', `/api/v1/things/${id}?colour=red`, '/query/colour'],
    ['a query parameter of the wrong type', `/api/v1/things/${id}?depth=x`, '/query/depth'],
    ['a query parameter out of range', `/api/v1/things/${id}?depth=9`, '/query/depth'],
    ['a repeated query parameter', `/api/v1/things/${id}?depth=1&depth=2`, '/query/depth'],
    ['NUL in the query', `/api/v1/things/${id}?tag=%00`, '/query/tag'],
    ['a query on a route without one', '/api/v1/things/count?x=1', '/query/x'],
    ['a path parameter', '/api/v1/things/7', '/path/id'],
    ['a slash in a parameter name', `/api/v1/things/${id}?a/b~c=1`, '/query/a~1b~0c'],
    ['__proto__ as a parameter', `/api/v1/things/${id}?__proto__=1`, '/query/__proto__'],
  ])('%s is a 400 that points to it', async (_name, path, pointer) => {
    await using server = await serve({ routes, context })
    const response = await server.fetch(path)
    expect(response.status).toBe(400)
    const details = await problemIn(response)
    expect(details.code).toBe('request.parameters-invalid')
    expect(pointersOf(details)).toEqual([pointer])
  })

  it('a path that cannot be decoded is a 400', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/things/%E0%A4%A')
    expect(response.status).toBe(400)
    expect((await problemIn(response)).code).toBe('request.malformed')
  })

  it('a header is a 400 that points to it', async () => {
    await using server = await serve({ routes, context })
    const details = await problemIn(await server.fetch('/api/v1/things', json({ name: 'ab' }, { 'x-flavour': 'bitter' })))
    expect(details).toMatchObject({ status: 400, errors: [{ pointer: '/headers/x-flavour' }] })
  })

  it.each<[string, RequestInit, [number, string]]>([
    ['a short name', json({ name: 'a' }), [422, '/body/name']],
    ['a missing name', json({}), [422, '/body/name']],
    ['another type', json('text'), [422, '/body']],
    ['no body', { method: 'POST' }, [400, '/body']],
    ['broken JSON', { ...json(0), body: '{"name": ' }, [400, '/body']],
    ['two JSON values', { ...json(0), body: '{} {}' }, [400, '/body']],
    ['bytes that are not UTF-8', { ...json(0), body: new Uint8Array([0x22, 0xff, 0x22]) }, [400, '/body']],
    ['JSON that is nested too deep', { ...json(0), body: '['.repeat(33) + ']'.repeat(33) }, [400, '/body']],
    ['very deep JSON that never ends', { ...json(0), body: '{"a":'.repeat(700) }, [400, '/body']],
    [
      '__proto__ as a member',
      { ...json(0), body: '{"name":"ab","settings":{"__proto__":{"admin":true}}}' },
      [400, '/body/settings/__proto__'],
    ],
    ['__proto__ in disguise', { ...json(0), body: '{"name":"ab","\\u005f_proto__":{}}' }, [400, '/body/__proto__']],
    ['NUL in a text', { ...json(0), body: '{"name":"a\\u0000b"}' }, [400, '/body/name']],
    ['a form', { method: 'POST', body: new URLSearchParams({ name: 'ab' }) }, [415, '/headers/content-type']],
    ['text', { method: 'POST', body: 'name' }, [415, '/headers/content-type']],
    [
      'another charset',
      { ...json({ name: 'ab' }), headers: { 'content-type': 'application/json; charset=latin1' } },
      [415, '/headers/content-type'],
    ],
    ['a compressed body', json({ name: 'ab' }, { 'content-encoding': 'gzip' }), [415, '/headers/content-encoding']],
  ])('%s is refused and pointed to', async (_name, init, expected) => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/things', init)
    const details = await problemIn(response)
    expect([response.status, pointersOf(details)]).toEqual([expected[0], [expected[1]]])
    expect(({} as Record<string, unknown>).admin).toBeUndefined()
  })

  it('brackets inside of texts are not depth', async () => {
    await using server = await serve({ routes, context })
    const name = '[{"\\'.repeat(200)
    const response = await server.fetch('/api/v1/things', json({ name }))
    expect(await response.json()).toEqual({ name, flavour: null })
  })

  it('a body over the limit of the route is a 413, said before or by counting', async () => {
    await using server = await serve({ routes, context })
    const body = JSON.stringify({ name: 'x'.repeat(5000) })
    const announced = await server.fetch('/api/v1/things', { ...json(0), body })
    expect(await problemIn(announced)).toMatchObject({ status: 413, code: 'request.too-large', limit: 4096 })
    const chunked = { ...json(0), body: Readable.toWeb(Readable.from([Buffer.from(body)])), duplex: 'half' } as RequestInit
    expect((await server.fetch('/api/v1/things', chunked)).status).toBe(413)
    expect((await server.fetch('/api/v1/things', { ...json(0), body: JSON.stringify({ name: 'x'.repeat(4000) }) })).status).toBe(201)
  })
})

describe('what is not a route', () => {
  it('an unknown path is a 404 problem', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/nothing?token=secret')
    const details = await problemIn(response)
    expect(details).toMatchObject({ status: 404, code: 'route.not-found', instance: '/api/v1/nothing' })
    expect(server.ends.at(-1)?.route ?? null).toBeNull()
  })

  it('another method is a 405 with Allow', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/things/count', { method: 'DELETE' })
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
    expect((await problemIn(response)).code).toBe('route.method-not-allowed')
  })

  it('OPTIONS names the methods, HEAD answers as GET without a body', async () => {
    await using server = await serve({ routes, context })
    const options = await server.fetch('/api/v1/things', { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'OPTIONS, POST'])
    const head = await server.fetch('/api/v1/things/count', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '11', ''])
  })
})

describe('problems', () => {
  it('carry code, path, trace and request id', async () => {
    await using server = await serve({ routes, context })
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, 'x-request-id': 'req-1' }
    const response = await server.fetch('/api/v1/failing/problem', { headers })
    expect(response.headers.get('x-request-id')).toBe('req-1')
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await problemIn(response)).toEqual({
      type: '/problems/resource.not-found',
      title: 'No such resource',
      status: 404,
      code: 'resource.not-found',
      detail: 'gone fishing',
      instance: '/api/v1/failing/problem',
      traceId,
    })
  })

  it.each([
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'nonsense',
  ])('traceparent %s starts a new trace', async (traceparent) => {
    await using server = await serve({ routes, context })
    const { traceId } = await problemIn(await server.fetch('/api/v1/failing/problem', { headers: { traceparent } }))
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(traceparent).not.toContain(traceId)
    expect(traceId).not.toMatch(/^0+$/)
  })

  it('a request id with odd characters is replaced', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/things/count', { headers: { 'x-request-id': 'a b<script>' } })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('say when to come back', async () => {
    await using server = await serve({ routes, context })
    const response = await server.fetch('/api/v1/failing/busy')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7'])
  })

  it.each(['crash', 'contract'])('leak nothing of a 500 (%s), which is logged with its trace', async (how) => {
    await using server = await serve({ routes, context })
    const response = await server.fetch(`/api/v1/failing/${how}`)
    const details = await problemIn(response)
    expect(response.status).toBe(500)
    expect(Object.keys(details).sort()).toEqual(['code', 'instance', 'status', 'title', 'traceId', 'type'])
    const line = server.logs.find(({ level }) => level === 'error')
    expect(line?.fields).toMatchObject({ traceId: details.traceId, code: 'internal.error', operation: 'failing.get' })
    expect(String(line?.fields.err)).toMatch(how === 'crash' ? /db1\.internal/ : /against its contract/)
  })
})

describe('headers', () => {
  it('are those of helmet, without a name of the software', async () => {
    await using server = await serve({ routes, context })
    const { headers } = await server.fetch('/api/v1/things/count')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'")
    expect(headers.get('strict-transport-security')).toMatch(/max-age/)
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('etag')).toBeNull()
  })

  it('compress what is long and has no ETag', async () => {
    const long = (etag?: string) => async () => reply(200, { count: 1, text: 'a'.repeat(5000) }, etag ? { headers: { etag } } : {})
    const contract = { ...countThings.contract, responses: { 200: { description: 'Long', schema: z.looseObject({ count: z.number() }) } } }
    const plain = route({ ...contract, path: '/api/v1/long' }, long())
    const tagged = route({ ...contract, path: '/api/v1/tagged' }, long('"1"'))
    await using server = await serve({ routes: [plain, tagged, countThings], context })
    const headers = { 'accept-encoding': 'gzip' }
    const compressed = await server.fetch('/api/v1/long', { headers })
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect(compressed.headers.get('vary')).toMatch(/accept-encoding/i)
    expect(compressed.headers.get('x-content-type-options')).toBe('nosniff')
    expect(((await compressed.json()) as { text: string }).text).toHaveLength(5000)
    expect((await server.fetch('/api/v1/tagged', { headers })).headers.get('content-encoding')).toBeNull()
    expect((await server.fetch('/api/v1/things/count', { headers })).headers.get('content-encoding')).toBeNull()
  })

  it('answer 304 when the client has this version', async () => {
    const etag = strongEtag('v 1')
    const tagged = route({ ...countThings.contract, path: '/api/v1/tagged' }, async () => reply(200, { count: 1 }, { headers: { etag } }))
    await using server = await serve({ routes: [tagged], context })
    const first = await server.fetch('/api/v1/tagged')
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    const again = await server.fetch('/api/v1/tagged', { headers: { 'if-none-match': `"x", W/${first.headers.get('etag')}` } })
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag])
    expect((await server.fetch('/api/v1/tagged', { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  })
})

describe('streams', () => {
  const streaming = (make: () => Readable) =>
    route(
      {
        method: 'GET',
        path: '/api/v1/bytes',
        operation: 'bytes.get',
        summary: 'Bytes',
        auth: 'none',
        responses: { 200: { description: 'Bytes', content: 'application/octet-stream' } },
      },
      async ({ request }) => {
        if (isNotModified(request, '"s"')) return notModified('"s"')
        return replyStream(200, make(), { headers: { 'content-type': 'image/png', etag: '"s"' } })
      },
    )

  it('pass bytes with the headers of the handler', async () => {
    await using server = await serve({ routes: [streaming(() => Readable.from([Buffer.from('ab'), Buffer.from('cd')]))], context })
    const response = await server.fetch('/api/v1/bytes')
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['image/png', 'abcd'])
    expect((await server.fetch('/api/v1/bytes', { headers: { 'if-none-match': '"s"' } })).status).toBe(304)
  })

  it('are destroyed unread by HEAD', async () => {
    const stream = Readable.from([Buffer.from('ab')])
    await using server = await serve({ routes: [streaming(() => stream)], context })
    expect((await server.fetch('/api/v1/bytes', { method: 'HEAD' })).status).toBe(200)
    expect(stream.destroyed).toBe(true)
  })

  it('that fail half-way cut the connection instead of looking whole', async () => {
    const broken = () =>
      Readable.from(
        (async function* () {
          yield Buffer.from('half')
          throw new Error('storage went away')
        })(),
      )
    await using server = await serve({ routes: [streaming(broken)], context })
    const response = server.fetch('/api/v1/bytes').then((answer) => answer.text())
    await expect(response).rejects.toThrow()
    expect(server.logs.find(({ level }) => level === 'error')?.fields.err).toMatchObject({ message: 'storage went away' })
  })

  it('are destroyed when the reader goes away, and the signal says so', async () => {
    const stream = new Readable({ read: () => undefined })
    stream.push('first')
    const aborted = Promise.withResolvers<void>()
    const watched = route(streaming(() => stream).contract, async ({ request }) => {
      request.signal.addEventListener('abort', () => aborted.resolve())
      return replyStream(200, stream)
    })
    await using server = await serve({ routes: [watched], context })
    const end = server.nextEnd()
    const leaving = new AbortController()
    const response = await server.fetch('/api/v1/bytes', { signal: leaving.signal })
    leaving.abort()
    await aborted.promise
    expect(response.status).toBe(200)
    expect((await end).status).toBe(499)
    expect(stream.destroyed).toBe(true)
  })

  it('are told when they begin and when they end, also where the reader goes away', async () => {
    const open: string[] = []
    const onRequestBegin = ({ method }: { method: string }) => void open.push(method)
    const stream = new Readable({ read: () => undefined })
    stream.push('first')
    await using server = await serve({ routes: [...routes, streaming(() => stream)], context, onRequestBegin })
    const ended = server.nextEnd()
    const leaving = new AbortController()
    await server.fetch('/api/v1/bytes', { signal: leaving.signal })
    expect(open).toEqual(['GET'])
    expect(server.ends).toEqual([])
    leaving.abort()
    expect((await ended).method).toBe('GET')
    await server.fetch('/nowhere')
    expect(open).toHaveLength(2)
  })
})

describe('the books', () => {
  it('have one line and one metric per request, by route pattern and without the query', async () => {
    await using server = await serve({ routes, context })
    const ended = server.nextEnd()
    await server.fetch(`/api/v1/things/${id}?depth=2`)
    expect(await ended).toMatchObject({ route: '/api/v1/things/{id}', operation: 'things.get', method: 'GET', status: 200 })
    const line = server.logs.find(({ message }) => message === 'request')
    expect(line?.fields).toMatchObject({ path: `/api/v1/things/${id}`, status: 200, ip: '127.0.0.1' })
    expect(JSON.stringify(line)).not.toContain('depth')
  })

  it('are quiet about probes, unless these are told of a fault', async () => {
    let well = true
    const ready = route(
      {
        method: 'GET',
        path: '/health/ready',
        operation: 'health.ready',
        summary: 'Whether it is',
        auth: 'none',
        responses: { 200: { description: 'It is' }, 503: { description: 'It is not' } },
      },
      async () => reply(well ? 200 : 503),
    )
    await using server = await serve({ routes: [ready, countThings], context })
    for (const path of ['/health/ready', '/api/v1/things/count', '/health/ready']) {
      const ended = server.nextEnd()
      await server.fetch(path)
      await ended
      well = false
    }
    const lines = server.logs.filter(({ message }) => message === 'request').map(({ level, fields }) => [level, fields['status']])
    expect(lines).toEqual([
      ['debug', 200],
      ['info', 200],
      ['info', 503],
    ])
  })

  it('believe X-Forwarded-For of a trusted proxy only', async () => {
    const forwarded = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    const ips: unknown[] = []
    for (const trustedProxies of [undefined, ['loopback']]) {
      await using server = await serve({ routes, context, trustedProxies })
      const ended = server.nextEnd()
      await server.fetch('/api/v1/things/count', forwarded)
      await ended
      ips.push(server.logs.at(-1)?.fields.ip)
    }
    expect(ips).toEqual(['127.0.0.1', '203.0.113.9'])
  })
})

it('handlers outside of any contract come first and have the same headers', async () => {
  const extend: NonNullable<Parameters<typeof createHttpApp>[0]['extend']> = (app) =>
    void app.get('/raw', (_, response) => void response.end('raw'))
  await using server = await serve({ routes, context, extend })
  const response = await server.fetch('/raw')
  expect([await response.text(), response.headers.get('x-content-type-options')]).toEqual(['raw', 'nosniff'])
})
