import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { problem } from '@slipway/problem'
import { rememberSpans, type SpanMemory } from '@slipway/telemetry/testing/spans'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { raw, serve, type TestServer } from './http.fixtures.ts'
import { anyType, bytes, reply, routesFor } from './index.ts'

const id = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11'
const traceId = 'a'.repeat(31) + '7'
const callerSpan = 'b'.repeat(16)
const caller = (flags: '00' | '01') => ({ traceparent: `00-${traceId}-${callerSpan}-${flags}` })

const route = routesFor<unknown>()
const Traced = z.object({ traceId: z.string().nullable() })
const traced = () => ({ traceId: trace.getActiveSpan()?.spanContext().traceId ?? null })

const getThing = route(
  {
    method: 'GET',
    path: '/api/v1/things/{id}',
    operation: 'things.get',
    summary: 'One thing',
    auth: 'none',
    params: z.object({ id: z.uuid() }),
    query: z.object({ token: z.string().optional() }),
    responses: { 200: { description: 'The thing', schema: Traced } },
  },
  async () => {
    await new Promise((resolve) => void setImmediate(resolve))
    trace.getTracer('test').startSpan('inside').end()
    return reply(200, traced())
  },
)
const putThing = route(
  {
    method: 'PUT',
    path: '/api/v1/things/{id}',
    operation: 'things.put',
    summary: 'Its bytes',
    auth: 'none',
    params: z.object({ id: z.uuid() }),
    body: bytes({ type: anyType }),
    responses: { 200: { description: 'Taken', schema: Traced } },
  },
  async ({ stream }) => {
    for await (const _ of stream) trace.getTracer('test').startSpan('chunk').end()
    return reply(200, traced())
  },
)
const fail = route(
  {
    method: 'GET',
    path: '/api/v1/failing/{how}',
    operation: 'failing.get',
    summary: 'Fails',
    auth: 'none',
    params: z.object({ how: z.string() }),
    responses: { 200: { description: 'Never', schema: z.object({}) } },
  },
  async ({ params: { how }, request }) => {
    if (how === 'missing') throw problem('resource.not-found')
    if (how === 'down') throw problem('scanner.unavailable', { retryAfter: 7 })
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
    return reply(200, {})
  },
)
const live = route(
  {
    method: 'GET',
    path: '/health/live',
    operation: 'health.live',
    summary: 'Alive',
    auth: 'none',
    responses: { 200: { description: 'Yes', schema: Traced } },
  },
  async () => reply(200, traced()),
)

const served = (options: { trustedProxies?: string[] } = {}) =>
  serve({ routes: [getThing, putThing, fail, live], context: null, ...options })

/** Asks, and waits until the server is done with it: by then its span has ended. */
async function ask(server: TestServer, path: string, init?: RequestInit) {
  const end = server.nextEnd()
  const response = await server.fetch(path, init)
  const body = (await response.json()) as { traceId?: string | null }
  await end
  return { status: response.status, body }
}

const serverSpans = ({ spans }: SpanMemory) => spans.filter(({ kind }) => kind === SpanKind.SERVER)
const only = (memory: SpanMemory) => {
  const [span, ...more] = serverSpans(memory)
  expect(more).toEqual([])
  return span!
}

describe('the span of a request', () => {
  it('continues the trace of the caller, and what the handler does hangs on it', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    const { body } = await ask(server, `/api/v1/things/${id}`, { headers: caller('01') })
    expect(body.traceId).toBe(traceId)
    const span = only(memory)
    expect(span.spanContext().traceId).toBe(traceId)
    expect(span.parentSpanContext).toMatchObject({ spanId: callerSpan, isRemote: true })
    expect(memory.spans.find(({ name }) => name === 'inside')?.parentSpanContext?.spanId).toBe(span.spanContext().spanId)
  })

  it('says what was asked by the template, by whom, how, and what the answer was', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    await ask(server, `/api/v1/things/${id}?token=a-secret`, { headers: { 'user-agent': 'tests/1' } })
    expect(only(memory)).toMatchObject({
      name: 'GET /api/v1/things/{id}',
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'http.route': '/api/v1/things/{id}',
        'slipway.thing.id': id,
        'url.scheme': 'http',
        'url.path': `/api/v1/things/${id}`,
        'url.query': 'token=*',
        'server.address': '127.0.0.1',
        'server.port': server.port,
        'client.address': '127.0.0.1',
        'network.peer.address': '127.0.0.1',
        'network.protocol.version': '1.1',
        'user_agent.original': 'tests/1',
      },
    })
    expect(JSON.stringify(only(memory).attributes)).not.toContain('a-secret')
  })

  it('is there when the client waits to be asked for its body, as curl does', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    using client = await raw(server.port)
    const end = server.nextEnd()
    await client.send(
      `PUT /api/v1/things/${id} HTTP/1.1\r\nhost: things.example\r\ncontent-type: a/b\r\ncontent-length: 3\r\n` +
        `expect: 100-continue\r\nconnection: close\r\ntraceparent: ${caller('01').traceparent}\r\n\r\n`,
    )
    await client.until(/100 Continue/)
    await client.send('abc')
    expect(await client.answer).toContain(traceId)
    await end
    const span = only(memory)
    expect(span).toMatchObject({ name: 'PUT /api/v1/things/{id}', attributes: { 'server.address': 'things.example' } })
    expect(memory.spans.find(({ name }) => name === 'chunk')?.parentSpanContext?.spanId).toBe(span.spanContext().spanId)
  })

  it('fails when the fault is ours, not when it is the client’s', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    await ask(server, '/api/v1/failing/missing')
    await ask(server, '/api/v1/failing/down')
    await ask(server, '/nowhere')
    const seen = serverSpans(memory).map(({ name, status, attributes }) => [
      name,
      status.code,
      attributes['http.response.status_code'],
      attributes['error.type'],
    ])
    expect(seen).toEqual([
      ['GET /api/v1/failing/{how}', SpanStatusCode.UNSET, 404, undefined],
      ['GET /api/v1/failing/{how}', SpanStatusCode.ERROR, 503, '503'],
      ['GET', SpanStatusCode.UNSET, 404, undefined],
    ])
  })

  it('ends when the client goes away, without a status', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    const end = server.nextEnd()
    using client = await raw(server.port)
    await client.send('GET /api/v1/failing/waiting HTTP/1.1\r\nhost: a\r\n\r\n')
    client.socket.destroy()
    expect(await end).toMatchObject({ status: 499 })
    expect(only(memory).attributes).not.toHaveProperty(['http.response.status_code'])
  })

  it('does not take a method for a name that anybody may make up', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    await ask(server, '/nowhere', { method: 'PROPFIND' })
    expect(only(memory)).toMatchObject({
      name: 'HTTP',
      attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PROPFIND' },
    })
  })

  it.each([
    [[], '127.0.0.1'],
    [['loopback'], '203.0.113.9'],
  ])('believes about the address of the client whom the installation trusts (%j)', async (trustedProxies, address) => {
    await using memory = rememberSpans()
    await using server = await served({ trustedProxies })
    await ask(server, `/api/v1/things/${id}`, { headers: { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=198.51.100.7' } })
    expect(only(memory).attributes).toMatchObject({ 'client.address': address, 'network.peer.address': '127.0.0.1' })
  })
})

describe('what has no span', () => {
  it('are probes', async () => {
    await using memory = rememberSpans()
    await using server = await served()
    expect((await ask(server, '/health/live')).body).toEqual({ traceId: null })
    expect(memory.spans).toEqual([])
  })

  it('are requests that are not sampled, but they have a trace for logs and records', async () => {
    await using memory = rememberSpans({ ratio: 0 })
    await using server = await served()
    const { body } = await ask(server, `/api/v1/things/${id}`, { headers: caller('00') })
    expect(body.traceId).toBe(traceId)
    expect(memory.spans).toEqual([])
    expect(server.logs.find(({ message }) => message === 'request')?.fields).toMatchObject({ traceId })
  })

  it('are all requests when telemetry is off', async () => {
    await using server = await served()
    expect((await ask(server, `/api/v1/things/${id}`, { headers: caller('01') })).body).toEqual({ traceId: null })
  })
})
