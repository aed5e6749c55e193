import { randomUUID } from 'node:crypto'
import { eicar, pngOf } from '@slipway/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Answer,
  type FilesTest,
  form,
  keysIn,
  newTenant,
  removeObjects,
  runJob,
  startFiles,
  type Tenant,
  uploader,
} from './files.fixtures.ts'
import { filePurge } from './jobs/file-purge.ts'

const day = 86_400_000

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

const upload = (name: string, content: Buffer | string = name, fields: Record<string, string> = {}) =>
  uploader(test, { tenant })(name, content, { fields })
const get = (path: string, headers: Record<string, string> = {}) => test.call({ tenant }, path, { headers })
const send = (method: string, path: string, json?: unknown) => test.call({ tenant }, path, { method, json })
const sendWith = (headers: Record<string, string>) => (method: string, path: string, json?: unknown) =>
  test.call({ tenant }, path, { method, json, headers })
const newFolder = async (name: string, parentId: string | null = null) => (await send('POST', '/api/v1/folders', { name, parentId })).body
const names = (answer: Answer) => answer.body.items.map((item: { name: string }) => item.name)
const usage = async () => (await get('/api/v1/files/usage')).body
const code = ({ status, body }: Answer) => [status, body.code]

describe('GET /api/v1/files', () => {
  it('pages through all files once, in every order, also where values are equal', async () => {
    for (const name of ['b', 'a', 'd', 'c', 'e']) await upload(name, name === 'e' ? 'long' : 'x')
    for (const sort of ['name', 'createdAt', 'size']) {
      for (const order of ['asc', 'desc']) {
        const seen: string[] = []
        let cursor = ''
        do {
          const { status, body } = await get(`/api/v1/files?limit=2&sort=${sort}&order=${order}${cursor && `&cursor=${cursor}`}`)
          expect(status).toBe(200)
          seen.push(...body.items.map((item: { name: string }) => item.name))
          cursor = body.nextCursor
        } while (cursor)
        expect([...seen].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
        if (sort === 'name') expect(seen).toEqual(order === 'asc' ? ['a', 'b', 'c', 'd', 'e'] : ['e', 'd', 'c', 'b', 'a'])
        if (sort === 'size') expect(seen.at(order === 'asc' ? -1 : 0)).toBe('e')
      }
    }
  })

  it('shows neither twice nor not at all what was there before a page, while others come and go', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await upload(name)
    const first = await get('/api/v1/files?limit=2&sort=name&order=asc')
    await upload('aa')
    const { body } = await get(`/api/v1/files?limit=10&sort=name&order=asc&cursor=${first.body.nextCursor}`)
    expect(body.items.map((item: { name: string }) => item.name)).toEqual(['c', 'd'])
  })

  it('filters by folder, name, beginning, type and trash', async () => {
    const folder = await newFolder('in')
    await upload('Report.txt', 'text')
    await upload('photo.png', pngOf())
    await upload('inner report.txt', 'text', { folderId: folder.id })
    await upload('100%_sure.txt', 'text')
    const old = await upload('old.txt')
    await send('DELETE', `/api/v1/files/${old.body.id}`)
    const list = async (query: string) => names(await get(`/api/v1/files?sort=name&order=asc&${query}`))
    expect(await list('')).toEqual(['100%_sure.txt', 'inner report.txt', 'photo.png', 'Report.txt'])
    expect(await list('folderId=root')).toEqual(['100%_sure.txt', 'photo.png', 'Report.txt'])
    expect(await list(`folderId=${folder.id}`)).toEqual(['inner report.txt'])
    expect(await list('name=REPORT')).toEqual(['inner report.txt', 'Report.txt'])
    expect(await list('namePrefix=rep')).toEqual(['Report.txt'])
    expect(await list('name=%25_')).toEqual(['100%_sure.txt'])
    expect(await list('type=image/png')).toEqual(['photo.png'])
    expect(await list('type=text/*')).toEqual(['100%_sure.txt', 'inner report.txt', 'Report.txt'])
    expect(await list('trashed=true')).toEqual(['old.txt'])
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'sort=sha256',
    'order=up',
    'cursor=nonsense',
    'colour=red',
    'folderId=1',
    'type=image',
    'trashed=1',
    'limit=1&limit=2',
  ])('refuses ?%s with a pointer to it', async (query) => {
    const { status, body } = await get(`/api/v1/files?${query}`)
    expect(status).toBe(400)
    expect(body.errors[0].pointer).toBe(`/query/${query.split('=')[0]}`)
  })

  it('refuses a cursor of another order', async () => {
    for (const name of ['a', 'b']) await upload(name)
    const { body } = await get('/api/v1/files?limit=1&sort=name')
    expect((await get(`/api/v1/files?limit=1&sort=size&cursor=${body.nextCursor}`)).status).toBe(400)
  })
})

describe('GET /api/v1/files/{id}/content', () => {
  const text = 'The quick brown fox'
  let id: string
  let etag: string
  beforeEach(async () => {
    id = (await upload('fox', text, { name: 'fox "1".txt' })).body.id
    etag = (await get(`/api/v1/files/${id}/content`)).headers.get('etag') ?? ''
  })
  const content = (headers: Record<string, string> = {}, query = '') => get(`/api/v1/files/${id}/content${query}`, headers)

  it('is an attachment that no browser runs', async () => {
    const { status, headers } = await content()
    expect(status).toBe(200)
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'content-disposition': `attachment; filename="fox _1_.txt"; filename*=UTF-8''fox%20%221%22.txt`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
    })
  })

  it('is shown in place only if its type is harmless', async () => {
    expect((await content({}, '?disposition=inline')).headers.get('content-disposition')).toMatch(/^inline;/)
    id = (await upload('data.bin', Buffer.from([0, 1, 2]))).body.id
    expect((await content({}, '?disposition=inline')).headers.get('content-disposition')).toMatch(/^attachment;/)
  })

  it.each([
    ['bytes=4-8', 206, 'quick', 'bytes 4-8/19'],
    ['bytes=16-', 206, 'fox', 'bytes 16-18/19'],
    ['bytes=-3', 206, 'fox', 'bytes 16-18/19'],
    ['bytes=0-999', 206, text, 'bytes 0-18/19'],
    ['bytes=0-1,4-5', 200, text, null],
    ['lines=1-2', 200, text, null],
  ])('Range %s gives %d', async (...[range, status, body, contentRange]) => {
    const answer = await content({ range })
    expect([answer.status, answer.body.toString(), answer.headers.get('content-range')]).toEqual([status, body, contentRange])
    expect(answer.headers.get('content-length')).toBe(String(body.length))
  })

  it('answers 416 outside of the content', async () => {
    const { status, headers, body } = await content({ range: 'bytes=19-' })
    expect([status, body.code, headers.get('content-range')]).toEqual([416, 'range.not-satisfiable', 'bytes */19'])
  })

  it('honours If-Range, If-None-Match and If-Match', async () => {
    expect((await content({ range: 'bytes=0-0', 'if-range': etag })).status).toBe(206)
    expect((await content({ range: 'bytes=0-0', 'if-range': '"other"' })).status).toBe(200)
    const unchanged = await content({ 'if-none-match': etag })
    expect([unchanged.status, unchanged.body.length, unchanged.headers.get('etag')]).toEqual([304, 0, etag])
    expect((await content({ 'if-match': '"other"' })).status).toBe(412)
  })

  it('keeps its ETag when the file is renamed', async () => {
    await send('PATCH', `/api/v1/files/${id}`, { name: 'renamed.txt' })
    expect((await content()).headers.get('etag')).toBe(etag)
  })

  it('answers HEAD like GET, without the body', async () => {
    const head = await test.call({ tenant }, `/api/v1/files/${id}/content`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), head.body.length]).toEqual([200, String(text.length), 0])
  })

  it('is gone while the file is in the trash', async () => {
    await send('DELETE', `/api/v1/files/${id}`)
    expect(code(await content())).toEqual([404, 'resource.not-found'])
    await send('POST', `/api/v1/files/${id}/restore`)
    expect((await content()).status).toBe(200)
  })
})

describe('PATCH /api/v1/files/{id}', () => {
  it('renames and moves, and changes nothing when there is nothing to change', async () => {
    const folder = await newFolder('in')
    const { body: file } = await upload('a.txt')
    const changed = await send('PATCH', `/api/v1/files/${file.id}`, { name: ' b.txt ', folderId: folder.id })
    expect(changed.body).toMatchObject({ name: 'b.txt', folderId: folder.id, sha256: file.sha256 })
    expect(changed.body.etag).not.toBe(file.etag)
    const same = await send('PATCH', `/api/v1/files/${file.id}`, { name: 'b.txt' })
    expect(same.body.etag).toBe(changed.body.etag)
    expect((await send('PATCH', `/api/v1/files/${file.id}`, { folderId: null })).body.folderId).toBeNull()
  })

  it('changes the case of a name', async () => {
    const { body: file } = await upload('readme')
    expect((await send('PATCH', `/api/v1/files/${file.id}`, { name: 'README' })).body.name).toBe('README')
  })

  it('guards by If-Match', async () => {
    const { body: file } = await upload('a')
    const rename = (name: string, match: string) => sendWith({ 'if-match': match })('PATCH', `/api/v1/files/${file.id}`, { name })
    const first = await rename('b', file.etag)
    expect(first.status).toBe(200)
    expect(code(await rename('c', file.etag))).toEqual([412, 'precondition.failed'])
    expect((await rename('c', first.body.etag)).body.name).toBe('c')
    expect(code(await sendWith({ 'if-match': file.etag })('DELETE', `/api/v1/files/${file.id}`))).toEqual([412, 'precondition.failed'])
  })

  it('lets one of many renames to one name through', async () => {
    const ids = []
    for (let index = 0; index < 8; index++) ids.push((await upload(`${index}`)).body.id)
    const answers = await Promise.all(ids.map((id) => send('PATCH', `/api/v1/files/${id}`, { name: 'wanted' })))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body.code === 'name.taken')).toHaveLength(7)
  })

  it('lets one of two writers with the same ETag through', async () => {
    const { body: file } = await upload('a')
    const answers = await Promise.all(
      ['b', 'c', 'd'].map((name) => sendWith({ 'if-match': file.etag })('PATCH', `/api/v1/files/${file.id}`, { name })),
    )
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 412, 412])
  })

  it.each([
    [{ name: '../x' }, '/body/name'],
    [{ name: 5 }, '/body/name'],
    [{ colour: 'red' }, '/body/colour'],
    [{ folderId: 'x' }, '/body/folderId'],
    [{ folderId: randomUUID() }, '/body/folderId'],
  ])('refuses %j with a pointer', async (json, pointer) => {
    const { body: file } = await upload('a')
    const { status, body } = await send('PATCH', `/api/v1/files/${file.id}`, json)
    expect([status, body.errors[0].pointer]).toEqual([422, pointer])
  })
})

describe('the trash', () => {
  it('frees the name, keeps the quota, and gives the file back under a free name', async () => {
    const { body: first } = await upload('a.txt', 'one')
    expect((await send('DELETE', `/api/v1/files/${first.id}`)).status).toBe(204)
    expect((await send('DELETE', `/api/v1/files/${first.id}`)).status).toBe(204)
    expect((await get(`/api/v1/files/${first.id}`)).body.trashedAt).not.toBeNull()
    expect(await usage()).toMatchObject({ used: { bytes: 3, files: 1 }, trash: { bytes: 3, files: 1 } })
    expect((await upload('a.txt', 'two')).body.name).toBe('a.txt')
    expect(code(await send('PATCH', `/api/v1/files/${first.id}`, { name: 'b' }))).toEqual([409, 'resource.conflict'])
    const restored = await send('POST', `/api/v1/files/${first.id}/restore`)
    expect(restored.body).toMatchObject({ name: 'a (2).txt', trashedAt: null })
    expect((await send('POST', `/api/v1/files/${first.id}/restore`)).body.name).toBe('a (2).txt')
  })

  it('gives parallel restores of one name a name each', async () => {
    const ids = []
    for (let index = 0; index < 6; index++) {
      const { body } = await upload('a.txt')
      await send('DELETE', `/api/v1/files/${body.id}`)
      ids.push(body.id)
    }
    const restored = await Promise.all(ids.map((id) => send('POST', `/api/v1/files/${id}/restore`)))
    expect(new Set(restored.map((answer) => answer.body.name)).size).toBe(6)
  })

  it('is emptied after its days, twice without harm: rows, quota, objects', async () => {
    const { body: old } = await upload('old')
    const { body: kept } = await upload('kept')
    await send('DELETE', `/api/v1/files/${old.id}`)
    test.advance(20 * day)
    await runJob(test, filePurge, { version: 1 })
    expect((await get(`/api/v1/files/${old.id}`)).status).toBe(200)
    test.advance(11 * day)
    for (let run = 0; run < 2; run++) {
      await runJob(test, filePurge, { version: 1 })
      await removeObjects(test)
    }
    expect((await get(`/api/v1/files/${old.id}`)).status).toBe(404)
    expect((await usage()).used).toEqual({ bytes: 4, files: 1 })
    const keys = (await keysIn(test, 'files')).filter((key) => key.startsWith(tenant.id))
    expect(keys).toEqual([`${tenant.id}/${kept.id}`])
    const { body } = await test.call({ tenant, role: 'admin' }, '/api/v1/files/audit?action=file.purged')
    expect(body.items).toMatchObject([{ actor: { kind: 'system', id: 'file-purge' }, subject: { type: 'file', id: old.id } }])
  })
})

describe('DELETE ?permanent=true', () => {
  const purge = (id: string, user: string, role: 'member' | 'admin' = 'member') =>
    test.call({ tenant, user, role }, `/api/v1/files/${id}?permanent=true`, { method: 'DELETE' })

  it('is for whoever uploaded the file, and for admins', async () => {
    const [mine, other] = [(await upload('a')).body, (await upload('b')).body]
    expect(code(await purge(mine.id, 'eve'))).toEqual([403, 'auth.forbidden'])
    expect((await purge(mine.id, 'ada')).status).toBe(204)
    expect((await purge(other.id, 'root', 'admin')).status).toBe(204)
    expect((await usage()).used).toEqual({ bytes: 0, files: 0 })
    await removeObjects(test)
    expect((await keysIn(test, 'files')).filter((key) => key.startsWith(tenant.id))).toEqual([])
  })

  it('gives the quota back once, however many ask at a time', async () => {
    const { body: file } = await upload('a')
    await upload('b')
    const answers = await Promise.all(Array.from({ length: 6 }, () => purge(file.id, 'ada')))
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([204, 404, 404, 404, 404, 404])
    expect((await usage()).used).toEqual({ bytes: 1, files: 1 })
  })
})

describe('another tenant', () => {
  it('sees nothing, and a foreign id looks exactly like a missing one', async () => {
    const { body: file } = await upload('secret.txt')
    const folder = await newFolder('secret')
    const infected = await upload('e', eicar())
    const other = { tenant: newTenant(), role: 'owner' as const }
    const routes: [string, string, string, unknown?][] = [
      ['GET', `/api/v1/files/${file.id}`, file.id],
      ['GET', `/api/v1/files/${file.id}/content`, file.id],
      ['PATCH', `/api/v1/files/${file.id}`, file.id, { name: 'x' }],
      ['DELETE', `/api/v1/files/${file.id}`, file.id],
      ['DELETE', `/api/v1/files/${file.id}?permanent=true`, file.id],
      ['POST', `/api/v1/files/${file.id}/restore`, file.id],
      ['GET', `/api/v1/folders/${folder.id}`, folder.id],
      ['PATCH', `/api/v1/folders/${folder.id}`, folder.id, { name: 'x' }],
      ['DELETE', `/api/v1/folders/${folder.id}?recursive=true`, folder.id],
      ['GET', `/api/v1/quarantine/${infected.body.quarantineId}`, infected.body.quarantineId],
      ['DELETE', `/api/v1/quarantine/${infected.body.quarantineId}`, infected.body.quarantineId],
    ]
    for (const [method, path, id, json] of routes) {
      const missing = randomUUID()
      const [foreign, absent] = [
        await test.call(other, path, { method, json }),
        await test.call(other, path.replace(id, missing), { method, json }),
      ]
      expect([method, path, foreign.status]).toEqual([method, path, 404])
      const plain = ({ body, status }: Answer, own: string) => JSON.stringify({ ...body, status, traceId: '' }).replaceAll(own, 'ID')
      expect(plain(foreign, id)).toBe(plain(absent, missing))
    }
    for (const list of ['/api/v1/files', '/api/v1/files?trashed=true', '/api/v1/folders', '/api/v1/quarantine', '/api/v1/files/audit']) {
      expect((await test.call(other, list)).body.items).toEqual([])
    }
    expect((await test.call(other, '/api/v1/files/usage')).body.used).toEqual({ bytes: 0, files: 0 })
    expect((await get(`/api/v1/files/${file.id}`)).body).toEqual(file)
  })
})

describe('roles', () => {
  it('viewers read and change nothing; members do not see quarantine and audit', async () => {
    const { body: file } = await upload('a')
    const as = (role: 'viewer' | 'member' | 'admin', ...[method, path, json]: readonly [string, string, unknown?]) =>
      test.call({ tenant, role }, path, { method, json })
    expect((await as('viewer', 'GET', `/api/v1/files/${file.id}/content`)).status).toBe(200)
    for (const [method, path, json] of [
      ['PATCH', `/api/v1/files/${file.id}`, { name: 'b' }],
      ['DELETE', `/api/v1/files/${file.id}`],
      ['POST', `/api/v1/files/${file.id}/restore`],
      ['POST', '/api/v1/folders', { name: 'b' }],
    ] as const) {
      expect([method, (await as('viewer', method, path, json)).status]).toEqual([method, 403])
    }
    for (const path of ['/api/v1/quarantine', '/api/v1/files/audit']) {
      expect((await as('member', 'GET', path)).status).toBe(403)
      expect((await as('admin', 'GET', path)).status).toBe(200)
    }
  })
})

describe('the quarantine', () => {
  it('lists page by page, and purges record and evidence', async () => {
    const admin = { tenant, role: 'admin' as const }
    for (const name of ['a', 'b', 'c']) await upload(name, Buffer.concat([eicar(), Buffer.from(`\n${name}`)]))
    const first = await test.call(admin, '/api/v1/quarantine?limit=2')
    expect(names(first)).toEqual(['c', 'b'])
    expect(names(await test.call(admin, `/api/v1/quarantine?limit=2&cursor=${first.body.nextCursor}`))).toEqual(['a'])
    const evidence = async () => (await keysIn(test, 'quarantine')).filter((key) => key.startsWith(tenant.id))
    expect(await evidence()).toHaveLength(3)
    const [{ id }] = first.body.items
    expect((await test.call(admin, `/api/v1/quarantine/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await test.call(admin, `/api/v1/quarantine/${id}`, { method: 'DELETE' })).status).toBe(404)
    await removeObjects(test)
    expect(await evidence()).toHaveLength(2)
    const { body } = await test.call(admin, '/api/v1/files/audit?subjectType=quarantine&limit=1')
    expect(body.items[0]).toMatchObject({ action: 'quarantine.purged', before: { name: 'c' }, actor: { id: 'ada' } })
  })
})

describe('audit', () => {
  it('says who did what, from where, and what it was before and after', async () => {
    const { body: file } = await upload('a.txt')
    await sendWith({ 'x-request-id': 'req-7', 'user-agent': 'probe/1' })('PATCH', `/api/v1/files/${file.id}`, { name: 'b.txt' })
    await send('DELETE', `/api/v1/files/${file.id}`)
    const { body } = await test.call({ tenant, role: 'admin' }, `/api/v1/files/audit?subjectId=${file.id}`)
    expect(body.items.map((item: { action: string }) => item.action)).toEqual(['file.trashed', 'file.renamed', 'file.uploaded'])
    expect(body.items[1]).toMatchObject({
      actor: { kind: 'user', id: 'ada' },
      before: { name: 'a.txt', folderId: null },
      after: { name: 'b.txt', folderId: null },
      from: { ip: '127.0.0.1', userAgent: 'probe/1', requestId: 'req-7' },
    })
  })

  it('keeps nothing of a change that failed', async () => {
    await upload('a.txt')
    const { body: file } = await upload('b.txt')
    await send('PATCH', `/api/v1/files/${file.id}`, { name: 'a.txt' })
    const { body } = await test.call({ tenant, role: 'admin' }, '/api/v1/files/audit?action=file.renamed')
    expect(body.items).toEqual([])
  })
})

describe('what Postgres does not have', () => {
  const cursor = (position: object) => Buffer.from(JSON.stringify(position)).toString('base64url')
  const id = '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b99'

  it.each([
    'files?name=%00',
    'files?namePrefix=a%00',
    'files?contentType=%00',
    'files/audit?action=%00',
    'files/audit?subjectId=a%00b',
    'files/audit?since=0000-01-01T00:00:00Z',
    `files?cursor=${cursor({ sort: 'name asc', value: '\0', id })}&sort=name&order=asc`,
    `files?cursor=${cursor({ sort: 'createdAt desc', value: '0000-01-01T00:00:00Z', id })}`,
    `files?cursor=${cursor({ sort: 'createdAt desc', value: 'yesterday', id })}`,
    `files?cursor=${cursor({ sort: 'size desc', value: 1e300, id })}&sort=size`,
    `folders?cursor=${cursor({ nameKey: '\0', id })}`,
    `quarantine?cursor=${cursor({ createdAt: '0000-01-01T00:00:00Z', id })}`,
  ])('is refused in the query: %s', async (path) => {
    const { status, body } = await test.call({ tenant, role: 'admin' }, `/api/v1/${path}`)
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'request.parameters-invalid' })
  })
})

describe('Idempotency-Key of changes', () => {
  it('answers a repeated restore and a repeated rename as it did the first time', async () => {
    const { body: file } = await upload('a.txt')
    const key = { 'idempotency-key': 'rename-1' }
    const first = await sendWith(key)('PATCH', `/api/v1/files/${file.id}`, { name: 'b.txt' })
    await send('PATCH', `/api/v1/files/${file.id}`, { name: 'c.txt' })
    const again = await sendWith(key)('PATCH', `/api/v1/files/${file.id}`, { name: 'b.txt' })
    expect(again.body).toEqual(first.body)
    expect((await get(`/api/v1/files/${file.id}`)).body.name).toBe('c.txt')
    expect(code(await sendWith(key)('PATCH', `/api/v1/files/${file.id}`, { name: 'd.txt' }))).toEqual([422, 'idempotency.key-reused'])
  })
})

it('refuses a multipart part as JSON, invalid JSON and deep JSON', async () => {
  const { body: file } = await upload('a')
  const raw = (body: string, type = 'application/json') =>
    test.call({ tenant }, `/api/v1/files/${file.id}`, { method: 'PATCH', body, headers: { 'content-type': type } })
  expect((await raw('{"name":')).status).toBe(400)
  expect((await raw('name=b', 'application/x-www-form-urlencoded')).status).toBe(415)
  expect((await raw(`{"name":${'['.repeat(100_000)}`)).status).toBeLessThan(500)
  const multipart = await test.call({ tenant }, `/api/v1/files/${file.id}`, { method: 'PATCH', body: form('a', 'x') })
  expect(multipart.status).toBe(415)
})
