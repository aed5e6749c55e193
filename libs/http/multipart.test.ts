import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { problem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { boundary, type FormPart, json, multipartBody, pointersOf, problemIn, raw, serve, sha256, upload } from './http.fixtures.ts'
import { type Input, multipart, reply, routesFor } from './index.ts'

const route = routesFor<unknown>()
const fields = z.object({ folderId: z.uuid().optional(), note: z.string().max(5).optional() })

const contract = {
  method: 'POST',
  path: '/api/v1/files',
  operation: 'files.create',
  summary: 'Upload',
  auth: 'none',
  body: multipart({ fields, limits: { fields: 3, fieldBytes: 1000 } }),
  responses: {
    201: {
      description: 'Stored',
      schema: z.object({ name: z.string(), type: z.string(), sha256: z.string(), size: z.number(), note: z.string().nullable() }),
    },
  },
} as const

type UploadInput = Pick<Input<typeof contract>, 'parts'>

async function store({ parts }: UploadInput) {
  const chunks: Buffer[] = []
  for await (const chunk of parts.file.stream) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const { name, declaredType } = parts.file
  return reply(201, { name, type: declaredType, sha256: sha256(bytes), size: bytes.length, note: parts.fields.note ?? null })
}

const create = route(contract, store)
const file = (data: string | Uint8Array = 'hello', more: Partial<FormPart> = {}): FormPart => ({
  name: 'file',
  fileName: 'a.txt',
  data,
  ...more,
})
const folderId = '019aa5a0-0000-7000-8000-000000000001'

/** A promise that the test settles when the handler has got somewhere. */
function watched(handler: (input: UploadInput) => Promise<never>) {
  const outcome = Promise.withResolvers<unknown>()
  const failing = route(contract, async (input) => {
    try {
      return await handler(input)
    } catch (error) {
      outcome.resolve(error)
      throw error
    }
  })
  return { failing, outcome: outcome.promise }
}

async function readAll({ parts }: UploadInput): Promise<never> {
  for await (const _ of parts.file.stream);
  throw new Error('the stream ended as if all was well')
}

describe('an upload', () => {
  it('has validated fields, the name, the declared type and the very bytes', async () => {
    await using server = await serve({ routes: [create] })
    const data = Buffer.alloc(3_000_000, 'slipway')
    const parts = [
      { name: 'folderId', data: folderId },
      { name: 'note', data: 'grün' },
      file(data, { fileName: 'Über uns.txt', type: 'text/x-own' }),
    ]
    const response = await server.fetch('/api/v1/files', upload(parts))
    expect(await response.json()).toEqual({
      name: 'Über uns.txt',
      type: 'text/x-own',
      sha256: sha256(data),
      size: data.length,
      note: 'grün',
    })
  })

  it('may be empty', async () => {
    await using server = await serve({ routes: [create] })
    expect(await (await server.fetch('/api/v1/files', upload([file('')]))).json()).toMatchObject({ size: 0, sha256: sha256('') })
  })

  it('hands the name over as it came: the service decides on it', async () => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/api/v1/files', upload([file('x', { fileName: '../../etc/passwd' })]))
    expect(await response.json()).toMatchObject({ name: '../../etc/passwd' })
  })

  it('survives every cut of the body into two chunks', async () => {
    await using server = await serve({ routes: [create] })
    const body = multipartBody([{ name: 'note', data: 'abc' }, file(`tricky \r\n--${boundary.slice(0, -1)}\r\n--`)])
    for (let cut = 1; cut < body.length; cut += 3) {
      const pieces = Readable.toWeb(Readable.from([body.subarray(0, cut), body.subarray(cut)]))
      const init = { ...upload([]), body: pieces, duplex: 'half' } as RequestInit
      expect(await (await server.fetch('/api/v1/files', init)).json()).toMatchObject({
        size: 'tricky '.length + boundary.length + 7,
        note: 'abc',
      })
    }
  })

  it('is taken from the network only as fast as it is read', async () => {
    const started = Promise.withResolvers<UploadInput>()
    const goOn = Promise.withResolvers<void>()
    const slow = route(contract, async (input) => {
      started.resolve(input)
      await goOn.promise
      return store(input)
    })
    await using server = await serve({ routes: [slow] })
    using client = await raw(server.port)
    const size = 64 * 1024 * 1024
    const head = Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n`)
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
    await client.send(`POST /api/v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n`)
    await client.send(`content-length: ${head.length + size + tail.length}\r\n\r\n`)
    // The parser holds back as many bytes as a boundary has, so it needs some of the file to see the end of its header.
    await client.send(Buffer.concat([head, Buffer.alloc(1024)]))
    const { parts } = await started.promise
    client.socket.write(Buffer.alloc(size - 1024))
    client.socket.write(tail)
    for (let turn = 0; turn < 200; turn++) await nextTurn()
    expect(client.socket.writableLength).toBeGreaterThan(size / 2)
    expect(parts.file.stream.readableLength).toBeLessThan(1024 * 1024)
    goOn.resolve()
    expect(await client.until(/"size":\d+/)).toContain(`"size":${size}`)
  })
})

describe('a bad upload', () => {
  it.each<[string, FormPart[], [number, string]]>([
    ['no file', [{ name: 'note', data: 'a' }], [422, '/body/file']],
    ['no part at all', [], [422, '/body/file']],
    ['a file in another field', [{ ...file(), name: 'document' }], [422, '/body/document']],
    ['a second file', [file(), file()], [422, '/body/file']],
    ['a second file in another field', [file(), { ...file(), name: 'second' }], [422, '/body/second']],
    ['a field behind the file', [file(), { name: 'note', data: 'a' }], [422, '/body/note']],
    ['an unknown field', [{ name: 'colour', data: 'red' }, file()], [422, '/body/colour']],
    ['an unknown field behind the file', [file(), { name: 'colour', data: 'red' }], [422, '/body/colour']],
    ['__proto__ as a field', [{ name: '__proto__', data: 'x' }, file()], [422, '/body/__proto__']],
    ['a field that fails its schema', [{ name: 'folderId', data: 'x' }, file()], [422, '/body/folderId']],
    ['a repeated field', [{ name: 'note', data: 'a' }, { name: 'note', data: 'b' }, file()], [422, '/body/note']],
    ['a field that is too long for the parser', [{ name: 'note', data: 'a'.repeat(2000) }, file()], [422, '/body/note']],
    ['NUL in a field', [{ name: 'note', data: 'a\0b' }, file()], [422, '/body/note']],
    ['a file without a name', [{ name: 'file', data: 'text' }], [422, '/body/file']],
    ['a part without a name', [{ headers: 'Content-Disposition: form-data', data: 'x' }, file()], [400, '/body']],
  ])('%s is refused and pointed to', async (_name, parts, expected) => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/api/v1/files', upload(parts))
    const details = await problemIn(response)
    expect([response.status, pointersOf(details)]).toEqual([expected[0], [expected[1]]])
  })

  it.each<[string, RequestInit, [number, string]]>([
    ['JSON', json({}), [415, '/headers/content-type']],
    ['no body', { method: 'POST' }, [400, '/body']],
    ['no boundary', upload([file()], { 'content-type': 'multipart/form-data' }), [400, '/headers/content-type']],
    ['another boundary', upload([file()], { 'content-type': 'multipart/form-data; boundary=other' }), [400, '/body']],
    [
      'another multipart type',
      upload([file()], { 'content-type': `multipart/mixed; boundary=${boundary}` }),
      [415, '/headers/content-type'],
    ],
    ['a compressed body', upload([file()], { 'content-encoding': 'gzip' }), [415, '/headers/content-encoding']],
    ['no closing boundary', { ...upload([]), body: new Uint8Array(multipartBody([file()], { closed: false })) }, [400, '/body']],
    [
      'half a file',
      { ...upload([]), body: new Uint8Array(multipartBody([file('x'.repeat(100_000))]).subarray(0, 50_000)) },
      [400, '/body'],
    ],
    ['half a header', { ...upload([]), body: new Uint8Array(multipartBody([file()]).subarray(0, 30)) }, [400, '/body']],
  ])('%s is refused', async (_name, init, expected) => {
    await using server = await serve({ routes: [create] })
    const response = await server.fetch('/api/v1/files', init)
    const details = await problemIn(response)
    expect([response.status, pointersOf(details)]).toEqual([expected[0], [expected[1]]])
  })

  it.each<[string, FormPart[]]>([
    ['a second file', [file(), file()]],
    ['a late field', [file(), { name: 'note', data: 'a' }]],
  ])('%s fails the stream of the first, so that nothing was committed', async (_name, parts) => {
    const { failing, outcome } = watched(readAll)
    await using server = await serve({ routes: [failing] })
    const response = await server.fetch('/api/v1/files', upload(parts))
    expect(response.status).toBe(422)
    expect(await outcome).toMatchObject({ code: 'request.invalid' })
  })

  it('header lines without end do not fill the memory', async () => {
    await using server = await serve({ routes: [create] })
    const part = { headers: `X-Long: ${'x'.repeat(2_000_000)}\r\nContent-Disposition: form-data; name="file"; filename="a"`, data: 'x' }
    const response = await server.fetch('/api/v1/files', upload([part]))
    expect(response.status).toBe(400)
  })

  it('thousands of parts are cut short', async () => {
    await using server = await serve({ routes: [create] })
    const many = Array.from({ length: 5000 }, (_, index) => ({ name: `f${index}`, data: 'x' }))
    expect((await server.fetch('/api/v1/files', upload(many))).status).toBe(422)
  })
})

describe('a client that goes away', () => {
  it('fails the stream, and nobody is told anything', async () => {
    const { failing, outcome } = watched(readAll)
    await using server = await serve({ routes: [failing] })
    const ended = server.nextEnd()
    const client = await raw(server.port)
    await client.send(
      `POST /api/v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: 999999\r\n\r\n`,
    )
    await client.send(multipartBody([file('x'.repeat(5000))]).subarray(0, 4000))
    client.socket.destroy()
    expect(await outcome).toMatchObject({ name: 'ClientGone' })
    expect((await ended).status).toBe(499)
    expect(server.logs.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a refusal in mid-upload', () => {
  const refusing = route(contract, async ({ parts }) => {
    for await (const _ of parts.file.stream) throw problem('file.too-large', { detail: 'limit crossed' })
    return reply(201, { name: '', type: '', sha256: '', size: 0, note: null })
  })
  const head = Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n`)

  it('reaches a client that goes on sending, and the connection is closed in order', async () => {
    await using server = await serve({ routes: [refusing] })
    using client = await raw(server.port)
    const size = 20 * 1024 * 1024
    await client.send(`POST /api/v1/files HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n`)
    await client.send(`content-length: ${head.length + size}\r\n\r\n`)
    await client.send(head)
    // All of it is sent before the answer is looked at, as simple clients do: a reset would destroy it unread.
    client.socket.pause()
    for (let sent = 0; sent < size; sent += 1024 * 1024) await client.send(Buffer.alloc(1024 * 1024))
    client.socket.resume()
    const answer = await client.answer
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toMatch(/"code":"file.too-large"/)
  })

  it('comes before the body when the client asks with Expect', async () => {
    const guarded = route({ ...contract, auth: { role: 'member', scope: 'files:write' } as const }, async (input) => store(input))
    await using server = await serve({ routes: [guarded] })
    using client = await raw(server.port)
    const start = `POST /api/v1/files HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\ncontent-length: 500000000\r\n`
    await client.send(`${start}\r\n`)
    const refused = await client.answer
    expect(refused).toMatch(/^HTTP\/1\.1 401 /)
    expect(refused).not.toMatch(/100 Continue/)
  })

  it('is not what a client with Expect and good credentials gets', async () => {
    await using server = await serve({ routes: [create] })
    using client = await raw(server.port)
    const body = multipartBody([file('hello')])
    await client.send(
      `POST /api/v1/files HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n`,
    )
    await client.send(`content-length: ${body.length}\r\n\r\n`)
    await client.until(/^HTTP\/1\.1 100 Continue/)
    await client.send(body)
    expect(await client.until(/"size":\d/)).toContain('"size":5')
  })

  it('frees the source when the handler never looks at the file', async () => {
    let stream: Readable | undefined
    const deaf = route(contract, async ({ parts }) => {
      stream = parts.file.stream
      throw problem('resource.not-found')
    })
    await using server = await serve({ routes: [deaf] })
    expect((await server.fetch('/api/v1/files', upload([file('x'.repeat(1_000_000))]))).status).toBe(404)
    expect(stream?.destroyed).toBe(true)
  })
})
