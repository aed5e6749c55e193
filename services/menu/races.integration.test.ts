import type { Workers } from '@slipway/queue'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { modelGeneration } from './jobs/model-generation.ts'
import {
  type Answer,
  holdModels,
  jobsOf,
  keysIn,
  kitchen,
  type MenuTest,
  newTenant,
  platePhoto,
  startMenu,
  type Tenant,
} from './menu.fixtures.ts'

let test: MenuTest
let workers: Workers
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
let photos: Buffer[]
const models = holdModels()
/** Runs before the next object is read, once. */
let beforeRead: (() => Promise<void>) | null = null
beforeAll(async () => {
  photos = await Promise.all(['#a33', '#2a7', '#33a'].map((colour) => platePhoto({ colour })))
  test = await startMenu({
    environment: { MENU_MAX_DISHES: '3' },
    wrap: (context) => {
      const { storage } = context
      const read: typeof storage.read = async (...parameters) => {
        const waiting = beforeRead
        beforeRead = null
        await waiting?.()
        return await storage.read(...parameters)
      }
      return models.wrap({ ...context, storage: { ...storage, read } })
    },
  })
  workers = await test.work()
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})
afterEach(() => models.release())

const photo = (index: number) => photos[index] ?? Buffer.alloc(0)
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).toSorted((one, other) => one - other)
const patch = (id: string, json: unknown, headers = {}) => ours.call(`/api/v1/dishes/${id}`, { method: 'PATCH', json, headers })
const jobs = async (id: string) => (await jobsOf(test, modelGeneration.name)).filter(({ payload }) => payload.dishId === id)
const modelRows = async (id: string) =>
  (await test.system.pool.query('select id, state, diameter_cm as diameter from models where dish_id = $1', [id])).rows

/** All that was asked for has ended, removals too. */
const settled = () =>
  test.until(
    async () => (await test.system.pool.query(`select id from jobs where state not in ('completed', 'cancelled', 'dead', 'failed')`)).rows,
    (open) => open.length === 0,
  )
const objectsOf = async (id: string) =>
  [...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))].filter((key) => key.includes(id))

describe('photos of one dish at the same time', () => {
  it('that differ end in one model, of the one that came last', async () => {
    const { id } = await ours.dish()
    const answers = await Promise.all([0, 1, 2].map((index) => ours.photo(id, photo(index))))
    expect(statuses(answers)).toEqual([202, 202, 202])
    const done = await ours.reaches(id, 'done')
    expect(answers.map(({ body }) => body.model.id)).toContain(done.model.id)
    await settled()
    expect(await ours.get(id)).toMatchObject({ served: done.model.id, model: { id: done.model.id } })
    expect(await modelRows(id)).toMatchObject([{ id: done.model.id, state: 'done' }])
    expect(await objectsOf(id)).toHaveLength(4)
  })

  it('that are the same are one request', async () => {
    const { id } = await ours.dish()
    const answers = await Promise.all([0, 0, 0].map((index) => ours.photo(id, photo(index))))
    expect(statuses(answers)).toEqual([202, 202, 202])
    expect(new Set(answers.map(({ body }) => body.model.id)).size).toBe(1)
    await ours.reaches(id, 'done')
    await settled()
    expect(await jobs(id)).toHaveLength(1)
    expect(await objectsOf(id)).toHaveLength(4)
  })

  it('and the end of the dish leave nothing, whichever comes first', async () => {
    const { id } = await ours.dish()
    const [upload, removal] = await Promise.all([ours.photo(id, photo(0)), ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })])
    expect([202, 404]).toContain(upload.status)
    expect(removal.status).toBe(204)
    await settled()
    expect(await modelRows(id)).toEqual([])
    expect(await objectsOf(id)).toEqual([])
  })

  it('and another diameter of the plate end in one model that has both', async () => {
    const { id } = await ours.dish()
    const answers = await Promise.all([ours.photo(id, photo(0)), patch(id, { plateDiameterCm: 13 })])
    expect(statuses(answers)).toEqual([200, 202])
    const done = await ours.reaches(id, 'done')
    await settled()
    expect(await modelRows(id)).toEqual([{ id: done.served, state: 'done', diameter: 13 }])
  })

  it('and the removal of the photo end in either, whole', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, photo(0))
    await Promise.all([ours.photo(id, photo(1)), ours.call(`/api/v1/dishes/${id}/photo`, { method: 'DELETE' })])
    await settled()
    const { photo: shown, model, served } = await ours.get(id)
    expect([
      [null, undefined, null],
      [expect.any(String), 'done', model?.id],
    ]).toContainEqual([shown?.id ?? null, model?.state, served])
    expect(await objectsOf(id)).toHaveLength(served === null ? 0 : 4)
  })
})

describe('a model', () => {
  it('that is asked for again twice at the same time is made once', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, photo(0))
    await models.reached()
    await ours.model(id, 'cancel')
    models.release()
    const answers = await Promise.all([ours.model(id, 'retry'), ours.model(id, 'retry')])
    expect(statuses(answers)).toEqual([202, 409])
    await ours.reaches(id, 'done')
    await settled()
    expect(await modelRows(id)).toHaveLength(1)
  })

  it('that is cancelled as it is finished is either, and not both', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, photo(0))
    await models.reached()
    models.release()
    const cancelled = await ours.model(id, 'cancel')
    await settled()
    const { model, served } = await ours.get(id)
    expect([model.state, served, cancelled.status]).toEqual(model.state === 'done' ? ['done', model.id, 409] : ['cancelled', null, 200])
  })

  it('that takes the place of another between the look and the read is sent in its stead', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, photo(0))
    const before = await ours.reaches(id, 'done')
    for (const path of [`/api/v1/dishes/${id}/model.glb`, `/api/v1/public/dishes/${id}/poster.webp?tenant=${tenant.slug}`]) {
      beforeRead = async () => {
        await ours.help(id, (await ours.get(id)).model.help ? null : { crop: { x: 0, y: 0, width: 1, height: 0.9 } })
        await ours.reaches(id, 'done')
        await settled()
      }
      const { status, body, headers } = await ours.call(path)
      expect([status, body.length]).toEqual([200, Number(headers.get('content-length'))])
    }
    expect((await ours.get(id)).served).not.toBe(before.served)
  })

  it('whose object is lost is not found, instead of being looked for without end', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, photo(0))
    const { model } = await ours.reaches(id, 'done')
    const [key = ''] = (await keysIn(test, 'dish-models')).filter((each) => each.includes(model.id))
    await test.storage.remove({ bucket: 'dish-models', key })
    const answers = await Promise.all(
      ['model.glb', 'model.web.glb', 'poster.webp'].map((file) => ours.call(`/api/v1/dishes/${id}/${file}`)),
    )
    expect(statuses(answers)).toEqual([200, 200, 404])
  })
})

describe('changes at the same time', () => {
  it('of what both have seen: the second is told so', async () => {
    const { id, etag } = await ours.dish()
    const answers = await Promise.all(['A', 'B', 'C'].map((name) => patch(id, { name }, { 'if-match': etag })))
    expect(statuses(answers)).toEqual([200, 412, 412])
    const winner = answers.find(({ status }) => status === 200)
    expect((await ours.get(id)).name).toBe(winner?.body.name)
  })

  it('do not bring a tenant over its limit', async () => {
    const json = { name: 'X', price: { amount: 1 } }
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ours.call('/api/v1/dishes', { method: 'POST', json })))
    expect(statuses(answers)).toEqual([201, 201, 201, 413, 413])
    const positions = (await ours.call('/api/v1/dishes')).body.items.map(({ position }: { position: number }) => position)
    expect(positions).toEqual([0, 1, 2])
  })

  it('do not leave a dish in a category that is gone', async () => {
    const lunch = await ours.call('/api/v1/menus', { method: 'POST', json: { name: 'Lunch', categories: [{ name: 'Mains' }] } })
    const { id: menuId, categories } = lunch.body
    const [one, two] = [await ours.dish(), await ours.dish()]
    const [first, second, removal] = await Promise.all([
      patch(one.id, { categoryId: categories[0].id }),
      patch(two.id, { categoryId: categories[0].id }),
      ours.call(`/api/v1/menus/${menuId}`, { method: 'DELETE' }),
    ])
    for (const { status } of [first, second]) expect([200, 422]).toContain(status)
    expect(removal.status).toBe(204)
    for (const { id } of [one, two]) expect((await ours.get(id)).categoryId).toBeNull()
  })
})
