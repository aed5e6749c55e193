import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, kitchen, type MenuTest, newTenant, platePhoto, startMenu, type Tenant } from './menu.fixtures.ts'

let test: MenuTest
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  test = await startMenu()
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})

const visit = (path: string, headers: Record<string, string> = {}) => test.call(null, path, { headers })
const menuPath = () => `/api/v1/public/menu?tenant=${tenant.slug}`
const files = ['photo.jpg', 'model.glb', 'model.web.glb', 'poster.webp']
const filePath = (id: string, file: string) => `/api/v1/public/dishes/${id}/${file}?tenant=${tenant.slug}`
const menu = async (fields: object = {}) =>
  (await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'Lunch', categories: [{ name: 'Mains' }], ...fields } })).body
const modelled = async (fields: object = {}) => {
  await using _workers = await test.work()
  const { id } = await ours.dish(fields)
  await ours.photo(id, await platePhoto())
  return await ours.reaches(id, 'done')
}

/** `fetch` sends no other host than that of the URL. */
function visitHost(host: string): Promise<number | undefined> {
  const { port } = new URL(test.url)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, path: '/api/v1/public/menu', headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject).end()
  })
}

describe('the public menu', () => {
  it('shows visible dishes of visible menus in their order, and those without a category', async () => {
    const { id, categories } = await menu()
    const hidden = await menu({ name: 'Secret', visible: false })
    const categoryId = categories[0].id
    await ours.dish({ name: 'Roast', categoryId, allergens: ['milk'], plateDiameterCm: 30 })
    await ours.dish({ name: 'Hidden', categoryId, visible: false })
    await ours.dish({ name: 'In the secret menu', categoryId: hidden.categories[0].id })
    await ours.dish({ name: 'Bread' })
    await ours.dish({ name: 'Hidden bread', visible: false })
    await kitchen(test, { tenant: newTenant() }).dish({ name: 'Foreign' })
    const { status, body } = await visit(menuPath())
    expect(status).toBe(200)
    const common = { description: null, price: { amount: 500, currency: 'EUR' }, photo: null, model: null }
    const roast = { ...common, id: expect.any(String), name: 'Roast', allergens: ['milk'], plateDiameterCm: 30 }
    const bread = { ...common, id: expect.any(String), name: 'Bread', allergens: [], plateDiameterCm: 26 }
    expect(body).toEqual({
      tenant: { slug: tenant.slug, name: `Tenant ${tenant.slug}` },
      menus: [{ id, name: 'Lunch', description: null, categories: [{ id: categoryId, name: 'Mains', dishes: [roast] }] }],
      uncategorised: [bread],
    })
  })

  it('names the tenant by query, header or host, and one only', async () => {
    await ours.dish()
    expect((await visit('/api/v1/public/menu', { 'x-tenant-slug': tenant.slug })).status).toBe(200)
    expect(await visitHost(`${tenant.slug}.menu.test`)).toBe(200)
    expect(await visit('/api/v1/public/menu')).toMatchObject({ status: 400, body: { code: 'tenant.required' } })
    expect(await visit(menuPath(), { 'x-tenant-slug': 'someone' })).toMatchObject({ status: 403, body: { code: 'tenant.mismatch' } })
    expect(await visit('/api/v1/public/menu?tenant=nobody')).toMatchObject({ status: 404, body: { code: 'resource.not-found' } })
  })

  it('may be kept for half a minute, and is 304 as long as it is the same', async () => {
    const dish = await ours.dish()
    const first = await visit(menuPath())
    expect([first.headers.get('cache-control'), first.headers.get('vary')]).toEqual(['public, max-age=30', 'x-tenant-slug'])
    const etag = first.headers.get('etag') ?? ''
    const again = await visit(menuPath(), { 'if-none-match': etag })
    expect([again.status, again.headers.get('cache-control'), again.headers.get('etag')]).toEqual([304, 'public, max-age=30', etag])
    await ours.call(`/api/v1/dishes/${dish.id}`, { method: 'PATCH', json: { name: 'New' } })
    expect(await visit(menuPath(), { 'if-none-match': etag })).toMatchObject({ status: 200, body: { uncategorised: [{ name: 'New' }] } })
  })
})

describe('the files of a dish on the menu', () => {
  const types: Record<string, string> = { 'photo.jpg': 'image/jpeg', 'poster.webp': 'image/webp' }

  it('are for everybody, with an ETag and 304', async () => {
    const dish = await modelled()
    const [shown] = (await visit(menuPath())).body.uncategorised
    expect(shown.photo).toMatchObject({ width: 640, height: 480 })
    const urls = [shown.photo.url, shown.model.plain, shown.model.web, shown.model.poster]
    expect(urls).toEqual(files.map((file) => filePath(dish.id, file)))
    for (const [index, url] of urls.entries()) {
      const { status, headers, body } = await visit(url)
      const type = types[files[index] ?? ''] ?? 'model/gltf-binary'
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([200, type, 'public, max-age=30'])
      expect(body.length).toBe(Number(headers.get('content-length')))
      const etag = headers.get('etag') ?? ''
      const again = await visit(url, { 'if-none-match': etag })
      expect([again.status, again.headers.get('cache-control'), again.body.length]).toEqual([304, 'public, max-age=30', 0])
    }
  })

  it('are gone at the next question once the dish or its menu is withdrawn, also for who has them', async () => {
    const { id: menuId, categories } = await menu()
    const { id } = await modelled({ categoryId: categories[0].id })
    const all = () => Promise.all(files.map((file) => visit(filePath(id, file), { 'if-none-match': '*' })))
    const statuses = async () => (await all()).map(({ status }: Answer) => status)
    expect(await statuses()).toEqual([304, 304, 304, 304])
    await ours.call(`/api/v1/menus/${menuId}`, { method: 'PATCH', json: { visible: false } })
    expect(await statuses()).toEqual([404, 404, 404, 404])
    await ours.call(`/api/v1/menus/${menuId}`, { method: 'PATCH', json: { visible: true } })
    await ours.call(`/api/v1/dishes/${id}`, { method: 'PATCH', json: { visible: false } })
    expect(await statuses()).toEqual([404, 404, 404, 404])
    await ours.call(`/api/v1/dishes/${id}`, { method: 'PATCH', json: { visible: true } })
    expect(await statuses()).toEqual([304, 304, 304, 304])
    await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
    expect(await statuses()).toEqual([404, 404, 404, 404])
  })

  it('are not shown before there are any, nor under the name of another tenant', async () => {
    const dish = await ours.dish()
    expect((await visit(filePath(dish.id, 'model.glb'))).status).toBe(404)
    expect((await visit(filePath(dish.id, 'photo.jpg'))).status).toBe(404)
    const other = newTenant()
    await kitchen(test, { tenant: other }).dish()
    const model = await modelled()
    expect((await visit(filePath(model.id, 'model.glb').replace(tenant.slug, other.slug))).status).toBe(404)
  })

  it('are nothing but these', async () => {
    const { id } = await modelled()
    for (const path of [`/api/v1/dishes/${id}`, `/api/v1/dishes/${id}/photo`, `/api/v1/dishes/${id}/model.glb`, '/api/v1/menus']) {
      expect((await visit(`${path}?tenant=${tenant.slug}`)).status).toBe(401)
    }
    expect((await visit(filePath(id, 'photo.source'))).status).toBe(404)
    expect((await test.call(null, filePath(id, 'model.glb'), { method: 'DELETE' })).status).toBe(405)
  })
})
