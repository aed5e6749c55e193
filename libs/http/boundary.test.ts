import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boundary, multipartBody, pointersOf, problemIn, raw, serve, sha256, upload } from './http.fixtures.ts'
import { multipart, reply, routesFor } from './index.ts'

const contract = {
  method: 'POST',
  path: '/files',
  operation: 'files.create',
  summary: 'Takes a file',
  auth: 'none',
  body: multipart({ fields: z.object({ 'a/b~c': z.string().max(3).optional() }) }),
  responses: { 201: { description: 'Taken', schema: z.object({ name: z.string(), size: z.int(), sha256: z.string() }) } },
} as const

const create = routesFor<unknown>()(contract, async ({ parts }) => {
  const chunks: Buffer[] = []
  for await (const chunk of parts.file.stream) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return reply(201, { name: parts.file.name, size: bytes.length, sha256: sha256(bytes) })
})

const post = (body: string | Buffer, type: string) => ({
  method: 'POST',
  body: new Uint8Array(Buffer.from(body)),
  headers: { 'content-type': type },
})
const form = (limit: string, data = 'hello', headers = 'Content-Disposition: form-data; name="file"; filename="a.txt"') =>
  `--${limit}\r\n${headers}\r\n\r\n${data}\r\n--${limit}--\r\n`

describe('bytes that look like a boundary but are none', () => {
  it.each([
    `\r\n--${boundary.slice(0, -1)}`,
    `\r\n-${boundary}`,
    `\n--${boundary}\n`,
    `\r--${boundary}\r`,
    `\r\n\r\n--\r\n--`,
    `\r\n--${boundary.toUpperCase()}--\r\n`,
    '\r\n--'.repeat(5000),
    `\r\n--${boundary.slice(0, -1)}`.repeat(3000),
    '\r\n',
    '\r',
    '-',
  ])('%j belongs to the file', async (data) => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/files', upload([{ name: 'file', fileName: 'a', data }]))
    expect(await response.json()).toEqual({ name: 'a', size: Buffer.byteLength(data), sha256: sha256(Buffer.from(data)) })
  })
})

describe('a boundary', () => {
  it('at the start of a file is one: the upload is refused and not cut short', async () => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/files', upload([{ name: 'file', fileName: 'a', data: `--${boundary}\r\nrest` }]))
    expect(pointersOf(await problemIn(response))).toEqual(['/body/file'])
  })

  it.each<[string, string, number]>([
    ['in quotes', '"quoted boundary"', 201],
    ['of 70 characters', 'b'.repeat(70), 201],
    ['with the characters that RFC 2046 allows', `"'()+_,-./:=?"`, 201],
    ['that is empty', '', 400],
    ['that is empty in quotes', '""', 400],
  ])('%s is %s: %i', async (_name, written, status) => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/files', post(form(written.replaceAll('"', '')), `multipart/form-data; boundary=${written}`))
    expect(response.status).toBe(status)
  })

  it.each([`MULTIPART/FORM-DATA; BOUNDARY=${boundary}`, `multipart/form-data;boundary=${boundary};charset=utf-8`])(
    'is found in %s',
    async (type) => {
      await using server = await serve({ routes: [create] })
      expect((await server.fetch('/files', post(form(boundary), type))).status).toBe(201)
    },
  )

  it('closes the form: a second one behind it is not read', async () => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch(
      '/files',
      post(form(boundary, 'first') + form(boundary, 'second'), `multipart/form-data; boundary=${boundary}`),
    )
    expect([response.status, ((await response.json()) as { sha256: string }).sha256]).toEqual([201, sha256(Buffer.from('first'))])
  })
})

describe('a part', () => {
  it('keeps its bytes, whatever encoding it claims', async () => {
    await using server = await serve({ routes: [create] })
    const headers = 'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: base64'
    const response = await server.fetch('/files', upload([{ headers, data: 'aGVsbG8=' }]))
    expect(await response.json()).toMatchObject({ size: 8, sha256: sha256(Buffer.from('aGVsbG8=')) })
  })

  it('is pointed to by a name that is escaped', async () => {
    await using server = await serve({ routes: [create] })
    const parts = [
      { name: 'a/b~c', data: 'long' },
      { name: 'file', fileName: 'a', data: '' },
    ]
    expect(pointersOf(await problemIn(await server.fetch('/files', upload(parts))))).toEqual(['/body/a~1b~0c'])
  })

  it('of one upload that goes away takes nothing from another on its way', async () => {
    await using server = await serve({ routes: [create] })
    const body = multipartBody([{ name: 'file', fileName: 'a', data: 'x'.repeat(100_000) }])
    const head = `POST /files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: ${body.length}\r\n\r\n`
    using leaving = await raw(server.port)
    using staying = await raw(server.port)
    for (const client of [leaving, staying]) {
      await client.send(head)
      await client.send(body.subarray(0, 50_000))
    }
    const ended = server.nextEnd()
    leaving.socket.resetAndDestroy()
    if (!leaving.socket.closed) await once(leaving.socket, 'close')
    expect((await ended).status).toBe(499)
    await staying.send(body.subarray(50_000))
    expect(await staying.until(/"size":\d+/)).toContain('"size":100000')
  })
})
