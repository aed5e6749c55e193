import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect as openSocket } from 'node:net'
import { eicar, jpegOf, tarGzOf, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorization, type FilesTest, form, newTenant, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'

const mebibyte = 1_048_576
const day = 86_400_000

let test: FilesTest
beforeAll(async () => {
  test = await startFiles({ environment: { FILES_QUOTA_BYTES: String(20 * mebibyte), FILES_QUOTA_FILES: '60' } })
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
})

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')
const admin = (tenant: Tenant) => ({ tenant, role: 'admin' as const })
const rowsOf = async (tenant: Tenant) => {
  const { rows } = await test.system.pool.query('select id, name, verdict from files where tenant_id = $1 order by id', [tenant.id])
  return rows
}
const usageOf = async (tenant: Tenant) => (await test.call({ tenant }, '/api/v1/files/usage')).body.used

describe('POST /api/v1/files', () => {
  it('answers with what was stored, and gives the same bytes back', async () => {
    const tenant = newTenant()
    const photo = jpegOf({ width: 8, height: 8 })
    const { status, body, headers } = await uploader(test, { tenant })('photo.jpg', photo)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      name: 'photo.jpg',
      folderId: null,
      size: photo.length,
      contentType: 'image/jpeg',
      sha256: sha256(photo),
      verdict: 'clean',
      trashedAt: null,
      createdBy: 'user:ada',
    })
    expect(body.scan.engine).toMatch(/^ClamAV/)
    expect(headers.get('location')).toBe(`/api/v1/files/${body.id}`)
    expect(headers.get('etag')).toBe(body.etag)
    const content = await test.call({ tenant }, `/api/v1/files/${body.id}/content`)
    expect(content.body.equals(photo)).toBe(true)
    const got = await test.call({ tenant }, `/api/v1/files/${body.id}`)
    expect(got.body).toEqual(body)
    expect(await usageOf(tenant)).toEqual({ bytes: photo.length, files: 1 })
  })

  it('keeps the trace of its upload, of a refused one too', async () => {
    const tenant = newTenant()
    const traceId = 'c'.repeat(32)
    const headers = { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` }
    const send = uploader(test, { tenant })
    const { body } = await send('a.txt', 'harmless', { headers })
    expect(body.traceId).toBe(traceId)
    expect((await test.call({ tenant }, `/api/v1/files/${body.id}`)).body.traceId).toBe(traceId)
    await send('b.txt', eicar(), { headers })
    const { items } = (await test.call(admin(tenant), '/api/v1/quarantine')).body
    expect(items[0].uploadedFrom.traceId).toBe(traceId)
  })

  it('takes an empty file', async () => {
    const tenant = newTenant()
    const { status, body } = await uploader(test, { tenant })('empty', '')
    expect([status, body.size, body.sha256]).toEqual([201, 0, sha256('')])
    const content = await test.call({ tenant }, `/api/v1/files/${body.id}/content`)
    expect([content.status, content.body.length]).toEqual([200, 0])
  })

  it('does not believe the declared type nor the extension', async () => {
    const data = new FormData()
    data.append('file', new Blob(['<script>alert(1)</script>'], { type: 'text/html' }), 'picture.png')
    const { body } = await test.call({ tenant: newTenant() }, '/api/v1/files', { method: 'POST', body: data })
    expect(body.contentType).toBe('text/plain')
  })

  it('puts a file into a folder, under the name that a field gives', async () => {
    const tenant = newTenant()
    const folder = await test.call({ tenant }, '/api/v1/folders', { method: 'POST', json: { name: 'in' } })
    const { body } = await uploader(test, { tenant })('a.txt', 'x', { fields: { folderId: folder.body.id, name: ' b.txt ' } })
    expect(body).toMatchObject({ folderId: folder.body.id, name: 'b.txt' })
  })

  it('numbers a name that is taken, whatever its case, or refuses it when asked to', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const names = []
    for (const name of ['Scan.pdf', 'scan.PDF', 'scan.pdf']) names.push((await upload(name, 'x')).body.name)
    expect(names).toEqual(['Scan.pdf', 'scan (2).PDF', 'scan (3).pdf'])
    const refused = await upload('SCAN.pdf', 'x', { fields: { onConflict: 'fail' } })
    expect([refused.status, refused.body.code]).toEqual([409, 'name.taken'])
  })

  it('gives parallel uploads of one name a name each', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => upload('same.txt', `content ${index}`)))
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 201))
    expect(new Set(answers.map((answer) => answer.body.name)).size).toBe(20)
  })

  it('lets one of many parallel uploads have a name that is not to be numbered', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => upload('one.txt', `${index}`, { fields: { onConflict: 'fail' } })),
    )
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body.code === 'name.taken')).toHaveLength(9)
    expect(await usageOf(tenant)).toMatchObject({ files: 1 })
  })
})

describe('bad uploads', () => {
  it.each([
    ['../../etc/passwd', '/ or \\'],
    ['a\\b', '/ or \\'],
    ['photo\u202Egpj.exe', 'bidirectional'],
    ['NUL.txt', 'reserved'],
    ['x'.repeat(4000), '255 bytes'],
  ])('refuse the name %s', async (name, reason) => {
    const tenant = newTenant()
    const { status, body } = await uploader(test, { tenant })(name, 'x')
    expect([status, body.code]).toEqual([422, 'request.invalid'])
    expect(body.errors[0]).toEqual({ pointer: '/body/file/name', detail: expect.stringContaining(reason) })
    expect(await rowsOf(tenant)).toEqual([])
  })

  it('refuse a name in the field the same way', async () => {
    const { status, body } = await uploader(test, { tenant: newTenant() })('a', 'x', { fields: { name: '..' } })
    expect([status, body.errors[0].pointer]).toEqual([422, '/body/name'])
  })

  it('refuse a folder that is not there, of nobody or of another tenant, in the same words', async () => {
    const [tenant, other] = [newTenant(), newTenant()]
    const foreign = await test.call({ tenant: other }, '/api/v1/folders', { method: 'POST', json: { name: 'in' } })
    const answers = []
    for (const folderId of [foreign.body.id, randomUUID()])
      answers.push(await uploader(test, { tenant })('a', 'x', { fields: { folderId } }))
    for (const { status, body } of answers) {
      expect([status, body.errors[0].pointer]).toEqual([422, '/body/folderId'])
      expect(body.errors[0].detail).toMatch(/^there is no folder [0-9a-f-]{36}$/)
    }
  })

  it('refuse what is not multipart, lacks the file, has two, an unknown field, or a field after the file', async () => {
    const tenant = newTenant()
    const post = (body: RequestInit['body'], headers: Record<string, string> = {}) =>
      test.call({ tenant }, '/api/v1/files', { method: 'POST', body: body ?? null, headers })
    expect((await post('{}', { 'content-type': 'application/json' })).status).toBe(415)
    expect((await post('--x', { 'content-type': 'multipart/form-data' })).status).toBe(400)
    expect((await post('--x\r\ngarbage', { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(400)
    const without = new FormData()
    without.append('name', 'a')
    expect((await post(without)).status).toBe(422)
    const unknown = form('a', 'x', { colour: 'red' })
    expect(await post(unknown)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/body/colour' }] } })
    const two = form('a', 'x')
    two.append('file', new Blob(['y']), 'b')
    expect(await post(two)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/body/file' }] } })
    const late = form('a', 'x')
    late.append('name', 'b')
    expect(await post(late)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/body/name' }] } })
    expect(await rowsOf(tenant)).toEqual([])
    expect(await usageOf(tenant)).toEqual({ bytes: 0, files: 0 })
  })

  it('refuse what is too large by its Content-Length, and what turns out to be', async () => {
    const tenant = newTenant()
    const large = randomBytes(9 * mebibyte + 1)
    expect(await uploader(test, { tenant })('large', large)).toMatchObject({ status: 413, body: { code: 'file.too-large' } })
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'))
        controller.enqueue(large)
        controller.enqueue(Buffer.from('\r\n--x--\r\n'))
        controller.close()
      },
    })
    const response = await fetch(`${test.url}/api/v1/files`, {
      method: 'POST',
      headers: { ...authorization({ tenant }), 'content-type': 'multipart/form-data; boundary=x' },
      body: chunked,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'file.too-large' })
    expect(await rowsOf(tenant)).toEqual([])
  })

  it('refuse without credentials, role or scope', async () => {
    const tenant = newTenant()
    const post = { method: 'POST', body: form('a', 'x') }
    expect(await test.call(null, '/api/v1/files', post)).toMatchObject({ status: 401 })
    expect(await test.call({ tenant, role: 'viewer' }, '/api/v1/files', { ...post, body: form('a', 'x') })).toMatchObject({ status: 403 })
    const readOnly = { tenant, scopes: ['files:read'] }
    expect(await test.call(readOnly, '/api/v1/files', { ...post, body: form('a', 'x') })).toMatchObject({
      body: { code: 'auth.scope-missing' },
    })
    expect(await rowsOf(tenant)).toEqual([])
  })
})

describe('malware', () => {
  const virus = eicar()
  const chunks = (pieces: Buffer[]) =>
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece)
        controller.close()
      },
    })

  it.each([
    ['plain', 'eicar.txt', virus],
    ['renamed', 'photo.jpg', virus],
    ['in a zip', 'a.zip', zipOf([{ name: 'e.com', content: virus }])],
    ['in a nested zip', 'b.zip', zipOf([{ name: 'a.zip', content: zipOf([{ name: 'e.com', content: virus }]) }])],
    ['in a tar.gz', 'a.tar.gz', tarGzOf([{ name: 'e.com', content: virus }])],
  ])('%s is refused, recorded and never readable', async (_, name, content) => {
    const tenant = newTenant()
    const { status, body } = await uploader(test, { tenant })(name, content)
    expect([status, body.code]).toEqual([422, 'file.infected'])
    expect(JSON.stringify(body)).not.toContain('stream:')
    expect(await rowsOf(tenant)).toEqual([])
    expect(await usageOf(tenant)).toEqual({ bytes: 0, files: 0 })
    const { items } = (await test.call(admin(tenant), '/api/v1/quarantine')).body
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ id: body.quarantineId, name, verdict: 'infected', sha256: sha256(content), uploadedBy: 'user:ada' })
    expect(items[0].raw).toMatch(/FOUND$/)
    expect(items[0].uploadedFrom.ip).toBe('127.0.0.1')
    expect((await test.call({ tenant }, `/api/v1/files/${body.quarantineId}/content`)).status).toBe(404)
  })

  it('is found when the signature is split over chunks', async () => {
    const tenant = newTenant()
    const head = Buffer.from('--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n')
    const pieces = [head, ...Array.from(virus, (byte) => Buffer.from([byte])), Buffer.from('\r\n--x--\r\n')]
    const headers = { ...authorization({ tenant }), 'content-type': 'multipart/form-data; boundary=x' }
    const response = await fetch(`${test.url}/api/v1/files`, { method: 'POST', headers, body: chunks(pieces), duplex: 'half' })
    expect(await response.json()).toMatchObject({ status: 422, code: 'file.infected' })
  })

  it('as a second file is refused as a second file, and nothing is readable', async () => {
    const tenant = newTenant()
    const two = form('a.txt', 'harmless')
    two.append('file', new Blob([new Uint8Array(virus)]), 'b.txt')
    expect((await test.call({ tenant }, '/api/v1/files', { method: 'POST', body: two })).status).toBe(422)
    expect(await rowsOf(tenant)).toEqual([])
  })

  it.each([
    ['an encrypted zip', zipOf([{ name: 'a', content: 'secret' }], { encrypted: true })],
    ['a zip member above the limits of the scanner', zipOf([{ name: 'a', content: Buffer.alloc(11 * mebibyte) }])],
  ])('cannot be looked for in %s, which is refused as unscannable', async (_, content) => {
    const tenant = newTenant()
    const { status, body } = await uploader(test, { tenant })('a.zip', content)
    expect([status, body.code]).toEqual([422, 'file.unscannable'])
    expect(await rowsOf(tenant)).toEqual([])
    expect((await test.call(admin(tenant), `/api/v1/quarantine/${body.quarantineId}`)).body).toMatchObject({ verdict: 'unscannable' })
  })
})

describe('quota', () => {
  it('is refused early by Content-Length, before a byte is taken', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    for (const name of ['a', 'b']) expect((await upload(name, randomBytes(8 * mebibyte))).status).toBe(201)
    expect(await upload('c', randomBytes(8 * mebibyte))).toMatchObject({ status: 413, body: { code: 'quota.exceeded' } })
    expect(await usageOf(tenant)).toEqual({ bytes: 16 * mebibyte, files: 2 })
  })

  it('is never overdrawn by parallel uploads', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => upload(`${index}`, randomBytes(6 * mebibyte))))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(3)
    expect(answers.filter((answer) => answer.body.code === 'quota.exceeded')).toHaveLength(5)
    expect(await usageOf(tenant)).toEqual({ bytes: 18 * mebibyte, files: 3 })
    expect(await rowsOf(tenant)).toHaveLength(3)
  })

  it('counts files as well, to the last one', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const answers = await Promise.all(Array.from({ length: 70 }, (_, index) => upload(`${index}`, 'x')))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(60)
    expect(answers.filter((answer) => answer.body.code === 'quota.exceeded')).toHaveLength(10)
    expect(await usageOf(tenant)).toEqual({ bytes: 60, files: 60 })
  })
})

describe('repeats with an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'upload-1' }

  it('make one file of fifty', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const answers = await Promise.all(Array.from({ length: 50 }, () => upload('a.txt', 'same', { headers })))
    const ids = new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.body.id))
    expect(ids.size).toBe(1)
    expect(answers.filter((answer) => answer.status !== 201).every((answer) => answer.body.code === 'idempotency.in-progress')).toBe(true)
    expect(await upload('a.txt', 'same', { headers })).toMatchObject({ status: 201, body: { id: [...ids][0] } })
    expect(await rowsOf(tenant)).toHaveLength(1)
    expect(await usageOf(tenant)).toEqual({ bytes: 4, files: 1 })
  })

  it('are told apart by content, name and fields', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    expect((await upload('a.txt', 'one', { headers })).status).toBe(201)
    for (const [name, content, fields] of [
      ['a.txt', 'two', {}],
      ['b.txt', 'one', {}],
      ['a.txt', 'one', { name: 'c' }],
    ] as const) {
      expect(await upload(name, content, { headers, fields })).toMatchObject({ status: 422, body: { code: 'idempotency.key-reused' } })
    }
  })

  it('give the refusal again without a second record', async () => {
    const tenant = newTenant()
    const upload = uploader(test, { tenant })
    const [first, second] = [await upload('e', eicar(), { headers }), await upload('e', eicar(), { headers })]
    expect([first.status, second.status]).toEqual([422, 422])
    expect(second.body.quarantineId).toBe(first.body.quarantineId)
    expect((await test.call(admin(tenant), '/api/v1/quarantine')).body.items).toHaveLength(1)
  })
})

describe('a client that goes away in mid-upload', () => {
  it('leaves no row and nothing readable; the sweep removes the rest', async () => {
    const tenant = newTenant()
    const socket = openSocket(Number(new URL(test.url).port), '127.0.0.1')
    await once(socket, 'connect')
    const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    const headers = Object.entries({
      host: 'files',
      ...authorization({ tenant }),
      'content-type': 'multipart/form-data; boundary=x',
      'content-length': '5000000',
    })
    socket.write(`POST /api/v1/files HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${head}`)
    socket.write(randomBytes(2_000_000))
    socket.destroy()
    await once(socket, 'close')
    test.advance(2 * day)
    await runJob(test, quarantineSweep, { version: 1, scope: 'all' })
    expect(await rowsOf(tenant)).toEqual([])
    expect(await usageOf(tenant)).toEqual({ bytes: 0, files: 0 })
  })
})

describe('stores that are down', () => {
  it('mean 503 without a scanner, with Retry-After, nothing stored', async () => {
    await using deaf = await startFiles({ scanner: { host: '127.0.0.1', port: 1 } })
    const tenant = newTenant()
    const { status, body, headers } = await uploader(deaf, { tenant })('a', 'x')
    expect([status, body.code]).toEqual([503, 'scanner.unavailable'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    const { rows } = await deaf.system.pool.query('select 1 from files')
    expect(rows).toEqual([])
    expect((await deaf.call({ tenant }, '/api/v1/files')).status).toBe(200)
  })
})
