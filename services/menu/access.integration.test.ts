import type { TenantRole } from '@slipway/auth'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kitchen, type MenuTest, newTenant, platePhoto, startMenu, type Tenant } from './menu.fixtures.ts'

let test: MenuTest
let tenant: Tenant
let dishId: string
let menuId: string
beforeAll(async () => {
  test = await startMenu()
  tenant = newTenant()
  const ours = kitchen(test, { tenant })
  dishId = (await ours.dish()).id
  menuId = (await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'Lunch' } })).body.id
  await ours.photo(dishId, await platePhoto())
})
afterAll(() => test[Symbol.asyncDispose]())

const price = { amount: 1, currency: 'EUR' }
/** Every route that a tenant's people have, with what makes it a valid request. */
const reading: [method: string, path: string][] = [
  ['GET', '/dishes'],
  ['GET', '/dishes/{dish}'],
  ['GET', '/menus'],
  ['GET', '/menus/{menu}'],
]
const writing: [method: string, path: string, json: unknown][] = [
  ['POST', '/dishes', { name: 'X', price }],
  ['PATCH', '/dishes/{dish}', { name: 'X' }],
  ['DELETE', '/dishes/{dish}', undefined],
  ['PUT', '/dishes/order', { ids: ['{dish}'] }],
  ['DELETE', '/dishes/{dish}/photo', undefined],
  ['PATCH', '/dishes/{dish}/model', { crop: null }],
  ['POST', '/dishes/{dish}/model/retry', undefined],
  ['POST', '/dishes/{dish}/model/cancel', undefined],
  ['POST', '/menus', { name: 'X' }],
  ['PATCH', '/menus/{menu}', { name: 'X' }],
  ['DELETE', '/menus/{menu}', undefined],
]
const fill = (text: string) => text.replace('{dish}', dishId).replace('{menu}', menuId)
const call = (caller: Parameters<MenuTest['call']>[0], [method, path, json]: [string, string, unknown?]) =>
  test.call(caller, `/api/v1${fill(path)}`, { method, ...(json === undefined ? {} : { json: JSON.parse(fill(JSON.stringify(json))) }) })

describe('a viewer', () => {
  const viewer = { role: 'viewer' as TenantRole }

  it.each(reading)('may %s %s', async (method, path) => {
    expect((await call({ tenant, ...viewer }, [method, path])).status).toBe(200)
  })

  it.each(writing)('may not %s %s', async (...route) => {
    expect(await call({ tenant, ...viewer }, route)).toMatchObject({ status: 403, body: { code: 'auth.forbidden' } })
  })

  it('may not upload a photo', async () => {
    expect((await kitchen(test, { tenant, ...viewer }).photo(dishId, await platePhoto())).status).toBe(403)
  })
})

describe('credentials that are limited to scopes', () => {
  it.each(reading)('need menu:read to %s %s', async (method, path) => {
    expect((await call({ tenant, role: 'owner', scopes: ['menu:read'] }, [method, path])).status).toBe(200)
    const without = await call({ tenant, role: 'owner', scopes: ['menu:write', 'files:read'] }, [method, path])
    expect(without).toMatchObject({ status: 403, body: { code: 'auth.scope-missing', scope: 'menu:read' } })
  })

  it.each(writing)('need menu:write to %s %s', async (...route) => {
    const without = await call({ tenant, role: 'owner', scopes: ['menu:read'] }, route)
    expect(without).toMatchObject({ status: 403, body: { code: 'auth.scope-missing', scope: 'menu:write' } })
  })
})

describe('nobody', () => {
  it.each([...reading, ...writing])('gets in without credentials: %s %s', async (method, path, json?: unknown) => {
    expect((await call(null, [method, path, json])).status).toBe(401)
  })
})

describe('another tenant', () => {
  const ofOne = [...reading, ...writing].filter(([, path]) => path.includes('{'))

  it.each(ofOne)('sees nothing at %s %s', async (method, path, json?: unknown) => {
    expect(await call({ tenant: newTenant(), role: 'owner' }, [method, path, json])).toMatchObject({
      status: 404,
      body: { code: 'resource.not-found' },
    })
  })

  it('sees no files, no events, and uploads nothing', async () => {
    const theirs = kitchen(test, { tenant: newTenant(), role: 'owner' })
    for (const path of ['photo', 'model.glb', 'model.web.glb', 'poster.webp', 'events']) {
      expect((await theirs.call(`/api/v1/dishes/${dishId}/${path}`)).status).toBe(404)
    }
    expect((await theirs.photo(dishId, await platePhoto())).status).toBe(404)
    expect((await theirs.call('/api/v1/dishes')).body.items).toEqual([])
  })

  it('cannot put its dishes into a category that is not its own', async () => {
    const { body } = await test.call({ tenant }, '/api/v1/menus', { method: 'POST', json: { name: 'M', categories: [{ name: 'C' }] } })
    const json = { name: 'X', price, categoryId: body.categories[0].id }
    expect((await test.call({ tenant: newTenant() }, '/api/v1/dishes', { method: 'POST', json })).status).toBe(422)
  })

  it('cannot even in the database hang anything of its own onto a dish', async () => {
    const other = newTenant()
    const insert = (table: string, columns: string, values: string) =>
      test.context.database.tenantTransaction(other.id, (tx) => tx.execute(`insert into ${table} (${columns}) values (${values})`))
    const photo = insert(
      'photos',
      'id, dish_id, source_sha256, source_key, uploaded_at',
      `gen_random_uuid(), '${dishId}', repeat('a', 64), 'k', now()`,
    )
    await expect(photo).rejects.toMatchObject({ cause: { code: '23503' } })
  })
})
