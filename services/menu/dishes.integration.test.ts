import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kitchen, type MenuTest, newTenant, startMenu, type Tenant } from './menu.fixtures.ts'

let test: MenuTest
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  test = await startMenu({ environment: { MENU_MAX_DISHES: '12' } })
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})

const patch = (id: string, json: unknown, headers = {}) => ours.call(`/api/v1/dishes/${id}`, { method: 'PATCH', json, headers })
const names = async (query = '') => (await ours.call(`/api/v1/dishes${query}`)).body.items.map(({ name }: { name: string }) => name)
const order = (ids: string[]) => ours.call('/api/v1/dishes/order', { method: 'PUT', json: { ids } })
const three = async () => [await ours.dish({ name: 'A' }), await ours.dish({ name: 'B' }), await ours.dish({ name: 'C' })] as const
const menu = async (fields: object = {}) => {
  const json = { name: 'Lunch', categories: [{ name: 'Starters' }, { name: 'Mains' }], ...fields }
  return (await ours.call('/api/v1/menus', { method: 'POST', json })).body
}

describe('a dish', () => {
  it('is made, read, changed and deleted, and each change is told in the audit trail', async () => {
    const json = {
      name: '  Tarte Tatin ',
      description: 'Warm,\nwith cream',
      price: { amount: 850, currency: 'CHF' },
      allergens: ['milk', 'gluten'],
      plateDiameterCm: 21.5,
      visible: false,
    }
    const made = await ours.call('/api/v1/dishes', { method: 'POST', json })
    expect(made.status).toBe(201)
    const wanted = { ...json, name: 'Tarte Tatin', categoryId: null, position: 0, photo: null, model: null, served: null }
    expect(made.body).toMatchObject(wanted)
    expect([made.headers.get('location'), made.headers.get('etag')]).toEqual([`/api/v1/dishes/${made.body.id}`, made.body.etag])
    const read = await ours.call(`/api/v1/dishes/${made.body.id}`)
    expect([read.status, read.body, read.headers.get('etag')]).toEqual([200, made.body, made.body.etag])
    const changed = await patch(made.body.id, { price: { amount: 900, currency: 'CHF' }, description: null })
    expect(changed.body).toMatchObject({ ...wanted, price: { amount: 900 }, description: null })
    expect((await ours.call(`/api/v1/dishes/${made.body.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await ours.call(`/api/v1/dishes/${made.body.id}`)).status).toBe(404)
    const { body: trail } = await test.call({ tenant, role: 'admin' }, '/api/v1/menu/audit')
    expect(trail.items.map(({ action }: { action: string }) => action)).toEqual(['dish.deleted', 'dish.changed', 'dish.created'])
    expect(trail.items[1]).toMatchObject({
      before: { price: { amount: 850 }, description: 'Warm,\nwith cream' },
      after: { price: { amount: 900 }, description: null },
    })
  })

  it('has defaults for all but its name and its price', async () => {
    const { body } = await ours.call('/api/v1/dishes', { method: 'POST', json: { name: 'Soup', price: { amount: 0 } } })
    expect(body).toMatchObject({
      price: { amount: 0, currency: 'EUR' },
      allergens: [],
      plateDiameterCm: 26,
      visible: true,
      description: null,
    })
  })

  it.each([
    ['no name', { name: ' ' }, '/body/name'],
    ['a line break in the name', { name: 'A\nB' }, '/body/name'],
    ['a bell in the description', { description: '\u0007' }, '/body/description'],
    ['a negative price', { price: { amount: -1, currency: 'EUR' } }, '/body/price/amount'],
    ['a name that is too long', { name: 'x'.repeat(201) }, '/body/name'],
    ['a name that is a number', { name: 7 }, '/body/name'],
    ['a name that runs backwards', { name: 'Soup\u202epuoS' }, '/body/name'],
    ['a description that is too long', { description: 'x'.repeat(2001) }, '/body/description'],
    ['a price that is a number', { price: 5 }, '/body/price'],
    ['a price without an amount', { price: { currency: 'EUR' } }, '/body/price/amount'],
    ['a price as text', { price: { amount: '5', currency: 'EUR' } }, '/body/price/amount'],
    ['a currency in small letters', { price: { amount: 1, currency: 'eur' } }, '/body/price/currency'],
    ['a tax in the price', { price: { amount: 1, currency: 'EUR', tax: 20 } }, '/body/price/tax'],
    ['allergens as text', { allergens: 'milk' }, '/body/allergens'],
    ['a category that is no id', { categoryId: 'desserts' }, '/body/categoryId'],
    ['what is neither visible nor hidden', { visible: 'yes' }, '/body/visible'],
    ['half a cent', { price: { amount: 1.5, currency: 'EUR' } }, '/body/price/amount'],
    ['more than an integer holds', { price: { amount: 2 ** 31, currency: 'EUR' } }, '/body/price/amount'],
    ['a currency that there is not', { price: { amount: 1, currency: 'XYZ' } }, '/body/price/currency'],
    ['an allergen that is none of the 14', { allergens: ['strawberries'] }, '/body/allergens/0'],
    ['an allergen twice', { allergens: ['milk', 'milk'] }, '/body/allergens'],
    ['a plate for dolls', { plateDiameterCm: 4.9 }, '/body/plateDiameterCm'],
    ['a table for a plate', { plateDiameterCm: 61 }, '/body/plateDiameterCm'],
    ['a category that there is not', { categoryId: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21' }, '/body/categoryId'],
    ['a field that there is not', { stars: 3 }, '/body/stars'],
  ])('with %s is refused', async (_, fields, pointer) => {
    const json = { name: 'Soup', price: { amount: 1, currency: 'EUR' }, ...fields }
    const { status, body } = await ours.call('/api/v1/dishes', { method: 'POST', json })
    expect([status, body.code, body.errors?.map((error: { pointer: string }) => error.pointer)]).toEqual([
      422,
      'request.invalid',
      [pointer],
    ])
  })

  it.each([
    ['name', { name: '' }, '/body/name'],
    ['price', { price: { amount: -1 } }, '/body/price/amount'],
    ['currency', { price: { currency: 'Euro' } }, '/body/price/currency'],
    ['allergens', { allergens: ['milk', 'sand'] }, '/body/allergens/1'],
    ['plate', { plateDiameterCm: 'large' }, '/body/plateDiameterCm'],
    ['category', { categoryId: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21' }, '/body/categoryId'],
    ['position', { position: 1 }, '/body/position'],
  ])('keeps all that it was when a change of its %s is refused', async (_, json, pointer) => {
    const before = await ours.dish()
    const { status, body } = await patch(before.id, json)
    expect([status, body.code, body.errors]).toMatchObject([422, 'request.invalid', [{ pointer }]])
    expect(await ours.get(before.id)).toEqual(before)
  })

  it('keeps its currency when only the amount is changed, and its amount when only the currency is', async () => {
    const { id } = await ours.dish({ price: { amount: 850, currency: 'CHF' } })
    expect((await patch(id, { price: { amount: 900 } })).body.price).toEqual({ amount: 900, currency: 'CHF' })
    expect((await patch(id, { price: { currency: 'JPY' } })).body.price).toEqual({ amount: 900, currency: 'JPY' })
  })

  it.each(['Chef’s choice 👨‍🍳', 'می‌خواهم', '東京ラーメン'])('may be called %s', async (name) => {
    expect(await ours.dish({ name, description: `${name}\r\n${name}` })).toMatchObject({ name, description: `${name}\r\n${name}` })
  })

  it('is not made twice under one key', async () => {
    const request = { method: 'POST', json: { name: 'Once', price: { amount: 1 } }, headers: { 'idempotency-key': 'dish-1' } }
    const first = await ours.call('/api/v1/dishes', request)
    const second = await ours.call('/api/v1/dishes', request)
    expect(second.body).toEqual(first.body)
    expect(await names()).toEqual(['Once'])
  })

  it('is changed only as it was seen, if its ETag is sent; news of its model do not count', async () => {
    const { id, etag } = await ours.dish()
    const changed = await patch(id, { name: 'New' }, { 'if-match': etag })
    expect(changed.status).toBe(200)
    expect(await patch(id, { name: 'Newer' }, { 'if-match': etag })).toMatchObject({ status: 412, body: { code: 'precondition.failed' } })
    const elsewhere = changed.body.etag.replace(/\..*"/, '.other"')
    expect((await patch(id, { name: 'Newer' }, { 'if-match': elsewhere })).status).toBe(200)
    expect((await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412)
    expect((await ours.get(id)).name).toBe('Newer')
  })

  it('that is the same as before is 304', async () => {
    const { id, etag } = await ours.dish()
    const again = () => ours.call(`/api/v1/dishes/${id}`, { headers: { 'if-none-match': etag } })
    expect((await again()).status).toBe(304)
    await test.system.pool.query('update dishes set served_id = $1 where id = $1', [id])
    expect((await again()).status).toBe(200)
  })

  it('that is changed into what it was stays the same version', async () => {
    const { id, etag, name } = await ours.dish()
    expect((await patch(id, { name })).body.etag).toBe(etag)
  })

  it('is one too many beyond the limit', async () => {
    for (let count = 0; count < 12; count++) await ours.dish()
    const answer = await ours.call('/api/v1/dishes', { method: 'POST', json: { name: 'Thirteenth', price: { amount: 1 } } })
    expect(answer).toMatchObject({ status: 413, body: { code: 'quota.exceeded', limit: 12 } })
  })
})

describe('the order', () => {
  it('is that of making, until somebody sets it', async () => {
    const [a, b, c] = await three()
    expect(await names()).toEqual(['A', 'B', 'C'])
    const { status, body } = await order([c.id, a.id, b.id])
    expect([status, body.items]).toEqual([200, [c, a, b].map(({ id }, position) => ({ id, position }))])
    expect(await names()).toEqual(['C', 'A', 'B'])
    await ours.dish({ name: 'D' })
    expect(await names()).toEqual(['C', 'A', 'B', 'D'])
  })

  it('puts those that are not named after the others', async () => {
    const [, , c] = await three()
    await order([c.id])
    expect(await names()).toEqual(['C', 'A', 'B'])
  })

  it('changes the ETags of the dishes that move and stands in the way of nobody who edits them', async () => {
    const [a, b] = await three()
    await order([b.id, a.id])
    const read = await ours.call(`/api/v1/dishes/${a.id}`, { headers: { 'if-none-match': a.etag } })
    expect([read.status, read.body.position]).toEqual([200, 1])
    expect((await patch(a.id, { name: 'A2' }, { 'if-match': a.etag })).status).toBe(200)
  })

  it('refuses what is no dish, one twice, and what is another tenant’s, and says which', async () => {
    const [a] = await three()
    const foreign = await kitchen(test, { tenant: newTenant() }).dish()
    expect((await order([a.id, foreign.id])).body).toMatchObject({ status: 422, errors: [{ pointer: '/body/ids/1' }] })
    expect((await order([a.id, a.id])).body).toMatchObject({ status: 422, errors: [{ pointer: '/body/ids' }] })
    expect((await order([])).status).toBe(422)
    expect(await names()).toEqual(['A', 'B', 'C'])
  })

  it('comes out whole from changes at the same time', async () => {
    const [a, b, c] = await three()
    const orders = [
      [c, b, a],
      [b, a, c],
      [a, c, b],
    ].map((dishes) => dishes.map(({ id }) => id))
    const answers = await Promise.all([...orders.map(order), ours.dish({ name: 'D' })])
    expect(answers.slice(0, 3).map((answer) => answer.status)).toEqual([200, 200, 200])
    const { body } = await ours.call('/api/v1/dishes')
    expect(body.items.map(({ position }: { position: number }) => position)).toEqual([0, 1, 2, 3])
  })

  it('is read page by page', async () => {
    await three()
    const first = (await ours.call('/api/v1/dishes?limit=2')).body
    expect(first.items).toHaveLength(2)
    const second = (await ours.call(`/api/v1/dishes?limit=2&cursor=${first.nextCursor}`)).body
    expect([second.items.map(({ name }: { name: string }) => name), second.nextCursor]).toEqual([['C'], null])
    expect((await ours.call('/api/v1/dishes?cursor=eyJ4IjoxfQ')).status).toBe(400)
  })

  it('can be asked for by category and by what is visible', async () => {
    const { categories } = await menu()
    await ours.dish({ name: 'In', categoryId: categories[0].id })
    await ours.dish({ name: 'Out', visible: false })
    expect(await names(`?categoryId=${categories[0].id}`)).toEqual(['In'])
    expect(await names('?categoryId=none')).toEqual(['Out'])
    expect(await names('?visible=false')).toEqual(['Out'])
    expect(await names('?visible=true')).toEqual(['In'])
  })
})

describe('a menu', () => {
  const change = (id: string, json: unknown, headers = {}) => ours.call(`/api/v1/menus/${id}`, { method: 'PATCH', json, headers })
  const menuNames = async () => (await ours.call('/api/v1/menus')).body.items.map(({ name }: { name: string }) => name)

  it('is made with its categories, read, and changed', async () => {
    const made = await menu({ description: 'At noon' })
    expect(made).toMatchObject({ name: 'Lunch', description: 'At noon', visible: true, position: 0 })
    expect(made.categories).toMatchObject([
      { name: 'Starters', position: 0 },
      { name: 'Mains', position: 1 },
    ])
    expect((await ours.call(`/api/v1/menus/${made.id}`)).body).toEqual(made)
    const { body } = await change(made.id, { name: 'Dinner', visible: false })
    expect(body).toMatchObject({ name: 'Dinner', description: 'At noon', visible: false, categories: made.categories })
    expect((await change(made.id, { name: 'X' }, { 'if-match': made.etag })).status).toBe(412)
  })

  it('keeps categories that are named by id, with their dishes, and lets go of the others', async () => {
    const { id, categories } = await menu()
    const [starters, mains] = categories
    const soup = await ours.dish({ categoryId: starters.id })
    const roast = await ours.dish({ categoryId: mains.id })
    const { body } = await change(id, { categories: [{ name: 'Cheese' }, { id: mains.id, name: 'Main courses' }] })
    expect(body.categories).toMatchObject([{ name: 'Cheese' }, { id: mains.id, name: 'Main courses', position: 1 }])
    const without = await ours.get(soup.id)
    expect([without.categoryId, without.etag === soup.etag]).toEqual([null, false])
    expect((await ours.get(roast.id)).categoryId).toBe(mains.id)
  })

  it('takes no category of another menu, nor one twice', async () => {
    const [one, other] = [await menu(), await menu()]
    const foreign = await change(one.id, { categories: [{ id: other.categories[0].id, name: 'Mine' }] })
    expect(foreign.body).toMatchObject({ status: 422, errors: [{ pointer: '/body/categories/0/id' }] })
    const [category] = one.categories
    expect((await change(one.id, { categories: [category, category].map(({ id }) => ({ id, name: 'Twice' })) })).status).toBe(422)
    expect((await ours.call(`/api/v1/menus/${one.id}`)).body).toEqual(one)
  })

  it('leaves its dishes behind when it is deleted', async () => {
    const { id, categories } = await menu()
    const soup = await ours.dish({ categoryId: categories[0].id })
    expect((await ours.call(`/api/v1/menus/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await ours.call(`/api/v1/menus/${id}`)).status).toBe(404)
    expect((await ours.get(soup.id)).categoryId).toBeNull()
  })

  it('has another ETag once another menu moved it, and can be edited all the same', async () => {
    const first = await menu({ name: 'A' })
    const { id } = await menu({ name: 'B' })
    await change(id, { position: 0 })
    const read = await ours.call(`/api/v1/menus/${first.id}`, { headers: { 'if-none-match': first.etag } })
    expect([read.status, read.body.position]).toEqual([200, 1])
    const again = await ours.call(`/api/v1/menus/${first.id}`, { headers: { 'if-none-match': read.body.etag } })
    expect(again.status).toBe(304)
    expect((await change(first.id, { name: 'A2' }, { 'if-match': first.etag })).status).toBe(200)
    const late = await ours.call(`/api/v1/menus/${first.id}`, { method: 'DELETE', headers: { 'if-match': first.etag } })
    expect(late).toMatchObject({ status: 412, body: { code: 'precondition.failed' } })
  })

  it.each([
    ['no name', { name: ' ' }, '/body/name'],
    ['a description of numbers', { description: 5 }, '/body/description'],
    ['a category without a name', { categories: [{ name: 'A' }, {}] }, '/body/categories/1/name'],
    ['a category with dishes', { categories: [{ name: 'A', dishes: [] }] }, '/body/categories/0/dishes'],
    ['more categories than anybody reads', { categories: Array.from({ length: 101 }, () => ({ name: 'A' })) }, '/body/categories'],
    ['what is neither visible nor hidden', { visible: 1 }, '/body/visible'],
    ['a field that there is not', { dishes: [] }, '/body/dishes'],
  ])('with %s is refused, new or changed', async (_, fields, pointer) => {
    const before = await menu()
    const answers = [await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'M', ...fields } }), await change(before.id, fields)]
    for (const { status, body } of answers) expect([status, body.code, body.errors]).toMatchObject([422, 'request.invalid', [{ pointer }]])
    expect((await ours.call('/api/v1/menus')).body.items).toEqual([before])
  })

  it('goes to no place before the first', async () => {
    const { id } = await menu()
    expect((await change(id, { position: -1 })).body).toMatchObject({ status: 422, errors: [{ pointer: '/body/position' }] })
  })

  it('is one too many beyond fifty', async () => {
    for (let count = 0; count < 50; count++) await menu({ name: `Menu ${count}`, categories: [] })
    const answer = await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'One more' } })
    expect(answer).toMatchObject({ status: 413, body: { code: 'quota.exceeded' } })
  })

  it('can be moved among the others', async () => {
    await menu({ name: 'A' })
    await menu({ name: 'B' })
    const { id } = await menu({ name: 'C' })
    await change(id, { position: 0 })
    expect(await menuNames()).toEqual(['C', 'A', 'B'])
    await change(id, { position: 99 })
    expect(await menuNames()).toEqual(['A', 'B', 'C'])
    const { nextCursor } = (await ours.call('/api/v1/menus?limit=2')).body
    expect((await ours.call(`/api/v1/menus?cursor=${nextCursor}`)).body.items).toMatchObject([{ name: 'C' }])
  })
})
