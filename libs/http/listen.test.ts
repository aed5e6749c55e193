import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boundary, json, problemIn, raw, serve } from './http.fixtures.ts'
import { type HttpServer, listen, multipart, reply, replyStream, routesFor } from './index.ts'

const route = routesFor<unknown>()
const responses = { 200: { description: 'Done', schema: z.object({ ok: z.boolean() }) } }
const summary = 'For tests'

const quick = route({ method: 'GET', path: '/quick', operation: 'quick', summary, auth: 'none', responses }, async () =>
  reply(200, { ok: true }),
)
const echo = route({ method: 'POST', path: '/echo', operation: 'echo', summary, auth: 'none', body: z.object({}), responses }, async () =>
  reply(200, { ok: true }),
)

/** A route that answers when it is told to. */
function gated() {
  const entered = Promise.withResolvers<AbortSignal>()
  const leave = Promise.withResolvers<void>()
  const gate = route({ method: 'GET', path: '/gate', operation: 'gate', summary, auth: 'none', responses }, async ({ request }) => {
    entered.resolve(request.signal)
    await leave.promise
    return reply(200, { ok: true })
  })
  return { gate, entered: entered.promise, leave: leave.resolve }
}

function connectionsOf({ server }: HttpServer): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
}

describe('closing', () => {
  it('lets a request in flight finish, tells its connection to close and takes no new ones', async () => {
    const { gate, entered, leave } = gated()
    await using server = await serve({ routes: [gate, quick], closeSeconds: 30 })
    using client = await raw(server.port)
    await client.send('GET /gate HTTP/1.1\r\nhost: x\r\n\r\n')
    await entered
    const closed = server.server.close()
    await expect(server.fetch('/quick')).rejects.toThrow()
    leave()
    const answer = await client.answer
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toMatch(/connection: close/i)
    await closed
  })

  it('is told to answers without an end, which end then', async () => {
    const opened = Promise.withResolvers<void>()
    const endless = route(
      {
        method: 'GET',
        path: '/endless',
        operation: 'endless',
        summary,
        auth: 'none',
        responses: { 200: { description: 'Ticks', content: 'text/plain' } },
      },
      async ({ request: { closing } }) => {
        const stream = new PassThrough()
        closing.addEventListener('abort', () => stream.end('closing'))
        stream.write('open ')
        opened.resolve()
        return replyStream(200, stream, { headers: { 'content-type': 'text/plain' } })
      },
    )
    await using server = await serve({ routes: [endless], closeSeconds: 30 })
    const text = server.fetch('/endless').then((response) => response.text())
    await opened.promise
    await server.server.close()
    expect(await text).toBe('open closing')
  })

  it('closes idle connections at once', async () => {
    await using server = await serve({ routes: [quick], closeSeconds: 30 })
    using client = await raw(server.port)
    await client.send('GET /quick HTTP/1.1\r\nhost: x\r\n\r\n')
    expect(await client.until(/"ok":true/)).toMatch(/connection: keep-alive/i)
    await server.server.close()
    await client.answer
  })

  it('answers the request of a connection that was opened before, and closes one that never sends any', async () => {
    await using server = await serve({ routes: [quick] })
    using silent = await raw(server.port)
    using late = await raw(server.port)
    await expect.poll(() => connectionsOf(server.server)).toBe(2)
    const closing = server.server.close()
    await late.send('GET /quick HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(await late.answer).toMatch(/^HTTP\/1.1 200 [^]*connection: close\r\n/i)
    expect(await silent.answer).toBe('')
    await closing
  })

  it('cuts off what is not done at the deadline', async () => {
    const { gate, entered, leave } = gated()
    await using server = await serve({ routes: [gate] })
    using client = await raw(server.port)
    await client.send('GET /gate HTTP/1.1\r\nhost: x\r\n\r\n')
    const signal = await entered
    const aborted = once(signal, 'abort')
    await server.server.close(0)
    await aborted
    expect(await client.answer).toBe('')
    leave()
  })

  it('may be asked for twice', async () => {
    await using server = await serve({ routes: [quick] })
    await Promise.all([server.server.close(), server.server.close()])
  })
})

describe('what is not HTTP', () => {
  it('is answered with a problem', async () => {
    await using server = await serve({ routes: [quick] })
    using client = await raw(server.port)
    await client.send('NONSENSE\r\n\r\n')
    const answer = await client.answer
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/application\/problem\+json/)
    expect(answer).toMatch(/"code":"request.malformed"/)
  })

  it('headers that are too large are a 431', async () => {
    await using server = await serve({ routes: [quick] })
    using client = await raw(server.port)
    await client.send(`GET /quick HTTP/1.1\r\nhost: x\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(await client.answer).toMatch(/^HTTP\/1\.1 431 [^]*"code":"request.header-fields-too-large"/)
  })

  it('a body length that lies in two ways is refused', async () => {
    await using server = await serve({ routes: [echo] })
    using client = await raw(server.port)
    await client.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')
    expect(await client.answer).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('slow clients', () => {
  const pace = { seconds: 0.05, bytes: 1000 }

  it('a JSON body that does not come is a 408, and the connection is closed', async () => {
    await using server = await serve({ routes: [echo], pace })
    using client = await raw(server.port)
    await client.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
    const answer = await client.until(/request\.timeout/)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toMatch(/connection: close/i)
  })

  it('an upload that stalls is a 408; the time of the reader does not count', async () => {
    const patient = route(
      { method: 'POST', path: '/upload', operation: 'upload', summary, auth: 'none', body: multipart(), responses },
      async ({ parts }) => {
        await once(AbortSignal.timeout(pace.seconds * 4000), 'abort')
        for await (const _ of parts.file.stream);
        return reply(200, { ok: true })
      },
    )
    await using server = await serve({ routes: [patient], pace })
    using client = await raw(server.port)
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`
    const start = `POST /upload HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n`
    const whole = `${head}hello\r\n--${boundary}--\r\n`
    await client.send(`${start}content-length: ${whole.length}\r\n\r\n${whole}`)
    expect(await client.until(/"ok":true/)).toMatch(/^HTTP\/1\.1 200 /)
    using stalled = await raw(server.port)
    await stalled.send(`${start}content-length: 1000\r\n\r\n${head}hel`)
    expect(await stalled.until(/request\.timeout/)).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('connections', () => {
  it('are reused, also after a refusal whose body was complete', async () => {
    await using server = await serve({ routes: [echo, quick] })
    using client = await raw(server.port)
    await client.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}')
    await client.until(/415[^]*unsupported-media-type/)
    expect(client.socket.destroyed).toBe(false)
  })

  it('a GET that sends a body is answered and closed', async () => {
    await using server = await serve({ routes: [quick] })
    using client = await raw(server.port)
    await client.send('GET /quick HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nabc')
    expect(await client.until(/"ok":true/)).toMatch(/connection: close/i)
  })

  it('an address in use is an error of the caller', async () => {
    await using server = await serve({ routes: [quick] })
    await expect(listen(() => undefined, { host: '127.0.0.1', port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

it('curl sees a 413 although it still has megabytes to send', async () => {
  const small = route({ ...echo.contract, bodyBytes: 1000 }, async () => reply(200, { ok: true }))
  await using server = await serve({ routes: [small] })
  const arguments_ = ['-s', '-H', 'content-type: application/json', '-H', 'expect:', '-w', '%{http_code}', '--data-binary', '@/dev/zero']
  const limited = [
    '-c',
    `head -c 50000000 /dev/zero | curl ${[...arguments_.slice(0, -1), '@-'].map((part) => `'${part}'`).join(' ')} ${server.url}/echo`,
  ]
  const { stdout } = await promisify(execFile)('sh', limited)
  expect(stdout).toMatch(/"code":"request.too-large".*413$/)
})

it('many bodies at once are kept apart', async () => {
  await using server = await serve({ routes: [echo] })
  const answers = await Promise.all(Array.from({ length: 100 }, () => server.fetch('/echo', json({}))))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  const refused = await server.fetch('/echo', json([]))
  expect((await problemIn(refused)).status).toBe(422)
})
