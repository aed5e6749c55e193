import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kitchen, type MenuTest, newTenant, platePhoto, startMenu, type Tenant } from './menu.fixtures.ts'

let test: MenuTest
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  test = await startMenu()
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant, user: 'grace' })
})

const trail = async () => (await test.call({ tenant, role: 'admin' }, '/api/v1/menu/audit?limit=100')).body.items.toReversed()
const actions = async () => (await trail()).map(({ action }: { action: string }) => action)

describe('the audit trail', () => {
  it('has each thing that is done to a photo and its model, by whom and from where', async () => {
    const { id } = await ours.dish()
    const { body } = await ours.photo(id, await platePhoto())
    await ours.model(id, 'cancel')
    await ours.model(id, 'retry')
    await ours.help(id, { crop: { x: 0, y: 0, width: 1, height: 0.9 } })
    await ours.call(`/api/v1/dishes/${id}/photo`, { method: 'DELETE' })
    await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
    const items = await trail()
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'dish.created',
      'photo.uploaded',
      'model.requested',
      'model.cancelled',
      'model.retried',
      'model.requested',
      'photo.deleted',
      'dish.deleted',
    ])
    for (const item of items) {
      expect(item).toMatchObject({
        actor: { kind: 'user', id: 'grace' },
        subject: { type: 'dish', id },
        from: { ip: expect.any(String), requestId: expect.any(String) },
      })
    }
    expect(items[1]).toMatchObject({ before: { photoId: null }, after: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } })
    expect(items[3].after).toEqual({ modelId: body.model.id })
    expect(items[5].after.help).toEqual({ crop: { x: 0, y: 0, width: 1, height: 0.9 } })
  })

  it('has nothing of what was refused, or changed nothing', async () => {
    const dish = await ours.dish()
    const path = `/api/v1/dishes/${dish.id}`
    await ours.call(path, { method: 'PATCH', json: { name: dish.name } })
    await ours.call(path, { method: 'PATCH', json: { price: { amount: -1 } } })
    await ours.call(path, { method: 'PATCH', json: { name: 'Late' }, headers: { 'if-match': '"99"' } })
    await ours.call('/api/v1/dishes/order', { method: 'PUT', json: { ids: [crypto.randomUUID()] } })
    await ours.model(dish.id, 'cancel')
    await ours.model(dish.id, 'retry')
    await ours.photo(dish.id, Buffer.from('text'))
    expect(await actions()).toEqual(['dish.created'])
  })

  it('has menus, their categories and the order', async () => {
    const { body } = await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'Lunch', categories: [{ name: 'Mains' }] } })
    const dish = await ours.dish({ categoryId: body.categories[0].id })
    await ours.call('/api/v1/dishes/order', { method: 'PUT', json: { ids: [dish.id] } })
    await ours.call(`/api/v1/menus/${body.id}`, { method: 'PATCH', json: { name: 'Dinner' } })
    await ours.call(`/api/v1/menus/${body.id}`, { method: 'DELETE' })
    const items = await trail()
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'menu.created',
      'dish.created',
      'dishes.reordered',
      'menu.changed',
      'menu.deleted',
    ])
    expect(items[3]).toMatchObject({ before: { name: 'Lunch' }, after: { name: 'Dinner' } })
  })

  it('is one entry for one key, however often it is sent', async () => {
    const { id } = await ours.dish()
    const photo = await platePhoto()
    for (const _ of [1, 2, 3]) await ours.photo(id, photo, { 'idempotency-key': 'once' })
    expect(await actions()).toEqual(['dish.created', 'photo.uploaded', 'model.requested'])
  })

  it('is for admins of the tenant alone', async () => {
    await ours.dish()
    expect((await test.call({ tenant, role: 'member' }, '/api/v1/menu/audit')).status).toBe(403)
    expect((await test.call({ tenant: newTenant(), role: 'owner' }, '/api/v1/menu/audit')).body.items).toEqual([])
  })
})
