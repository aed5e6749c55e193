import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boundary, json, multipartBody, pointersOf, problemIn, raw, serve, upload } from './http.fixtures.ts'
import { multipart, reply, replyStream, routesFor } from './index.ts'

const route = routesFor<unknown>()
const summary = 'For tests'
const ok = { 200: { description: 'Done', schema: z.looseObject({}) } } as const

const named = route(
  {
    method: 'GET',
    path: '/named/{name}',
    operation: 'named',
    summary,
    auth: 'none',
    params: z.object({ name: z.string() }),
    responses: ok,
  },
  async ({ params }) => reply(200, params),
)
const settings = z.record(z.string(), z.unknown())
const put = route(
  { method: 'PUT', path: '/settings', operation: 'settings', summary, auth: 'none', body: settings, responses: ok },
  async ({ body }) => reply(200, body),
)
const remove = route(
  { method: 'DELETE', path: '/settings', operation: 'forget', summary, auth: 'none', responses: { 204: { description: 'Gone' } } },
  async () => reply(204),
)

describe('what Postgres does not have is refused before a handler sees it', () => {
  it.each([
    ['NUL', '/named/%00', '/path/name'],
    ['NUL inside of a name', '/named/a%00b', '/path/name'],
  ])('%s in the path', async (_name, path, pointer) => {
    await using server = await serve({ routes: [named] })
    const details = await problemIn(await server.fetch(path))
    expect([details.status, pointersOf(details)]).toEqual([400, [pointer]])
  })

  it.each([
    ['half a surrogate pair', '{"a":"\\ud83d"}', '/body/a'],
    ['the other half', '{"a":["x","\\udc00 "]}', '/body/a/1'],
    ['half a pair in a name', '{"\\ud800":1}', '/body/\ufffd'],
    ['NUL in a name', '{"a":{"b\\u0000":1}}', '/body/a/b\0'],
    ['NUL under a name with / and ~', '{"a/b~c":{"d":"\\u0000"}}', '/body/a~1b~0c/d'],
  ])('%s in a body', async (_name, body, pointer) => {
    await using server = await serve({ routes: [put] })
    const response = await server.fetch('/settings', { ...json({}), method: 'PUT', body })
    const details = await problemIn(response)
    expect([response.status, details.code, pointersOf(details)]).toEqual([400, 'request.malformed', [pointer]])
  })

  it('whole pairs and escapes of all kinds are welcome', async () => {
    await using server = await serve({ routes: [put] })
    const body = '{"a":"\\ud83d\\ude00","b":"\\u00e9","c":"\\\\u0000","😀":1}'
    const response = await server.fetch('/settings', { ...json({}), method: 'PUT', body })
    expect(await response.json()).toEqual(JSON.parse(body))
  })
})

describe('an answer that cannot be sent', () => {
  it.each(['a\nb', 'a\u0000b', 'snow \u2603'])('frees the source of its bytes (%j in a header)', async (value) => {
    const source = Readable.from(['x'])
    const download = route(
      {
        method: 'GET',
        path: '/bytes',
        operation: 'bytes',
        summary,
        auth: 'none',
        responses: { 200: { description: 'x', content: 'text/plain' } },
      },
      async () => replyStream(200, source, { headers: { 'content-disposition': value } }),
    )
    await using server = await serve({ routes: [download] })
    const response = await server.fetch('/bytes')
    expect([response.status, (await problemIn(response)).code]).toEqual([500, 'internal.error'])
    expect(source.destroyed).toBe(true)
    expect((await server.fetch('/named')).status).toBe(404)
  })
})

describe('methods', () => {
  const routes = [named, put, remove]

  it.each([
    ['POST', '/settings', 405],
    ['GET', '/settings', 405],
    ['HEAD', '/settings', 405],
    ['TRACE', '/settings', 405],
    ['PROPFIND', '/settings', 405],
    ['DELETE', '/named/a', 405],
    ['HEAD', '/named/a', 200],
    ['HEAD', '/nothing', 404],
    ['OPTIONS', '/settings', 204],
    ['OPTIONS', '/nothing', 404],
  ])('%s %s is %i', async (method, path, status) => {
    await using server = await serve({ routes })
    using client = await raw(server.port)
    await client.send(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    const answer = await client.answer
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    const allow = /^allow: (.*)$/im.exec(answer)?.[1]
    const known = path === '/settings' ? 'DELETE, OPTIONS, PUT' : 'GET, HEAD, OPTIONS'
    expect(allow).toBe(status === 405 || status === 204 ? known : undefined)
    if (method === 'HEAD') expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe('')
  })

  it('HEAD says the length that GET has', async () => {
    await using server = await serve({ routes })
    const [head, get] = await Promise.all([server.fetch('/named/a', { method: 'HEAD' }), server.fetch('/named/a')])
    expect(head.headers.get('content-length')).toBe(String((await get.text()).length))
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'))
  })

  it('paths are told apart by case', async () => {
    await using server = await serve({ routes })
    expect((await server.fetch('/Settings', { method: 'DELETE' })).status).toBe(404)
  })
})

describe('media types of a body', () => {
  it.each<[string | undefined, number]>([
    ['application/json', 200],
    ['APPLICATION/JSON', 200],
    ['application/json; charset=utf-8', 200],
    ['application/json;charset="UTF-8"', 200],
    ['application/json; charset=utf-16', 415],
    ['application/jsonp', 415],
    ['text/json', 415],
    ['application/x-www-form-urlencoded', 415],
    [`multipart/form-data; boundary=${boundary}`, 415],
    ['', 415],
  ])('%s is %i', async (type, status) => {
    await using server = await serve({ routes: [put] })
    const response = await server.fetch('/settings', { method: 'PUT', body: '{}', headers: { 'content-type': type ?? '' } })
    expect(response.status).toBe(status)
    if (status === 415) expect(response.headers.get('accept')).toBe('application/json')
  })
})

describe('the size of a body', () => {
  const limit = 1000
  const small = route({ ...put.contract, bodyBytes: limit }, async () => reply(200, {}))
  const ofSize = (size: number) => `{"a":"${'x'.repeat(size - 8)}"}`

  it.each([
    [limit - 1, 200],
    [limit, 200],
    [limit + 1, 413],
  ])('%i bytes are %i, whether the length is told or not', async (size, status) => {
    await using server = await serve({ routes: [small] })
    const told = await server.fetch('/settings', { ...json({}), method: 'PUT', body: ofSize(size) })
    const chunks = Readable.toWeb(Readable.from([Buffer.from(ofSize(size))])) as ReadableStream
    const untold = await server.fetch('/settings', { ...json({}), method: 'PUT', body: chunks, duplex: 'half' })
    expect([told.status, untold.status]).toEqual([status, status])
  })

  it('counts bytes, not characters', async () => {
    await using server = await serve({ routes: [small] })
    const body = JSON.stringify({ a: 'é'.repeat(limit / 2) })
    expect((await server.fetch('/settings', { ...json({}), method: 'PUT', body })).status).toBe(413)
  })

  it('a length that promises too much is refused before a byte has come', async () => {
    await using server = await serve({ routes: [small] })
    using client = await raw(server.port)
    await client.send(
      'PUT /settings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n',
    )
    const answer = await client.answer
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).not.toContain('100 Continue')
  })

  it('depth ends at 32 levels', async () => {
    await using server = await serve({ routes: [put] })
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const status = async (levels: number) => (await server.fetch('/settings', { ...json({}), method: 'PUT', body: deep(levels) })).status
    expect([await status(32), await status(33)]).toEqual([200, 400])
  })
})

describe('a client that stops in the middle', () => {
  it.each(['PUT /settings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"a":'])(
    'of a JSON body reaches no handler and costs no error',
    async (start) => {
      let handled = 0
      const counting = route(put.contract, async () => {
        handled++
        return reply(200, {})
      })
      await using server = await serve({ routes: [counting] })
      const ended = server.nextEnd()
      using client = await raw(server.port)
      await client.send(start)
      client.socket.destroy()
      expect((await ended).status).toBe(499)
      expect([handled, server.logs.filter(({ level }) => level === 'error')]).toEqual([0, []])
    },
  )

  it('of its headers is told and dropped, and holds up nobody', async () => {
    await using server = await serve({ routes: [named] })
    server.server.server.headersTimeout = 100
    using client = await raw(server.port)
    await client.send('GET /named/a HTTP/1.1\r\nhost: x\r\nx-slow: ')
    expect((await server.fetch('/named/b')).status).toBe(200)
    const answer = await client.answer
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"code":"request.timeout"')
  })

  it('of the parts before the file cannot send for ever', async () => {
    const create = route(
      { method: 'POST', path: '/files', operation: 'files', summary, auth: 'none', body: multipart(), responses: ok },
      async ({ parts }) => {
        for await (const _ of parts.file.stream);
        return reply(200, {})
      },
    )
    await using server = await serve({ routes: [create] })
    const noise = Buffer.alloc(3 * 1024 * 1024, 'x\r\n')
    const form = multipartBody([{ name: 'file', fileName: 'a', data: 'hello' }])
    const head = upload([])
    const before = await server.fetch('/files', { ...head, body: new Uint8Array(Buffer.concat([noise, form])) })
    const after = await server.fetch('/files', { ...head, body: new Uint8Array(Buffer.concat([form, noise])) })
    expect([before.status, after.status]).toEqual([400, 400])
    const polite = Buffer.concat([Buffer.from('This is a preamble\r\n'), form, Buffer.from('and an epilogue')])
    expect((await server.fetch('/files', { ...head, body: new Uint8Array(polite) })).status).toBe(200)
  })
})

describe('closing', () => {
  it('does not wait for a connection whose answer was under way and is done', async () => {
    const source = new Readable({ read: () => undefined })
    const download = route(
      {
        method: 'GET',
        path: '/bytes',
        operation: 'bytes',
        summary,
        auth: 'none',
        responses: { 200: { description: 'x', content: 'text/plain' } },
      },
      async () => replyStream(200, source),
    )
    await using server = await serve({ routes: [download], closeSeconds: 60 })
    using client = await raw(server.port)
    await client.send('GET /bytes HTTP/1.1\r\nhost: x\r\n\r\n')
    source.push('first')
    await client.until(/first/)
    const closed = server.server.close()
    source.push('last')
    source.push(null)
    await client.until(/last/)
    await closed
    expect(await client.answer).toContain('last')
  })

  it('does not wait for a connection that never asked for anything', async () => {
    await using server = await serve({ routes: [named], closeSeconds: 60 })
    using client = await raw(server.port)
    await server.server.close()
    if (!client.socket.destroyed) await once(client.socket, 'close')
  })
})
