import { randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { eicar } from '@slipway/testing'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { authorization, type FilesTest, keysIn, newTenant, runJob, startFiles, type Tenant, uploader } from './files.fixtures.ts'
import { quarantineSweep } from './jobs/quarantine-sweep.ts'
import { digest, metadataOf, offsetOf, path, settledFile, tus } from './resumable.fixtures.ts'

const mebibyte = 1_048_576
const hour = 3_600_000
let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  test = await startFiles({ environment: { FILES_QUOTA_BYTES: String(40 * mebibyte), FILES_QUOTA_FILES: '20' } })
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
})

const client = (changes: Partial<Parameters<typeof tus>[1]> = {}) => tus(test, { tenant, ...changes })
const used = async () => (await test.call({ tenant }, '/api/v1/files/usage')).body.used
const content = (id: string) => test.call({ tenant }, `/api/v1/files/${id}/content`)
const ofTenant = async () => (await keysIn(test, 'quarantine')).filter((key) => key.startsWith(tenant.id))
const sweep = (scope: 'stuck' | 'all' = 'stuck') => runJob(test, quarantineSweep, { version: 1, scope })

describe('an upload in several requests', () => {
  it('becomes a file whose bytes are those that were sent', async () => {
    const bytes = randomBytes(8.5 * mebibyte)
    const place = await client().begin(bytes.length, { filename: 'film.bin' })
    expect(place).toMatch(/^\/api\/v1\/files\/resumable\/[\w-]{32}$/)
    let answer = await client().patch(place, 0, bytes.subarray(0, 3 * mebibyte))
    expect([answer.status, offsetOf(answer), answer.headers.get('tus-resumable')]).toEqual([204, 3 * mebibyte, '1.0.0'])
    expect(answer.headers.get('slipway-file')).toBeNull()
    answer = await client().patch(place, 3 * mebibyte, bytes.subarray(3 * mebibyte))
    expect([answer.status, offsetOf(answer)]).toEqual([204, bytes.length])
    const file = await settledFile(test, tenant, answer)
    expect(file).toMatchObject({ name: 'film.bin', verdict: 'clean', size: bytes.length, sha256: digest(bytes), createdBy: 'user:ada' })
    expect((await content(file.id)).body.equals(bytes)).toBe(true)
    const head = await client().head(place)
    expect([head.status, offsetOf(head), head.headers.get('slipway-file')]).toEqual([200, bytes.length, `/api/v1/files/${file.id}`])
    expect(await used()).toEqual({ bytes: bytes.length, files: 1 })
    expect(await ofTenant()).toEqual([])
  })

  it('of nothing is a file at once', async () => {
    const answer = await client().create(0)
    expect(answer.status).toBe(201)
    expect(await settledFile(test, tenant, answer)).toMatchObject({ size: 0, verdict: 'clean', sha256: digest(Buffer.alloc(0)) })
  })

  it('may bring its first bytes with the POST, or all of them', async () => {
    const bytes = randomBytes(70_000)
    const first = await client().create(bytes.length, { headers: client().octets, body: bytes.subarray(0, 50_000) })
    expect([first.status, offsetOf(first)]).toEqual([201, 50_000])
    const last = await client().patch(first.headers.get('location')!, 50_000, bytes.subarray(50_000))
    expect(await settledFile(test, tenant, last)).toMatchObject({ sha256: digest(bytes) })
    const whole = await client().create(bytes.length, { headers: client().octets, body: bytes })
    expect(whole.status).toBe(201)
    expect(await settledFile(test, tenant, whole)).toMatchObject({ sha256: digest(bytes), name: 'a (2).bin' })
  })

  it('may say its length at the end', async () => {
    const bytes = randomBytes(60_000)
    const place = await client().begin(null)
    expect(await used()).toEqual({ bytes: 0, files: 1 })
    await client().patch(place, 0, bytes.subarray(0, 40_000))
    const head = await client().head(place)
    expect([head.headers.get('upload-defer-length'), head.headers.get('upload-length'), offsetOf(head)]).toEqual(['1', null, 40_000])
    expect(await used()).toEqual({ bytes: 40_000, files: 1 })
    const shorter = await client().patch(place, 40_000, { body: Buffer.alloc(0), headers: { 'upload-length': '39999' } })
    expect(shorter.status).toBe(400)
    const last = await client().patch(place, 40_000, { body: bytes.subarray(40_000), headers: { 'upload-length': '60000' } })
    expect(await settledFile(test, tenant, last)).toMatchObject({ sha256: digest(bytes) })
    expect(await used()).toEqual({ bytes: 60_000, files: 1 })
  })

  it('may say its length when nothing is missing any more', async () => {
    const bytes = randomBytes(5000)
    const place = await client().begin(null)
    await client().patch(place, 0, bytes)
    const last = await client().patch(place, bytes.length, { body: Buffer.alloc(0), headers: { 'upload-length': '5000' } })
    expect(last.status).toBe(204)
    expect(await settledFile(test, tenant, last)).toMatchObject({ sha256: digest(bytes) })
  })

  it('goes into its folder, and HEAD gives back what was said of it', async () => {
    const folder = await test.call({ tenant }, '/api/v1/folders', { method: 'POST', json: { name: 'Films', parentId: null } })
    const metadata = { filename: 'ä.txt', folderId: folder.body.id as string, filetype: 'text/plain' }
    const place = await client().begin(5, metadata)
    expect((await client().head(place)).headers.get('upload-metadata')).toBe(metadataOf(metadata))
    const file = await settledFile(test, tenant, await client().patch(place, 0, Buffer.from('hello')))
    expect(file).toMatchObject({ name: 'ä.txt', folderId: folder.body.id, contentType: 'text/plain' })
  })

  it('GET says the same as JSON', async () => {
    const place = await client().begin(10)
    const { status, body } = await client().ask('GET', place)
    expect([status, body]).toEqual([200, { offset: 0, length: 10, expiresAt: expect.any(String), fileId: null }])
  })

  it('that is malware, in pieces that are harmless by themselves, is never readable', async () => {
    const virus = eicar()
    const place = await client().begin(virus.length, { filename: 'e.com' })
    await client().patch(place, 0, virus.subarray(0, 30))
    expect(await content('019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b11')).toMatchObject({ status: 404 })
    const last = await client().patch(place, 30, virus.subarray(30))
    expect(last.status).toBe(204)
    const file = await settledFile(test, tenant, last)
    expect(file).toMatchObject({ verdict: 'infected', sha256: digest(virus) })
    expect(await content(file.id)).toMatchObject({ status: 409, body: { code: 'file.not-readable' } })
    const refusal = await test.call({ tenant, role: 'admin' }, `/api/v1/quarantine/${file.id}`)
    expect(refusal.body).toMatchObject({ name: 'e.com', verdict: 'infected', sha256: digest(virus), uploadedBy: 'user:ada' })
    expect(await used()).toEqual({ bytes: 0, files: 0 })
    expect(await ofTenant()).toHaveLength(1)
  })
})

describe('a client of others', () => {
  it.each([Number.POSITIVE_INFINITY, 3 * mebibyte])('tus-js-client uploads, in chunks of %s bytes', async (chunkSize) => {
    const bytes = randomBytes(9 * mebibyte - 5)
    const file = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(Readable.from([bytes], { objectMode: false }), {
        endpoint: `${test.url}${path}`,
        headers: authorization({ tenant }),
        metadata: { filename: 'client.bin', filetype: 'application/x' },
        chunkSize: Math.min(chunkSize, bytes.length),
        uploadSize: bytes.length,
        retryDelays: null,
        onError: reject,
        onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('Slipway-File') ?? ''),
      })
      upload.start()
    })
    const settled = await settledFile(test, tenant, { status: 204, headers: new Headers({ 'slipway-file': file }), body: '' })
    expect(settled).toMatchObject({ name: 'client.bin', verdict: 'clean', sha256: digest(bytes) })
  })

  it('tus-js-client with a length that it says at the end', async () => {
    // Not a multiple of the chunk: the client waits for ever for a stream that ends with one.
    const bytes = randomBytes(290_000)
    const file = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(Readable.from([bytes], { objectMode: false }), {
        endpoint: `${test.url}${path}`,
        headers: authorization({ tenant }),
        metadata: { filename: 'deferred.bin' },
        chunkSize: 100_000,
        uploadLengthDeferred: true,
        retryDelays: null,
        onError: reject,
        onSuccess: ({ lastResponse }) => resolve(lastResponse.getHeader('Slipway-File') ?? ''),
      })
      upload.start()
    })
    const settled = await settledFile(test, tenant, { status: 204, headers: new Headers({ 'slipway-file': file }), body: '' })
    expect(settled).toMatchObject({ sha256: digest(bytes) })
  })
})

describe('what the protocol refuses', () => {
  let place: string
  beforeEach(async () => {
    place = await client().begin(10)
  })

  it('another version, with the one that is served, and does nothing', async () => {
    for (const version of ['0.2.2', '']) {
      const answer = await client().patch(place, 0, { body: Buffer.alloc(10), headers: { 'tus-resumable': version } })
      expect([answer.status, answer.headers.get('tus-version'), answer.body.code]).toEqual([412, '1.0.0', 'upload.version-unsupported'])
    }
    expect(offsetOf(await client().head(place))).toBe(0)
  })

  it.each([
    ['an offset that is not the next', { 'upload-offset': '3' }, 409, 'upload.offset-mismatch'],
    ['no offset', { 'upload-offset': '' }, 400, 'request.parameters-invalid'],
    ['an offset that is no number', { 'upload-offset': '-1' }, 400, 'request.parameters-invalid'],
    ['an offset beyond all numbers', { 'upload-offset': '9'.repeat(16) }, 400, 'request.parameters-invalid'],
    ['another type', { 'content-type': 'application/octet-stream' }, 415, 'request.unsupported-media-type'],
    ['a compressed body', { 'content-encoding': 'gzip' }, 415, 'request.unsupported-media-type'],
    ['a second length', { 'upload-length': '11' }, 400, 'request.parameters-invalid'],
  ] as [string, Record<string, string>, number, string][])('%s', async (...[, headers, status, code]) => {
    const answer = await client().patch(place, 0, { body: Buffer.alloc(5), headers })
    expect([answer.status, answer.body.code, answer.headers.get('tus-resumable')]).toEqual([status, code, '1.0.0'])
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(offsetOf(await client().head(place))).toBe(0)
  })

  it('more bytes than were announced, however they come', async () => {
    expect(await client().patch(place, 0, Buffer.alloc(11))).toMatchObject({ status: 413, body: { code: 'file.too-large' } })
    const chunked = await client().patch(place, 0, Readable.from([Buffer.alloc(6), Buffer.alloc(6)]))
    expect(chunked.status).toBe(413)
    expect(await used()).toEqual({ bytes: 10, files: 1 })
  })

  it.each([
    ['neither length nor its deferral', { 'upload-metadata': metadataOf({ filename: 'a' }) }, 400],
    ['both', { 'upload-length': '1', 'upload-defer-length': '1', 'upload-metadata': metadataOf({ filename: 'a' }) }, 400],
    ['a length above the limit', { 'upload-length': String(9 * mebibyte + 1), 'upload-metadata': metadataOf({ filename: 'a' }) }, 413],
    ['no metadata', { 'upload-length': '1' }, 422],
    ['no name', { 'upload-length': '1', 'upload-metadata': metadataOf({ filetype: 'a' }) }, 422],
    ['a name that is none', { 'upload-length': '1', 'upload-metadata': metadataOf({ filename: '../a\0' }) }, 422],
    ['metadata that is none', { 'upload-length': '1', 'upload-metadata': 'filename ###' }, 400],
    ['metadata twice', { 'upload-length': '1', 'upload-metadata': `${metadataOf({ filename: 'a' })},filename` }, 400],
    ['metadata named like a trap', { 'upload-length': '1', 'upload-metadata': '__proto__ YQ==,filename YQ==' }, 400],
    ['a folder that is none', { 'upload-length': '1', 'upload-metadata': metadataOf({ filename: 'a', folderId: newTenant().id }) }, 422],
    ['concatenation', { 'upload-length': '1', 'upload-concat': 'partial', 'upload-metadata': metadataOf({ filename: 'a' }) }, 400],
    ['a metadata header without end', { 'upload-length': '1', 'upload-metadata': `filename ${'YWFh'.repeat(1100)}` }, 400],
  ] as [string, Record<string, string>, number][])('a POST with %s', async (_name, headers, status) => {
    const answer = await client().ask('POST', path, { headers })
    expect([answer.status, answer.headers.get('tus-resumable')]).toEqual([status, '1.0.0'])
    expect(answer.body).toMatchObject({ status, code: expect.any(String) })
    expect(await used()).toEqual({ bytes: 10, files: 1 })
  })

  it('says without credentials what is served', async () => {
    const response = await fetch(`${test.url}${path}`, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('tus-version'), response.headers.get('tus-max-size')]).toEqual([
      204,
      '1.0.0',
      String(9 * mebibyte),
    ])
    expect(response.headers.get('tus-extension')).toBe('creation,creation-with-upload,creation-defer-length,expiration,termination')
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('who may', () => {
  it('nobody but the user of the tenant that began it, and without the role not even that one', async () => {
    const place = await client().begin(10)
    for (const other of [client({ user: 'bob' }), client({ user: 'bob', role: 'admin' }), tus(test, { tenant: newTenant() })]) {
      expect((await other.head(place)).status).toBe(404)
      expect(await other.patch(place, 0, Buffer.alloc(10))).toMatchObject({ status: 404, body: { code: 'resource.not-found' } })
      expect((await other.end(place)).status).toBe(404)
    }
    expect((await client({ role: 'viewer' }).patch(place, 0, Buffer.alloc(10))).status).toBe(403)
    const anonymous = await fetch(`${test.url}${place}`, { method: 'HEAD', headers: { 'tus-resumable': '1.0.0' } })
    expect([anonymous.status, anonymous.headers.get('tus-resumable')]).toEqual([401, '1.0.0'])
    expect(offsetOf(await client().head(place))).toBe(0)
  })

  it('a stranger does not make the owner let go', async () => {
    const place = await client().begin(10)
    const body = new PassThrough()
    const slow = client().patch(place, 0, body)
    body.write(Buffer.alloc(4))
    await locked(place)
    expect((await client({ user: 'bob' }).head(place)).status).toBe(404)
    expect(await releaseWanted(place)).toBe(false)
    // For as long as one that was asked to let go would go on.
    await until(performance.now() + 1000)
    body.end(Buffer.alloc(6))
    const answer = await slow
    expect([answer.status, offsetOf(answer)]).toEqual([204, 10])
  })

  it('ids are not guessed', async () => {
    for (const id of ['a', '..%2f..', 'A'.repeat(32), '%00'.repeat(30), 'A'.repeat(65)]) {
      expect([400, 404]).toContain((await client().head(`${path}/${id}`)).status)
    }
  })
})

describe('the quota', () => {
  it('is taken when an upload begins, so that its last byte finds room', async () => {
    const place = await client().begin(9 * mebibyte)
    for (let more = 0; more < 3; more++) await client().begin(9 * mebibyte)
    expect(await used()).toEqual({ bytes: 36 * mebibyte, files: 4 })
    expect(await client().create(5 * mebibyte)).toMatchObject({ status: 413, body: { code: 'quota.exceeded' } })
    expect(await uploader(test, { tenant })('b', randomBytes(5 * mebibyte))).toMatchObject({
      status: 413,
      body: { code: 'quota.exceeded' },
    })
    const last = await client().patch(place, 0, randomBytes(9 * mebibyte))
    await settledFile(test, tenant, last)
    expect(await used()).toEqual({ bytes: 36 * mebibyte, files: 4 })
  })

  it('is taken as they come where the length is not known', async () => {
    for (let more = 0; more < 4; more++) await client().begin(9 * mebibyte)
    const place = await client().begin(null)
    expect((await client().patch(place, 0, randomBytes(3 * mebibyte))).status).toBe(204)
    expect(await client().patch(place, 3 * mebibyte, randomBytes(3 * mebibyte))).toMatchObject({
      status: 413,
      body: { code: 'quota.exceeded' },
    })
    expect(
      await client().patch(place, 3 * mebibyte, { body: Buffer.alloc(0), headers: { 'upload-length': String(5 * mebibyte) } }),
    ).toMatchObject({
      status: 413,
    })
    expect(offsetOf(await client().head(place))).toBe(3 * mebibyte)
    expect((await client().end(place)).status).toBe(204)
    expect(await used()).toEqual({ bytes: 36 * mebibyte, files: 4 })
  })

  it('of files counts open uploads', async () => {
    const begun = await Promise.all(Array.from({ length: 25 }, () => client().create(1)))
    expect(begun.filter(({ status }) => status === 201)).toHaveLength(20)
    expect(begun.filter(({ body }) => body.code === 'quota.exceeded')).toHaveLength(5)
  })
})

describe('the end of an upload', () => {
  it('DELETE frees quota, bytes and parts at once', async () => {
    const place = await client().begin(9 * mebibyte)
    await client().patch(place, 0, randomBytes(8.5 * mebibyte))
    expect(await ofTenant()).toHaveLength(1)
    expect((await client().end(place)).status).toBe(204)
    expect([await used(), await ofTenant()]).toEqual([{ bytes: 0, files: 0 }, []])
    for (const answer of [await client().head(place), await client().patch(place, 0, Buffer.alloc(1)), await client().end(place)]) {
      expect(answer.status).toBe(404)
    }
  })

  it('a finished upload is not given up: its file is deleted as a file', async () => {
    const place = await client().begin(3)
    const last = await client().patch(place, 0, Buffer.from('abc'))
    expect(await client().end(place)).toMatchObject({ status: 409, body: { code: 'resource.conflict' } })
    expect((await settledFile(test, tenant, last)).verdict).toBe('clean')
    const again = await client().patch(place, 3, Buffer.alloc(0))
    expect([again.status, again.headers.get('slipway-file')]).toEqual([204, last.headers.get('slipway-file')])
  })

  it('a name that was taken meanwhile is refused, and can be tried again when it is free', async () => {
    const place = await client().begin(3, { filename: 'only.txt', onConflict: 'fail' })
    const other = (await uploader(test, { tenant })('only.txt', 'first')).body
    expect(await client().create(3, { metadata: { filename: 'only.txt', onConflict: 'fail' } })).toMatchObject({ status: 409 })
    expect(await client().patch(place, 0, Buffer.from('abc'))).toMatchObject({ status: 409, body: { code: 'name.taken' } })
    expect(await sweep()).toMatchObject({ finished: 0 })
    await test.call({ tenant }, `/api/v1/files/${other.id}?permanent=true`, { method: 'DELETE' })
    // The bytes may have to be sent again: what counts is the offset.
    const offset = offsetOf(await client().head(place))
    const last = await client().patch(place, offset, Buffer.from('abc').subarray(offset))
    expect(await settledFile(test, tenant, last)).toMatchObject({ name: 'only.txt', verdict: 'clean' })
    expect(await used()).toEqual({ bytes: 3, files: 1 })
  })

  it('comes no sooner than that: sweeps of what nobody knows leave its parts and rests alone', async () => {
    await using aged = await startFiles({ environment: { FILES_RESUMABLE_HOURS: '720' } })
    const own = tus(aged, { tenant })
    const bytes = randomBytes(9 * mebibyte)
    const place = await own.begin(bytes.length)
    await own.patch(place, 0, bytes.subarray(0, 8.5 * mebibyte))
    aged.advance(29 * 24 * hour)
    expect(await runJob(aged, quarantineSweep, { version: 1, scope: 'all' })).toMatchObject({ expired: 0, objects: 0, uploads: 0 })
    const last = await own.patch(place, 8.5 * mebibyte, bytes.subarray(8.5 * mebibyte))
    expect(await settledFile(aged, tenant, last)).toMatchObject({ verdict: 'clean', sha256: digest(bytes) })
  })

  it('after FILES_RESUMABLE_HOURS it is gone, and what it had is free', async () => {
    await using aged = await startFiles()
    const own = tus(aged, { tenant })
    const created = await own.create(9 * mebibyte)
    const place = created.headers.get('location')!
    const expires = new Date(created.headers.get('upload-expires')!).getTime()
    expect(Math.abs(expires - Date.now() - 24 * hour)).toBeLessThan(60_000)
    await own.patch(place, 0, randomBytes(8.5 * mebibyte))
    const finished = await own.patch(await own.begin(1), 0, Buffer.from('a'))
    await settledFile(aged, tenant, finished)
    aged.advance(23 * hour)
    const run = (scope: 'stuck' | 'all') => runJob(aged, quarantineSweep, { version: 1, scope })
    expect(await run('all')).toMatchObject({ expired: 0, objects: 0, uploads: 0 })
    aged.advance(2 * hour)
    expect((await own.head(place)).status).toBe(410)
    expect(await own.patch(place, 8.5 * mebibyte, Buffer.alloc(1))).toMatchObject({ status: 410, body: { code: 'resource.gone' } })
    expect(await run('stuck')).toMatchObject({ expired: 2, finished: 0 })
    expect((await own.head(place)).status).toBe(404)
    expect(await keysIn(aged, 'quarantine')).toEqual([])
    expect((await aged.call({ tenant }, '/api/v1/files/usage')).body.used).toEqual({ bytes: 1, files: 1 })
    expect((await aged.call({ tenant }, finished.headers.get('slipway-file')!)).body.verdict).toBe('clean')
  })
})

/** Not a measure: without it a fault would show itself too late to be seen. */
async function until(moment: number): Promise<void> {
  while (performance.now() < moment) await used()
}

async function locked(place: string): Promise<void> {
  while ((await stateOf(place)).lock_token === null);
}

async function releaseWanted(place: string): Promise<boolean> {
  return (await stateOf(place)).release_wanted
}

async function stateOf(place: string) {
  const { rows } = await test.system.pool.query<{ lock_token: string | null; release_wanted: boolean }>(
    'select lock_token, release_wanted from resumable_uploads where id = $1',
    [place.split('/').at(-1)],
  )
  return rows[0]!
}
