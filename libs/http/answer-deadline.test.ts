import { Agent, get } from 'node:http'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { multipartBody, problemIn, raw, serve, sha256, upload } from './http.fixtures.ts'
import { bytes, multipart, reply, replyStream, routesFor } from './index.ts'

/** The test opens the gate at which handlers stand. */
let gate: PromiseWithResolvers<void>
let begun: PromiseWithResolvers<AbortSignal>
beforeEach(() => {
  gate = Promise.withResolvers()
  begun = Promise.withResolvers()
})

const route = routesFor<unknown>()
const text = { 200: { description: 'Text', content: 'text/plain' } } as const
const common = { summary: 'A test', auth: 'none' } as const

const quick = route({ ...common, method: 'GET', path: '/quick', operation: 'test.quick', responses: text }, async () => reply(200, 'quick'))
const slow = route({ ...common, method: 'GET', path: '/slow', operation: 'test.slow', responses: text }, async ({ request }) => {
  begun.resolve(request.signal)
  await gate.promise
  return reply(200, 'too late')
})
const failing = route({ ...common, method: 'GET', path: '/failing', operation: 'test.failing', responses: text }, async () => {
  await gate.promise
  throw new Error('nobody hears this')
})
let source: Readable
const lateStream = route({ ...common, method: 'GET', path: '/late', operation: 'test.late', responses: text }, async () => {
  await gate.promise
  return replyStream(200, source)
})
const stream = route({ ...common, method: 'GET', path: '/stream', operation: 'test.stream', responses: text }, async () =>
  replyStream(200, source),
)
const bodies = route(
  { ...common, method: 'PUT', path: '/bytes', operation: 'test.bytes', body: bytes({ type: 'application/octet-stream' }), responses: text },
  async ({ stream }) => reply(200, sha256(Buffer.concat(await stream.toArray()))),
)
const unread = route(
  { ...common, method: 'POST', path: '/unread', operation: 'test.unread', body: multipart({ fields: z.object({}) }), responses: text },
  async ({ request }) => {
    begun.resolve(request.signal)
    await gate.promise
    return reply(200, 'too late')
  },
)
const routes = [quick, slow, failing, lateStream, stream, bodies, unread]

describe('an answer that takes too long', () => {
  it('is 503 with a time to come back, and who works for it is told', async () => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    const response = await server.fetch('/slow')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await problemIn(response)).toMatchObject({ code: 'service.timeout', instance: '/slow' })
    expect((await begun.promise).aborted).toBe(true)
    expect(server.logs.filter(({ level }) => level === 'error')).toMatchObject([{ fields: { code: 'service.timeout' } }])
    gate.resolve()
  })

  it.each(['/slow', '/failing'])('of %s: what comes afterwards is dropped without a word, and the connection serves on', async (path) => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    using client = await raw(server.port)
    await client.send(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
    await client.until(/service\.timeout/)
    gate.resolve()
    await client.send('GET /quick HTTP/1.1\r\nhost: a\r\n\r\n')
    const all = await client.until(/quick$/)
    expect(all.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503', 'HTTP/1.1 200'])
    expect(all).not.toContain('too late')
    expect(server.logs.filter(({ level }) => level === 'error')).toHaveLength(1)
    expect(server.ends.map(({ status }) => status)).toContain(503)
  })

  it('closes the stream that it would have been', async () => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    source = Readable.from(['never', 'read'])
    expect((await server.fetch('/late')).status).toBe(503)
    gate.resolve()
    await expect.poll(() => source.destroyed).toBe(true)
  })

  it('also when its request was not read to the end', async () => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    using client = await raw(server.port)
    const body = multipartBody([{ name: 'file', fileName: 'a', data: 'x'.repeat(8_000_000) }], { closed: false })
    const head = 'POST /unread HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=testboundary\r\n'
    await client.send(`${head}content-length: 10000000\r\n\r\n`)
    // More than is read ahead: from then on the client waits for us.
    void client.send(body)
    expect(await client.until(/service\.timeout/)).toMatch(/^HTTP\/1\.1 503 .*connection: close/is)
    expect((await begun.promise).aborted).toBe(true)
    gate.resolve()
  })
})

describe('the time of an answer', () => {
  it('does not pass while the client is waited for', async () => {
    await using server = await serve({ routes, answerSeconds: 1 })
    using client = await raw(server.port)
    await client.send('PUT /bytes HTTP/1.1\r\nhost: a\r\ncontent-type: application/octet-stream\r\ncontent-length: 6\r\n\r\nabc')
    // More than twice the time, in which nothing may happen: there is no event to wait for.
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await client.send('def')
    expect(await client.until(/\r\n\r\n[0-9a-f]{64}/)).toMatch(new RegExp(`^HTTP/1.1 200 .*${sha256('abcdef')}`, 's'))
  })

  it('passes again when all of the body is there', async () => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    const response = await server.fetch('/unread', upload([{ name: 'file', fileName: 'a', data: 'whole' }]))
    expect(await problemIn(response)).toMatchObject({ code: 'service.timeout' })
    gate.resolve()
  })

  it('ends with the first byte: what is being sent may take as long as it takes', async () => {
    await using server = await serve({ routes, answerSeconds: 0.3 })
    source = Readable.from(
      (async function* () {
        yield 'first '
        await gate.promise
        yield 'last'
      })(),
    )
    const response = await server.fetch('/stream')
    expect(response.status).toBe(200)
    setTimeout(() => gate.resolve(), 1000)
    expect(await response.text()).toBe('first last')
  })

  it('begins anew with each request of a connection', async () => {
    await using server = await serve({ routes, answerSeconds: 1 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = get(`${server.url}/quick`, { agent }, (response) =>
          response.resume().once('end', () => resolve(response.statusCode)),
        )
        request.once('error', reject)
      })
    expect(await ask()).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 1200))
    expect(await ask()).toBe(200)
    agent.destroy()
  })
})
