import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { problemIn, raw, serve, sha256 } from './http.fixtures.ts'
import { anyType, bytes, openApiDocument, reply, routesFor } from './index.ts'

const route = routesFor<unknown>()
const always = { 'x-always': 'yes' }
const Taken = { 200: { description: 'Taken', content: 'text/plain' } } as const
const type = 'application/offset+octet-stream'

const write = route(
  {
    method: 'PATCH',
    path: '/bytes',
    operation: 'bytes.write',
    summary: 'Takes bytes',
    auth: 'none',
    always,
    body: bytes({ type }),
    responses: Taken,
  },
  async ({ stream }) => reply(200, sha256(Buffer.concat(await stream.toArray()))),
)
const maybe = route(
  {
    method: 'POST',
    path: '/bytes',
    operation: 'bytes.maybe',
    summary: 'Takes bytes, if there are any',
    auth: { role: 'member', scope: 'bytes:write' },
    always,
    body: bytes({ type, optional: true }),
    responses: Taken,
  },
  async ({ stream }) => reply(200, String(Buffer.concat(await stream.toArray()).length)),
)
const refuse = route(
  {
    method: 'PUT',
    path: '/bytes',
    operation: 'bytes.refuse',
    summary: 'Reads nothing',
    auth: 'none',
    body: bytes({ type }),
    responses: Taken,
  },
  async () => reply(200, 'enough'),
)
const whatever = route(
  {
    method: 'POST',
    path: '/whatever',
    operation: 'bytes.whatever',
    summary: 'Takes bytes of any type',
    auth: { role: 'member', scope: 'bytes:write' },
    idempotent: true,
    body: bytes({ type: anyType }),
    responses: Taken,
  },
  async ({ stream }) => reply(200, String(Buffer.concat(await stream.toArray()).length)),
)
const options = route(
  {
    method: 'OPTIONS',
    path: '/bytes',
    operation: 'bytes.options',
    summary: 'What is served',
    auth: 'none',
    responses: { 204: { description: 'This' } },
  },
  async () => reply(204, undefined, { headers: { 'x-served': 'bytes' } }),
)
const routes = [write, maybe, refuse, whatever, options]

const octets = { 'content-type': type }
const send = (method: string, body: Buffer | null, headers: Record<string, string> = octets) => ({
  method,
  headers,
  ...(body ? { body: new Uint8Array(body) } : {}),
})

describe('a body of plain bytes', () => {
  it.each([0, 1, 70_000, 3_000_000])('of %s arrives as it was sent', async (size) => {
    await using server = await serve({ routes })
    const body = randomBytes(size)
    const response = await server.fetch('/bytes', send('PATCH', body))
    expect([response.status, await response.text()]).toEqual([200, sha256(body)])
  })

  it.each<[string, Record<string, string>]>([
    ['another type', { 'content-type': 'application/octet-stream' }],
    ['none', {}],
    ['a compressed one', { ...octets, 'content-encoding': 'gzip' }],
  ])('%s is refused before the handler', async (_name, headers) => {
    await using server = await serve({ routes })
    const response = await server.fetch('/bytes', send('PATCH', Buffer.from('abc'), headers))
    expect(response.status).toBe(415)
    expect((await problemIn(response)).code).toBe('request.unsupported-media-type')
  })

  it('may be left out where the contract says so, whatever type is claimed', async () => {
    await using server = await serve({ routes })
    const none = await server.fetch('/bytes', { method: 'POST', as: 'member', headers: { 'content-type': 'text/plain' } })
    expect([none.status, await none.text()]).toEqual([200, '0'])
    const some = await server.fetch('/bytes', { ...send('POST', Buffer.from('abc')), as: 'member' })
    expect(await some.text()).toBe('3')
  })

  it.each<[string, Record<string, string>]>([
    ['some type', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['no type', {}],
  ])('of %s is taken where any is', async (_name, headers) => {
    await using server = await serve({ routes })
    const response = await server.fetch('/whatever', { ...send('POST', Buffer.from('abc'), headers), as: 'member' })
    expect([response.status, await response.text()]).toEqual([200, '3'])
    const packed = { ...send('POST', Buffer.from('abc'), { ...headers, 'content-encoding': 'gzip' }), as: 'member' }
    expect((await server.fetch('/whatever', packed)).status).toBe(415)
  })

  it('is described as what it takes, and with its key where it has one', () => {
    const { paths } = openApiDocument(routes, { title: 'Bytes', version: '1' }) as { paths: Record<string, Record<string, object>> }
    expect(paths['/whatever']?.['post']).toMatchObject({ requestBody: { required: true, content: { [anyType]: {} } } })
    expect(JSON.stringify(paths['/whatever']?.['post'])).toContain('Idempotency-Key')
  })

  it('takes no Idempotency-Key: what was compared would be gone', () => {
    const { paths } = openApiDocument(routes, { title: 'Bytes', version: '1' }) as {
      paths: Record<string, Record<string, { parameters: unknown[]; requestBody: unknown }>>
    }
    expect(JSON.stringify(paths['/bytes']?.['post']?.parameters)).not.toContain('Idempotency-Key')
    expect(paths['/bytes']?.['post']?.requestBody).toEqual({ required: false, content: { [type]: {} } })
    expect(paths['/bytes']?.['patch']?.requestBody).toEqual({ required: true, content: { [type]: {} } })
  })

  it('that comes too slowly fails for whoever reads it', async () => {
    await using server = await serve({ routes, pace: { seconds: 0.2, bytes: 1000 } })
    using client = await raw(server.port)
    await client.send(`PATCH /bytes HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 500\r\n\r\nabc`)
    expect(await client.until(/request\.timeout/)).toMatch(/^HTTP\/1\.1 408/)
  })

  it('is not asked for by a handler that does not read it', async () => {
    await using server = await serve({ routes })
    const head = (method: string) =>
      `${method} /bytes HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: ${type}\r\ncontent-length: 5\r\n\r\n`
    using unread = await raw(server.port)
    await unread.send(head('PUT'))
    expect(await unread.until(/enough/)).not.toContain('100 Continue')
    using read = await raw(server.port)
    await read.send(head('PATCH'))
    expect(await read.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 100 Continue/)
  })
})

describe('headers that every answer has', () => {
  it('stand on refusals too, and on no other route', async () => {
    await using server = await serve({ routes })
    const answers = [
      await server.fetch('/bytes', send('PATCH', Buffer.from('abc'))),
      await server.fetch('/bytes', send('PATCH', Buffer.from('abc'), {})),
      await server.fetch('/bytes', { method: 'POST' }),
    ]
    expect(answers.map(({ status, headers }) => [status, headers.get('x-always')])).toEqual([
      [200, 'yes'],
      [415, 'yes'],
      [401, 'yes'],
    ])
    expect((await server.fetch('/bytes', send('PUT', Buffer.from('abc')))).headers.get('x-always')).toBeNull()
  })
})

describe('OPTIONS', () => {
  it('is answered by its route where there is one', async () => {
    await using server = await serve({ routes })
    const response = await server.fetch('/bytes', { method: 'OPTIONS' })
    expect([response.status, response.headers.get('x-served')]).toEqual([204, 'bytes'])
    const other = await server.fetch('/bytes', { method: 'DELETE' })
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'OPTIONS, PATCH, POST, PUT'])
  })
})
