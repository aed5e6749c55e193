import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { call, expectProblem, expectStatus, here, type StoredFile, settled, stored, unique, upload } from './client.ts'
import { largestFile, usage } from './limits.ts'

interface Page<T> {
  items: T[]
  nextCursor: string | null
}

interface Folder {
  id: string
  name: string
  parentId: string | null
  etag: string
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

async function newFolder(parentId: string | null = null, name = unique('folder')): Promise<Folder> {
  return expectStatus<Folder>(call('POST', '/api/v1/folders', { json: { name, parentId } }), 201)
}

describe('an upload', () => {
  test('is answered with everything that is known about it, and its bytes come back', async () => {
    const content = randomBytes(300_000)
    const response = await upload(content, { name: unique('photo.jpg'), type: 'image/jpeg' })
    const file = await expectStatus<StoredFile>(response, 201)
    expect(file).toMatchObject({ size: content.length, sha256: sha256(content), verdict: 'clean', folderId: null })
    expect(file.scan).toMatchObject({ engine: expect.stringContaining('ClamAV'), at: expect.any(String), milliseconds: expect.any(Number) })
    expect(response.headers.get('location')).toBe(`/api/v1/files/${file.id}`)
    const answer = await call('GET', `/api/v1/files/${file.id}/content`)
    expect(answer.status).toBe(200)
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(file.sha256)
  })

  test('of nothing is a file of size 0', async () => {
    const file = await stored('', { name: unique('empty.txt') })
    expect(file).toMatchObject({ size: 0, sha256: sha256(Buffer.alloc(0)), verdict: 'clean' })
    const answer = await call('GET', `/api/v1/files/${file.id}/content`)
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })

  test('has the type that its bytes show, not the one that is claimed', async () => {
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
    expect((await stored(png, { name: unique('page.html'), type: 'text/html' })).contentType).toBe('image/png')
  })

  test('goes into the folder that is named before it', async () => {
    const folder = await newFolder()
    const file = await stored('in a folder', { fields: { folderId: folder.id } })
    expect(file.folderId).toBe(folder.id)
    const page = await expectStatus<Page<StoredFile>>(call('GET', `/api/v1/files?folderId=${folder.id}`), 200)
    expect(page.items.map((item) => item.id)).toEqual([file.id])
  })

  test('above the size of synchronous scans is readable only after its verdict', async () => {
    const content = randomBytes(Math.min((await largestFile()) - 1024, 66 * 1024 * 1024))
    const response = await upload(content)
    const file = await expectStatus<StoredFile>(response, response.status === 202 ? 202 : 201)
    if (response.status === 202) {
      expect(file).toMatchObject({ verdict: 'pending', progress: { phase: expect.any(String) } })
      expect(response.headers.get('location')).toBe(`/api/v1/files/${file.id}`)
    }
    expect((await settled(file.id)).verdict).toBe('clean')
    const answer = await call('GET', `/api/v1/files/${file.id}/content`)
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(sha256(content))
    await call('DELETE', `/api/v1/files/${file.id}?permanent=true`)
  })

  test('with a key is done once, however often it is asked for', async () => {
    const headers = { 'idempotency-key': unique('upload') }
    const name = unique('once.txt')
    const [first, second] = [await stored('once', { name, headers }), await stored('once', { name, headers })]
    expect(second.id).toBe(first.id)
    await expectProblem(upload('something else', { name, headers }), 422, 'idempotency.key-reused')
  })

  test('of a name that is taken gets a number, or is refused when asked to', async () => {
    const folder = await newFolder()
    const fields = { folderId: folder.id }
    await stored('one', { name: 'same.txt', fields })
    expect((await stored('two', { name: 'same.txt', fields })).name).toBe('same (2).txt')
    await expectProblem(upload('three', { name: 'same.txt', fields: { ...fields, onConflict: 'fail' } }), 409, 'name.taken')
  })
})

describe('content', () => {
  const content = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz')

  async function contentOf(headers: Record<string, string> = {}) {
    const file = await stored(content, { name: unique('alphabet.txt') })
    return { file, answer: await call('GET', `/api/v1/files/${file.id}/content`, { headers }) }
  }

  test('is served so that no browser runs it', async () => {
    const { file, answer } = await contentOf()
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment;/)
    expect(answer.headers.get('content-disposition')).toContain(file.name)
    expect(answer.headers.get('content-security-policy')).toContain('sandbox')
  })

  test.each([
    ['bytes=0-9', '0123456789', 'bytes 0-9/36'],
    ['bytes=30-', 'uvwxyz', 'bytes 30-35/36'],
    ['bytes=-3', 'xyz', 'bytes 33-35/36'],
    ['bytes=30-999', 'uvwxyz', 'bytes 30-35/36'],
  ])('range %s', async (range, expected, contentRange) => {
    const { answer } = await contentOf({ range })
    expect([answer.status, answer.headers.get('content-range'), await answer.text()]).toEqual([206, contentRange, expected])
  })

  test('a range beyond the end: 416 with the size', async () => {
    const { answer } = await contentOf({ range: 'bytes=36-' })
    expect(answer.headers.get('content-range')).toBe('bytes */36')
    await expectProblem(answer, 416, 'range.not-satisfiable')
  })

  test('that the client has already is not sent again', async () => {
    const { file, answer } = await contentOf()
    const etag = answer.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[^"]+"$/)
    const again = await call('GET', `/api/v1/files/${file.id}/content`, { headers: { 'if-none-match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await call('GET', `/api/v1/files/${file.id}/content`, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })

  test('HEAD tells size and type without the bytes', async () => {
    const { file } = await contentOf()
    const head = await call('HEAD', `/api/v1/files/${file.id}/content`)
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '36', ''])
  })
})

describe('a list', () => {
  test('is read page by page without gaps or repetitions, while others add', async () => {
    const folder = await newFolder()
    const made: string[] = []
    for (let index = 0; index < 5; index++)
      made.push((await stored(`file ${index}`, { name: `f${index}.txt`, fields: { folderId: folder.id } })).id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: Page<StoredFile> = await expectStatus(
        call('GET', `/api/v1/files?folderId=${folder.id}&limit=2&sort=name&order=asc${query}`),
        200,
      )
      expect(page.items.length).toBeLessThanOrEqual(2)
      seen.push(...page.items.map((file) => file.id))
      if (cursor === null) await stored('late', { name: 'a-late.txt', fields: { folderId: folder.id } })
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(seen).toEqual(made)
  })

  test('is filtered by name and type', async () => {
    const folder = await newFolder()
    const fields = { folderId: folder.id }
    await stored('%PDF-1.4\n%âãÏÓ\n', { name: 'report.pdf', fields })
    const text = await stored('plain', { name: 'Notes.txt', fields })
    const found = async (query: string) => {
      const page = await expectStatus<Page<StoredFile>>(call('GET', `/api/v1/files?folderId=${folder.id}&${query}`), 200)
      return page.items.map((file) => file.name)
    }
    expect(await found('name=note')).toEqual([text.name])
    expect(await found('type=application/pdf')).toEqual(['report.pdf'])
    expect(await found('type=text/*')).toEqual([text.name])
  })
})

describe('a file', () => {
  test('is renamed and moved, unless somebody else was faster', async () => {
    const file = await stored('to be renamed')
    const folder = await newFolder()
    const name = unique('renamed.txt')
    const changed = await expectStatus<StoredFile>(
      call('PATCH', `/api/v1/files/${file.id}`, { json: { name, folderId: folder.id }, headers: { 'if-match': file.etag } }),
      200,
    )
    expect(changed).toMatchObject({ name, folderId: folder.id })
    expect(changed.etag).not.toBe(file.etag)
    const late = call('PATCH', `/api/v1/files/${file.id}`, { json: { name: 'late.txt' }, headers: { 'if-match': file.etag } })
    await expectProblem(late, 412, 'precondition.failed')
  })

  test('goes to the trash, comes back, and goes for good', async () => {
    const file = await stored('to be thrown away')
    const path = `/api/v1/files/${file.id}`
    await expectStatus(call('DELETE', path), 204)
    await expectProblem(call('GET', `${path}/content`), 404, 'resource.not-found')
    const trash = await expectStatus<Page<StoredFile>>(call('GET', `/api/v1/files?trashed=true&namePrefix=${file.name}`), 200)
    expect(trash.items.map((item) => item.id)).toEqual([file.id])
    expect(await expectStatus<StoredFile>(call('POST', `${path}/restore`), 200)).toMatchObject({ id: file.id, trashedAt: null })
    expect((await call('GET', `${path}/content`)).status).toBe(200)
    await expectStatus(call('DELETE', `${path}?permanent=true`), 204)
    await expectProblem(call('GET', path), 404, 'resource.not-found')
    await expectProblem(call('POST', `${path}/restore`), 404, 'resource.not-found')
  })

  test('counts in the usage until it is gone', async () => {
    const file = await stored(randomBytes(1000))
    const before = await usage()
    await expectStatus(call('DELETE', `/api/v1/files/${file.id}?permanent=true`), 204)
    const after = await usage()
    expect(before.used.bytes).toBeGreaterThanOrEqual(1000)
    expect(after.quota).toEqual(before.quota)
  })
})

describe('folders', () => {
  test('have names that are unique within their parent', async () => {
    const parent = await newFolder()
    await newFolder(parent.id, 'Invoices')
    await expectProblem(call('POST', '/api/v1/folders', { json: { name: 'invoices', parentId: parent.id } }), 409, 'name.taken')
  })

  test('cannot be moved into themselves or below', async () => {
    const top = await newFolder()
    const below = await newFolder(top.id)
    await expectProblem(call('PATCH', `/api/v1/folders/${top.id}`, { json: { parentId: below.id } }), 409, 'folder.cycle')
    await expectProblem(call('PATCH', `/api/v1/folders/${top.id}`, { json: { parentId: top.id } }), 409, 'folder.cycle')
  })

  test('are moved and listed by parent', async () => {
    const [from, to] = [await newFolder(), await newFolder()]
    const child = await newFolder(from.id)
    await expectStatus(call('PATCH', `/api/v1/folders/${child.id}`, { json: { parentId: to.id } }), 200)
    const page = await expectStatus<Page<Folder>>(call('GET', `/api/v1/folders?parentId=${to.id}`), 200)
    expect(page.items.map((folder) => folder.id)).toEqual([child.id])
  })

  test('with something in them are removed only when it is said', async () => {
    const folder = await newFolder()
    await stored('inside', { fields: { folderId: folder.id } })
    await expectProblem(call('DELETE', `/api/v1/folders/${folder.id}`), 409, 'resource.conflict')
    await expectStatus(call('DELETE', `/api/v1/folders/${folder.id}?recursive=true`), 204)
    await expectProblem(call('GET', `/api/v1/folders/${folder.id}`), 404, 'resource.not-found')
  })
})

test('the tenant may also be named by header, as long as it is the right one', async () => {
  expect((await call('GET', '/api/v1/files', { headers: { 'x-tenant-slug': here.tenant } })).status).toBe(200)
  await expectProblem(call('GET', '/api/v1/files', { headers: { 'x-tenant-slug': 'somebody-else' } }), 403, 'tenant.mismatch')
})
