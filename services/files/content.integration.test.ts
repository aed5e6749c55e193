import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { authorization, type FilesTest, newTenant, removeObjects, startFiles, type Tenant, uploader } from './files.fixtures.ts'

let test: FilesTest
let tenant: Tenant
beforeAll(async () => {
  test = await startFiles()
})
afterAll(async () => {
  await test[Symbol.asyncDispose]()
})
beforeEach(() => {
  tenant = newTenant()
})

const upload = async (name: string, content: Buffer | string, fields: Record<string, string> = {}) =>
  (await uploader(test, { tenant })(name, content, { fields })).body
const read = (id: string, headers: Record<string, string> = {}, { method = 'GET', query = '' } = {}) =>
  test.call({ tenant }, `/api/v1/files/${id}/content${query}`, { method, headers })

describe('content that browsers might run', () => {
  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['SVG with a declaration', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
    ['HTML', '<!doctype html><script>alert(1)</script>'],
    ['JavaScript', 'alert(document.cookie)'],
    ['a GIF that is a script', 'GIF89a=1;alert(1)//'],
    ['a PDF that is a page', '%PDF-1.4\n<script>alert(1)</script>'],
  ])('is kept from running, also when it is asked for in place: %s', async (_, content) => {
    const { id } = await upload('page.html', content)
    for (const query of ['', '?disposition=inline', '?disposition=attachment']) {
      const { status, headers, body } = await read(id, {}, { query })
      expect([status, body.toString()]).toEqual([200, content])
      expect(headers.get('content-type')).not.toMatch(/html|svg|script/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
      if (/xml|octet/.test(headers.get('content-type') ?? '') || query !== '?disposition=inline') {
        expect(headers.get('content-disposition')).toMatch(/^attachment;/)
      }
    }
  })

  it.each(['=cmd.exe', '; filename=evil.exe', "quote'd", 'ünï "cödé" \u202f😀.html', '%0d%0aset-cookie: a=b', 'ж'.repeat(127)])(
    'cannot say anything in a header by its name: %s',
    async (name) => {
      const file = await upload('x', 'x', { name })
      const { status, headers } = await read(file.id)
      expect(status).toBe(200)
      const disposition = headers.get('content-disposition') ?? ''
      const given = /filename\*=UTF-8''(.*)$/.exec(disposition)?.[1] ?? encodeURIComponent(/filename="(.*)"/.exec(disposition)?.[1] ?? '')
      expect(decodeURIComponent(given)).toBe(file.name)
      expect(headers.get('set-cookie')).toBeNull()
    },
  )
})

describe('conditions and ranges', () => {
  const content = '0123456789'
  const etag = `"${createHash('sha256').update(content).digest('hex')}"`
  let id: string
  beforeEach(async () => {
    id = (await upload('digits', content)).id
  })

  it.each([
    ['If-None-Match comes before Range', { 'if-none-match': etag, range: 'bytes=0-1' }, 304, ''],
    ['one of several tags is enough', { 'if-none-match': `"a", W/${etag}` }, 304, ''],
    ['* is any tag', { 'if-none-match': '*' }, 304, ''],
    ['another tag', { 'if-none-match': '"a"', range: 'bytes=0-1' }, 206, '01'],
    ['If-Match comes before If-None-Match', { 'if-match': '"a"', 'if-none-match': etag }, 412, null],
    ['If-Match of a weak tag is none', { 'if-match': `W/${etag}` }, 412, null],
    ['If-Match *', { 'if-match': '*', range: 'bytes=-2' }, 206, '89'],
    ['If-Range of this very content', { 'if-range': etag, range: 'bytes=8-' }, 206, '89'],
    ['If-Range of a weak tag', { 'if-range': `W/${etag}`, range: 'bytes=8-' }, 200, content],
    ['If-Range of a time', { 'if-range': new Date().toUTCString(), range: 'bytes=8-' }, 200, content],
    ['If-Range of other content with an impossible range', { 'if-range': '"a"', range: 'bytes=99-' }, 200, content],
    ['If-Range without a range', { 'if-range': '"a"' }, 200, content],
    ['a suffix longer than all', { range: 'bytes=-99' }, 206, content],
    ['a suffix of nothing', { range: 'bytes=-0' }, 416, null],
    ['several ranges', { range: 'bytes=0-0,-1' }, 200, content],
    ['a range that runs backwards', { range: 'bytes=5-4' }, 200, content],
    ['a range behind the end', { range: 'bytes=10-10' }, 416, null],
  ] satisfies [string, Record<string, string>, number, string | null][])('%s', async (...[, headers, status, body]) => {
    const answer = await read(id, headers)
    expect(answer.status).toBe(status)
    if (body !== null) expect(answer.body.toString()).toBe(body)
    if (status < 400) expect([answer.headers.get('etag'), answer.headers.get('cache-control')]).toEqual([etag, 'private, no-cache'])
    if (status === 416) expect(answer.headers.get('content-range')).toBe('bytes */10')
  })

  it('hold for HEAD, except for ranges, which only GET has', async () => {
    const head = (headers: Record<string, string>) => read(id, headers, { method: 'HEAD' })
    expect((await head({ 'if-none-match': etag })).status).toBe(304)
    expect((await head({ 'if-match': '"a"' })).status).toBe(412)
    for (const range of ['bytes=0-1', 'bytes=99-']) {
      const { status, headers } = await head({ range })
      expect([status, headers.get('content-length'), headers.get('content-range')]).toEqual([200, '10', null])
    }
  })

  it('hold for content of no bytes, of which no range can be had', async () => {
    const { id: empty } = await upload('empty', '')
    const whole = await read(empty)
    expect([whole.status, whole.headers.get('content-length')]).toEqual([200, '0'])
    expect((await read(empty, { 'if-none-match': whole.headers.get('etag') ?? '' })).status).toBe(304)
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-1']) {
      const refused = await read(empty, { range })
      expect([refused.status, refused.headers.get('content-range')]).toEqual([416, 'bytes */0'])
    }
    expect((await read(empty, {}, { method: 'HEAD' })).headers.get('content-length')).toBe('0')
  })
})

describe('a download under way', () => {
  const large = randomBytes(8 * 1_048_576)
  const begin = async (id: string) => {
    const stop = new AbortController()
    const url = `${test.url}/api/v1/files/${id}/content`
    const response = await fetch(url, { headers: authorization({ tenant }), signal: stop.signal })
    const reader = response.body?.getReader()
    if (!reader) throw new Error('no body')
    const first = await reader.read()
    return { stop, reader, first: Buffer.from(first.value ?? []) }
  }

  it('gives the very bytes to its end, or breaks off, when the file is purged meanwhile', async () => {
    const { id } = await upload('large', large)
    const { reader, first } = await begin(id)
    await test.call({ tenant }, `/api/v1/files/${id}?permanent=true`, { method: 'DELETE' })
    await removeObjects(test)
    expect((await read(id)).status).toBe(404)
    const chunks = [first]
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(Buffer.from(next.value))
      expect(Buffer.concat(chunks).equals(large)).toBe(true)
    } catch {
      const received = Buffer.concat(chunks)
      expect(received.equals(large.subarray(0, received.length))).toBe(true)
    }
  })

  it('may be left by any number of readers without harm to the next one', async () => {
    const { id } = await upload('large', large)
    for (let round = 0; round < 5; round++) {
      const downloads = await Promise.all(Array.from({ length: 20 }, () => begin(id)))
      for (const { stop } of downloads) stop.abort()
    }
    expect((await read(id)).body.equals(large)).toBe(true)
  })

  it('keeps the file from nothing: it is renamed, moved and trashed meanwhile', async () => {
    const { id } = await upload('large', large)
    const { reader, first } = await begin(id)
    expect((await test.call({ tenant }, `/api/v1/files/${id}`, { method: 'PATCH', json: { name: 'other' } })).status).toBe(200)
    expect((await test.call({ tenant }, `/api/v1/files/${id}`, { method: 'DELETE' })).status).toBe(204)
    let bytes = first.length
    for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length
    expect(bytes).toBe(large.length)
  })
})
