import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { freePorts } from '@slipway/stack'
import { afterEach, describe, expect, test } from 'vitest'
import { type Edge, openEdge } from './edge.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

async function upstream(listener: Listener): Promise<number> {
  const server = createServer((request, response) => void listener(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))))
  return (server.address() as AddressInfo).port
}

async function edgeTo(port: number): Promise<{ url: string; port: number; edge: Edge }> {
  const [own = 0] = await freePorts(1)
  const edge = await openEdge({
    port: own,
    route: (path) => (path.startsWith('/api/') ? { name: 'the files API', port } : undefined),
    local: (path, response) => path === '/health' && (response.end('ok'), true),
  })
  closers.push(() => edge.close(0))
  return { url: `http://127.0.0.1:${own}`, port: own, edge }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** An upstream that answers with what it got. */
const mirror: Listener = async (request, response) => {
  const body = await bodyOf(request)
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: body.toString('base64') }))
}

describe('what passes through', () => {
  test('method, path, query, headers and body', async () => {
    const { url } = await edgeTo(await upstream(mirror))
    const answer = await fetch(`${url}/api/v1/files/a%20b%2F?x=1&y=%26`, { method: 'PATCH', body: 'hello', headers: { 'if-match': '"3"' } })
    expect(await answer.json()).toMatchObject({
      method: 'PATCH',
      url: '/api/v1/files/a%20b%2F?x=1&y=%26',
      headers: { 'if-match': '"3"', 'content-length': '5' },
      body: Buffer.from('hello').toString('base64'),
    })
  })

  test('the host as the client named it, and where the client is', async () => {
    const { port } = await edgeTo(await upstream(mirror))
    const headers = {
      host: `demo.localhost:${port}`,
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      forwarded: 'for=203.0.113.9',
    }
    const request = httpRequest({ host: '127.0.0.1', port, path: '/api/v1/files', headers })
    request.end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    const seen = JSON.parse((await bodyOf(answer)).toString()) as { headers: Record<string, string> }
    expect(seen.headers).toMatchObject({
      host: `demo.localhost:${port}`,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': `demo.localhost:${port}`,
      'x-forwarded-proto': 'http',
    })
    expect(seen.headers).not.toHaveProperty('forwarded')
  })

  test('headers of the connection itself stay at the edge', async () => {
    const { port } = await edgeTo(await upstream(mirror))
    const headers = { connection: 'close, x-hop', 'x-hop': '1', te: 'trailers', 'x-kept': '2' }
    const request = httpRequest({ host: '127.0.0.1', port, path: '/api/', headers })
    request.end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    const seen = JSON.parse((await bodyOf(answer)).toString()) as { headers: Record<string, string> }
    expect(seen.headers['x-kept']).toBe('2')
    expect(seen.headers).not.toHaveProperty('x-hop')
    expect(seen.headers).not.toHaveProperty('te')
  })

  test('status, several cookies and a body of exact length', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(207, { 'set-cookie': ['a=1', 'b=2'], etag: '"7"', 'content-length': 3 }).end('abc')
    })
    const answer = await fetch(`${(await edgeTo(port)).url}/api/`)
    expect(answer.status).toBe(207)
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(answer.headers.get('content-length')).toBe('3')
    expect(await answer.text()).toBe('abc')
  })

  test.each(['HEAD', 'DELETE'])('%s without a body', async (method) => {
    const { url } = await edgeTo(await upstream((request, response) => response.writeHead(204, { 'x-method': request.method }).end()))
    expect((await fetch(`${url}/api/`, { method })).headers.get('x-method')).toBe(method)
  })

  /** Sends text as it is, and collects the answer until the edge closes the connection. */
  async function raw(port: number, head: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.write(head.replaceAll('\n', '\r\n'))
    return (await bodyOf(socket as unknown as IncomingMessage)).toString()
  }

  const second = 'GET /api/smuggled HTTP/1.1\nA: b\n\n'
  test.each([
    ['GET', `Content-Length: ${second.replaceAll('\n', '\r\n').length}`, second],
    ['HEAD', `Content-Length: ${second.replaceAll('\n', '\r\n').length}`, second],
    ['DELETE', `Content-Length: ${second.replaceAll('\n', '\r\n').length}`, second],
    ['POST', `Content-Length: ${second.replaceAll('\n', '\r\n').length}`, second],
    ['GET', 'Transfer-Encoding: chunked', `24\n${second}\n0\n\n`],
    ['POST', 'Transfer-Encoding: chunked', `24\n${second}\n0\n\n`],
  ])('a %s whose Connection names its own %s is still one request', async (method, framing, body) => {
    const seen: string[] = []
    const port = await upstream(async (request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.host} ${(await bodyOf(request)).length}`)
      response.end()
    })
    const named = 'content-length, transfer-encoding, host'
    await raw((await edgeTo(port)).port, `${method} /api/ HTTP/1.1\nHost: a.localhost\nConnection: close, ${named}\n${framing}\n\n${body}`)
    expect(seen).toEqual([`${method} /api/ a.localhost ${second.replaceAll('\n', '\r\n').length}`])
  })

  test.each([
    ['two lengths', 'POST /api/ HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n'],
    ['bytes beyond ASCII in the path', 'GET /api/家 HTTP/1.1\nHost: x\n\n'],
    ['a control character in a header', 'GET /api/ HTTP/1.1\nHost: x\nX-A: a\u0001b\n\n'],
    ['no host', 'GET /api/ HTTP/1.1\n\n'],
    ['no HTTP', 'EHLO localhost\n\n'],
  ])('a request with %s is refused and reaches nobody', async (_, text) => {
    let count = 0
    const { port, url } = await edgeTo(await upstream((_request, response) => (count++, response.end('well'))))
    expect(await raw(port, text)).toMatch(/^HTTP\/1\.1 400 /)
    expect(count).toBe(0)
    expect(await (await fetch(`${url}/api/`)).text()).toBe('well')
  })

  test.each([
    ['of WebSocket', 'GET /api/ HTTP/1.1\nHost: x\nConnection: Upgrade, close\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\n'],
    ['to HTTP/2', 'GET /api/ HTTP/1.1\nHost: x\nConnection: Upgrade, HTTP2-Settings, close\nUpgrade: h2c\nHTTP2-Settings: AA\n\n'],
  ])('a wish for an upgrade %s is answered as if it had not been made', async (_, text) => {
    const answer = await raw((await edgeTo(await upstream(mirror))).port, text)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).not.toMatch(/upgrade|http2-settings/i)
  })

  test('a tunnel is not opened', async () => {
    const { port, url } = await edgeTo(await upstream(mirror))
    expect(await raw(port, 'CONNECT 127.0.0.1:22 HTTP/1.1\nHost: x\n\n')).not.toMatch(/^HTTP\/1\.1 2/)
    expect((await fetch(`${url}/api/`)).status).toBe(200)
  })

  test('headers of the connection to the upstream stay there too', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(200, { connection: 'close, x-hop', 'x-hop': '1', 'proxy-authenticate': 'Basic', 'x-kept': '2' })
      response.write('in ')
      response.end('chunks')
    })
    const { url } = await edgeTo(port)
    const answers = await Promise.all([fetch(`${url}/api/`), fetch(`${url}/api/`)])
    for (const answer of answers) {
      expect([answer.headers.get('x-kept'), answer.headers.get('x-hop'), answer.headers.get('proxy-authenticate')]).toEqual([
        '2',
        null,
        null,
      ])
      expect(answer.headers.get('transfer-encoding')).toBe('chunked')
      expect(await answer.text()).toBe('in chunks')
    }
  })

  test('each of many at a time gets its own answer', async () => {
    const { url } = await edgeTo(await upstream(mirror))
    const bodies = Array.from({ length: 60 }, (_, index) => `body of ${index}`)
    const answers = await Promise.all(
      bodies.map(async (body) => (await (await fetch(`${url}/api/`, { method: 'PUT', body })).json()) as { body: string }),
    )
    expect(answers.map((answer) => Buffer.from(answer.body, 'base64').toString())).toEqual(bodies)
  })

  test('a DELETE with a chunked body arrives as one request', async () => {
    const { port } = await edgeTo(await upstream(mirror))
    const request = httpRequest({ host: '127.0.0.1', port, path: '/api/', method: 'DELETE', headers: { 'transfer-encoding': 'chunked' } })
    request.end('GET /api/smuggled HTTP/1.1\r\n\r\n')
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    const seen = JSON.parse((await bodyOf(answer)).toString()) as { body: string }
    expect(Buffer.from(seen.body, 'base64').toString()).toContain('smuggled')
  })
})

describe('streaming', () => {
  test('the upstream sees the first bytes of an upload before its last are sent', async () => {
    const first = Promise.withResolvers<string>()
    const port = await upstream((request, response) => {
      request.once('data', (chunk: Buffer) => first.resolve(chunk.toString()))
      request.on('end', () => response.end('done'))
    })
    const request = httpRequest({ host: '127.0.0.1', port: (await edgeTo(port)).port, path: '/api/', method: 'POST' })
    request.write('early')
    expect(await first.promise).toBe('early')
    request.end('late')
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    expect((await bodyOf(answer)).toString()).toBe('done')
  })

  test('the client sees the first bytes of a download before the last are there', async () => {
    const finish = Promise.withResolvers<void>()
    const port = await upstream(async (_request, response) => {
      response.write('early')
      await finish.promise
      response.end('late')
    })
    const answer = await fetch(`${(await edgeTo(port)).url}/api/`)
    const reader = answer.body!.getReader()
    expect(Buffer.from((await reader.read()).value ?? '').toString()).toBe('early')
    finish.resolve()
    expect(Buffer.from((await reader.read()).value ?? '').toString()).toBe('late')
  })

  test('a client that goes away takes the upstream request along', async () => {
    const aborted = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const port = await upstream((request) => {
      request.once('data', () => arrived.resolve())
      request.once('error', () => undefined)
      request.once('close', () => aborted.resolve())
    })
    const request = httpRequest({ host: '127.0.0.1', port: (await edgeTo(port)).port, path: '/api/', method: 'POST' })
    request.on('error', () => undefined)
    request.write('half of it')
    await arrived.promise
    request.destroy()
    await aborted.promise
  })

  test('a client that goes away in mid-answer ends the answer of the upstream', async () => {
    const gone = Promise.withResolvers<void>()
    const port = await upstream((_request, response) => {
      response.once('close', () => gone.resolve())
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      }
      response.on('drain', more)
      more()
    })
    const { url } = await edgeTo(port)
    const stop = new AbortController()
    const answer = await fetch(`${url}/api/`, { signal: stop.signal })
    await answer.body?.getReader().read()
    stop.abort()
    await gone.promise
  })

  test('a client that reads slowly slows the upstream down instead of filling memory', async () => {
    let written = 0
    const stalled = Promise.withResolvers<void>()
    const port = await upstream((_request, response) => {
      const more = () => {
        do written += 64 * 1024
        while (response.write(Buffer.alloc(64 * 1024)) && written < 256 * 1024 * 1024)
        stalled.resolve()
      }
      response.on('drain', more)
      more()
    })
    const socket = connect((await edgeTo(port)).port, '127.0.0.1')
    socket.write('GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n')
    await stalled.promise
    socket.destroy()
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })

  test('an upstream that breaks off before the announced length ends the connection, whatever came', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('half', () => response.destroy())
    })
    const socket = connect((await edgeTo(port)).port, '127.0.0.1')
    socket.write('GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n')
    expect((await bodyOf(socket as unknown as IncomingMessage).catch(() => Buffer.alloc(0))).toString()).not.toMatch(/half.+/s)
  })

  test('an upstream that dies during an upload: 503, and the edge lives on', async () => {
    let first = true
    const port = await upstream((request, response) => {
      if (first) request.once('data', () => request.socket.destroy())
      else response.end('again')
      first = false
    })
    const { url } = await edgeTo(port)
    const answer = await fetch(`${url}/api/`, { method: 'POST', body: Buffer.alloc(4 * 1024 * 1024) })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
    expect(await (await fetch(`${url}/api/`)).text()).toBe('again')
  })

  test('an upstream that was restarted on its port is found again', async () => {
    const listener: Listener = (_request, response) => response.end('up')
    const [port = 0] = await freePorts(1)
    const { url } = await edgeTo(port)
    for (let restart = 0; restart < 3; restart++) {
      const server = createServer((request, response) => void listener(request, response))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      expect(await (await fetch(`${url}/api/`)).text()).toBe('up')
      await new Promise((resolve) => (server.close(resolve), server.closeAllConnections()))
      expect((await fetch(`${url}/api/`)).status).toBe(503)
    }
  })

  test('an upstream that dies in mid-answer does not end the answer as if it were whole', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('half', () => response.destroy())
    })
    const answer = await fetch(`${(await edgeTo(port)).url}/api/`)
    await expect(answer.text()).rejects.toThrow()
  })

  test('an early refusal reaches a client that still sends, and the connection goes on to work', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(413, { 'content-type': 'text/plain' }).end('too large')
    })
    const answer = await fetch(`${(await edgeTo(port)).url}/api/`, { method: 'POST', body: Buffer.alloc(8 * 1024 * 1024) })
    expect(answer.status).toBe(413)
    expect(await answer.text()).toBe('too large')
  })
})

describe('what the edge answers itself', () => {
  test('an upstream that is down: 503 as a problem with Retry-After', async () => {
    const [nobody = 0] = await freePorts(1)
    const answer = await fetch(`${(await edgeTo(nobody)).url}/api/v1/files?x=1`, { method: 'POST', body: Buffer.alloc(1024 * 1024) })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({
      code: 'service.not-ready',
      instance: '/api/v1/files',
      detail: 'the files API does not answer',
    })
  })

  test('an upstream that hangs up without an answer: 503', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.destroy()))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => new Promise((resolve) => server.close(resolve)))
    const answer = await fetch(`${(await edgeTo((server.address() as AddressInfo).port)).url}/api/`)
    expect(answer.status).toBe(503)
  })

  test.each(['/', '/internal/v1/api-keys/verify', '/apiary', '//api/v1/files'])('%s is no route: 404 as a problem', async (path) => {
    const { url } = await edgeTo(await upstream(mirror))
    const answer = await fetch(`${url}${path}`)
    expect(answer.status).toBe(404)
    expect(await answer.json()).toMatchObject({ code: 'route.not-found', status: 404 })
  })

  test('the absolute form of a request line is not served', async () => {
    const { port } = await edgeTo(await upstream(mirror))
    const socket = connect(port, '127.0.0.1')
    socket.end('GET http://127.0.0.1/api/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect((await bodyOf(socket as unknown as IncomingMessage)).toString()).toContain('HTTP/1.1 404')
  })

  test('what is local needs no upstream', async () => {
    expect(await (await fetch(`${(await edgeTo(1)).url}/health`)).text()).toBe('ok')
  })
})

describe('opening and closing', () => {
  test('a port in use is named, with the fix', async () => {
    const { port } = await edgeTo(1)
    await expect(openEdge({ port, route: () => undefined })).rejects.toMatchObject({
      message: expect.stringMatching(`^port ${port} is in use by process ${process.pid} `),
      fix: expect.stringContaining('--port'),
    })
  })

  test('a request in flight may end, a new one is refused', async () => {
    const inFlight = Promise.withResolvers<ServerResponse>()
    const port = await upstream((_request, response) => inFlight.resolve(response))
    const { url, edge } = await edgeTo(port)
    const answer = fetch(`${url}/api/`)
    const response = await inFlight.promise
    const closing = edge.close(60_000)
    await expect(fetch(`${url}/api/`)).rejects.toThrow()
    response.end('finished')
    expect(await (await answer).text()).toBe('finished')
    await closing
  })

  test('an event stream is ended in order and at once, and its upstream hears of it', async () => {
    const gone = Promise.withResolvers<void>()
    const port = await upstream((_request, response) => {
      response.once('close', () => gone.resolve())
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('retry: 1000\n\n')
    })
    const { url, edge } = await edgeTo(port)
    const answer = await fetch(`${url}/api/`)
    const text = answer.text()
    await edge.close(2 ** 31 - 1)
    expect(await text).toBe('retry: 1000\n\n')
    await gone.promise
  })

  test('an event stream whose answer comes after the closing has begun is ended as well', async () => {
    const inFlight = Promise.withResolvers<ServerResponse>()
    const port = await upstream((_request, response) => inFlight.resolve(response))
    const { url, edge } = await edgeTo(port)
    const answer = fetch(`${url}/api/`)
    const response = await inFlight.promise
    const closing = edge.close(2 ** 31 - 1)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    expect(await (await answer).text()).toBe('')
    await closing
  })

  test('an event stream that its upstream breaks off is broken off for the client', async () => {
    const port = await upstream((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n', () => request.socket.destroy())
    })
    const { url } = await edgeTo(port)
    await expect(fetch(`${url}/api/`).then((answer) => answer.text())).rejects.toThrow()
  })

  test('what takes longer than the time is cut', async () => {
    const inFlight = Promise.withResolvers<void>()
    const port = await upstream(() => inFlight.resolve())
    const { url, edge } = await edgeTo(port)
    const answer = fetch(`${url}/api/`)
    answer.catch(() => undefined)
    await inFlight.promise
    await edge.close(10)
    await expect(answer).rejects.toThrow()
  })
})
