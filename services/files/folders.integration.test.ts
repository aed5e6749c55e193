import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type FilesTest, newTenant, startFiles, type Tenant, uploader } from './files.fixtures.ts'

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

const send = (method: string, path: string, json?: unknown) => test.call({ tenant }, path, { method, json })
const sendWith = (headers: Record<string, string>) => (method: string, path: string, json?: unknown) =>
  test.call({ tenant }, path, { method, json, headers })
const create = (name: string, parentId: string | null = null) => send('POST', '/api/v1/folders', { name, parentId })
const made = async (name: string, parentId: string | null = null) => (await create(name, parentId)).body.id as string
const move = (id: string, parentId: string | null) => send('PATCH', `/api/v1/folders/${id}`, { parentId })
const code = ({ status, body }: Answer) => [status, body.code]

describe('folders', () => {
  it('are created, read, listed by name, renamed and moved', async () => {
    const [b, a] = [await made('b'), await made('A')]
    const inner = await create('inner', a)
    expect(inner.headers.get('location')).toBe(`/api/v1/folders/${inner.body.id}`)
    const list = async (query: string) =>
      (await send('GET', `/api/v1/folders?${query}`)).body.items.map((item: { name: string }) => item.name)
    expect(await list('')).toEqual(['A', 'b', 'inner'])
    expect(await list('parentId=root')).toEqual(['A', 'b'])
    expect(await list(`parentId=${a}`)).toEqual(['inner'])
    const changed = await sendWith({ 'if-match': inner.body.etag })('PATCH', `/api/v1/folders/${inner.body.id}`, { name: 'x', parentId: b })
    expect(changed.body).toMatchObject({ name: 'x', parentId: b })
    expect((await send('GET', `/api/v1/folders/${inner.body.id}`)).body).toEqual(changed.body)
    const late = await sendWith({ 'if-match': inner.body.etag })('PATCH', `/api/v1/folders/${inner.body.id}`, { name: 'y' })
    expect(code(late)).toEqual([412, 'precondition.failed'])
  })

  it('page by name', async () => {
    for (const name of ['a', 'b', 'c']) await made(name)
    const first = await send('GET', '/api/v1/folders?limit=2')
    const second = await send('GET', `/api/v1/folders?limit=2&cursor=${first.body.nextCursor}`)
    expect([...first.body.items, ...second.body.items].map((item: { name: string }) => item.name)).toEqual(['a', 'b', 'c'])
    expect(second.body.nextCursor).toBeNull()
  })

  it('have a name once per parent, whatever its case, also when many ask at a time', async () => {
    const parent = await made('parent')
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => create(index % 2 ? 'Same' : 'same', parent)))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.body.code === 'name.taken')).toHaveLength(9)
    expect((await create('same')).status).toBe(201)
  })

  it.each([
    [{ name: '..' }],
    [{ name: 'a/b' }],
    [{ name: '' }],
    [{ name: 'a', parentId: randomUUID() }],
    [{}],
    [{ name: 'a', colour: 'red' }],
  ])('refuse %j with 422 and a pointer', async (json) => {
    const { status, body } = await send('POST', '/api/v1/folders', json)
    expect([status, body.code]).toEqual([422, 'request.invalid'])
    expect(body.errors[0].pointer).toMatch(/^\/body\//)
  })

  it('are not moved into themselves or below themselves', async () => {
    const a = await made('a')
    const b = await made('b', a)
    const c = await made('c', b)
    for (const target of [a, b, c]) expect(code(await move(a, target))).toEqual([409, 'folder.cycle'])
    expect((await move(c, null)).status).toBe(200)
  })

  it('form no cycle when moves cross each other', async () => {
    for (let round = 0; round < 5; round++) {
      const ids: string[] = []
      for (const name of ['a', 'b', 'c', 'd']) ids.push(await made(`${name}${round}`))
      const answers = await Promise.all(ids.map((id, index) => move(id, ids[(index + 1) % ids.length] ?? null)))
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(3)
      expect(answers.filter((answer) => answer.body.code === 'folder.cycle')).toHaveLength(1)
      const { rows } = await test.system.pool.query(
        `with recursive below as (select id from folders where tenant_id = $1 and parent_id is null
           union select f.id from folders f join below on f.parent_id = below.id) select count(*)::int as reachable from below`,
        [tenant.id],
      )
      expect(rows[0].reachable).toBe((round + 1) * 4)
    }
  })

  it('are nested 32 levels deep at most, by making as by moving', async () => {
    let parent: string | null = null
    for (let level = 1; level <= 32; level++) parent = await made(`${level}`, parent)
    expect(await create('33', parent)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/body/parentId' }] } })
    const top = await made('top')
    const { body } = await send('GET', '/api/v1/folders?parentId=root')
    const chain = body.items.find((item: { name: string }) => item.name === '1').id
    expect(await move(chain, top)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/body/parentId' }] } })
  })
})

describe('DELETE /api/v1/folders/{id}', () => {
  it('removes an empty folder and refuses one that holds something', async () => {
    const folder = await made('a')
    const { body: file } = await uploader(test, { tenant })('a.txt', 'x', { fields: { folderId: folder } })
    expect(code(await send('DELETE', `/api/v1/folders/${folder}`))).toEqual([409, 'resource.conflict'])
    await send('DELETE', `/api/v1/files/${file.id}`)
    expect((await send('DELETE', `/api/v1/folders/${folder}`)).status).toBe(204)
    expect((await send('GET', `/api/v1/folders/${folder}`)).status).toBe(404)
    const restored = await send('POST', `/api/v1/files/${file.id}/restore`)
    expect(restored.body).toMatchObject({ name: 'a.txt', folderId: null })
  })

  it('recursively moves the files below to the trash, from where they return to the root', async () => {
    const outer = await made('outer')
    const inner = await made('inner', outer)
    const ids = []
    for (const folderId of [outer, inner]) ids.push((await uploader(test, { tenant })('same.txt', 'x', { fields: { folderId } })).body.id)
    expect(code(await send('DELETE', `/api/v1/folders/${outer}`))).toEqual([409, 'resource.conflict'])
    expect((await send('DELETE', `/api/v1/folders/${outer}?recursive=true`)).status).toBe(204)
    expect((await send('GET', '/api/v1/folders')).body.items).toEqual([])
    expect((await send('GET', '/api/v1/files?trashed=true')).body.items).toHaveLength(2)
    const restored = []
    for (const id of ids) restored.push((await send('POST', `/api/v1/files/${id}/restore`)).body)
    expect(restored.map(({ name, folderId }) => [name, folderId])).toEqual([
      ['same.txt', null],
      ['same (2).txt', null],
    ])
  })

  it('never loses a file that is uploaded into the folder at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const folder = await made(`f${round}`)
      const [upload] = await Promise.all([
        uploader(test, { tenant })(`r${round}.txt`, 'x', { fields: { folderId: folder } }),
        send('DELETE', `/api/v1/folders/${folder}?recursive=true`),
      ])
      if (upload.status !== 201) expect(code(upload)).toEqual([422, 'request.invalid'])
      else expect((await send('GET', `/api/v1/files/${upload.body.id}`)).status).toBe(200)
    }
    const { body } = await send('GET', '/api/v1/files/usage')
    const { rows } = await test.system.pool.query('select count(*)::int as files from files where tenant_id = $1', [tenant.id])
    expect(body.used.files).toBe(rows[0].files)
  })
})
