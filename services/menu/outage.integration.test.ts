import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { menuSweep } from './jobs/menu-sweep.ts'
import {
  type Answer,
  jobsOf,
  keysIn,
  kitchen,
  type MenuTest,
  newTenant,
  platePhoto,
  runJob,
  startMenu,
  type Tenant,
} from './menu.fixtures.ts'
import { openWays, type Ways } from './proxy.fixtures.ts'

let test: MenuTest
let ways: Ways
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
/** Runs between the copy of an upload and the commit of its row. */
let afterCopy: () => Promise<void>
let red: Buffer
beforeEach(async () => {
  afterCopy = async () => undefined
  red ??= await platePhoto()
  test = await startMenu({
    lead: async (settings) => {
      ways = await openWays(settings)
      return ways.settings
    },
    wrap: (context) => ({ ...context, gate: { ...context.gate, accept: watched(context.gate) } }),
  })
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})
afterEach(async () => {
  await test[Symbol.asyncDispose]()
  for (const way of [ways.database, ways.storage, ways.scanner]) await way[Symbol.asyncDispose]()
})

type Gate = MenuTest['context']['gate']

function watched(gate: Gate): Gate['accept'] {
  return async (...parameters: Parameters<Gate['accept']>) => {
    const accepted = await gate.accept(...parameters)
    if (accepted.pending || !accepted.promote) return accepted
    const promote: typeof accepted.promote = async (options) => {
      const object = await accepted.promote(options)
      await afterCopy()
      return object
    }
    return { ...accepted, promote }
  }
}

/** What every client can act on: which store, come back when, and nothing about the inside. */
function expectUnavailable({ status, headers, body }: Answer, code: string) {
  expect([status, body.code, headers.get('content-type')]).toEqual([503, code, 'application/problem+json'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|ECONN|postgres|select |bucket/i)
}

const images = async () => (await keysIn(test, 'dish-images')).filter((key) => key.includes(tenant.id))
const quarantined = async () => (await keysIn(test, 'quarantine')).filter((key) => key.includes(tenant.id))

describe('without the database', () => {
  it('everything says so and when to come again, and is there again with it', async () => {
    const { id } = await ours.dish()
    await ways.database.cut()
    for (const path of [
      '/api/v1/dishes',
      `/api/v1/dishes/${id}`,
      `/api/v1/dishes/${id}/events`,
      `/api/v1/dishes/${id}/model.glb`,
      '/api/v1/menus',
    ]) {
      expectUnavailable(await ours.call(path), 'database.unavailable')
    }
    expectUnavailable(await test.call(null, `/api/v1/public/menu?tenant=${tenant.slug}`), 'database.unavailable')
    const json = { name: 'X', price: { amount: 1 } }
    expectUnavailable(await ours.call('/api/v1/dishes', { method: 'POST', json }), 'database.unavailable')
    expectUnavailable(await ours.photo(id, red), 'database.unavailable')
    await ways.database.mend()
    expect((await ours.call('/api/v1/dishes')).body.items).toMatchObject([{ id, photo: null, model: null }])
    expect(await quarantined()).toEqual([])
  })

  it('a photo that is copied already is not taken, and the sweep removes it', async () => {
    const { id } = await ours.dish()
    afterCopy = () => ways.database.cut()
    expectUnavailable(await ours.photo(id, red), 'database.unavailable')
    await ways.database.mend()
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null })
    expect(await images()).toHaveLength(1)
    test.advance(2 * 86_400_000)
    await runJob(test, menuSweep, { payload: { version: 1 } })
    expect(await images()).toEqual([])
    afterCopy = async () => undefined
    expect((await ours.photo(id, red)).status).toBe(202)
  })
})

describe('without the object store', () => {
  it('photos are neither taken nor given, and dishes are', async () => {
    const { id } = await ours.dish()
    {
      await using _workers = await test.work()
      await ours.photo(id, red)
      await ours.reaches(id, 'done')
    }
    const before = await ours.get(id)
    await ways.storage.cut()
    expectUnavailable(await ours.photo(id, await platePhoto({ colour: '#2a7' })), 'storage.unavailable')
    for (const file of ['photo', 'model.glb', 'model.web.glb', 'poster.webp']) {
      expectUnavailable(await ours.call(`/api/v1/dishes/${id}/${file}`), 'storage.unavailable')
    }
    expectUnavailable(await test.call(null, `/api/v1/public/dishes/${id}/poster.webp?tenant=${tenant.slug}`), 'storage.unavailable')
    expect(await ours.get(id)).toEqual(before)
    expect((await test.call(null, `/api/v1/public/menu?tenant=${tenant.slug}`)).status).toBe(200)
    await ways.storage.mend()
    expect((await ours.call(`/api/v1/dishes/${id}/photo`)).status).toBe(200)
  })

  it('who has the bytes already hears that they are the same', async () => {
    const { id } = await ours.dish()
    {
      await using _workers = await test.work()
      await ours.photo(id, red)
      await ours.reaches(id, 'done')
    }
    const etag = (await ours.call(`/api/v1/dishes/${id}/photo`)).headers.get('etag') ?? ''
    await ways.storage.cut()
    expect((await ours.call(`/api/v1/dishes/${id}/photo`, { headers: { 'if-none-match': etag } })).status).toBe(304)
  })

  it('a model waits for its next attempt, and says why', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await ways.storage.cut()
    await using _workers = await test.work()
    const waiting = await test.until(
      () => ours.get(id),
      ({ model }) => model.error !== null,
    )
    expect(waiting.model).toMatchObject({ state: 'queued', attempt: 1, error: { code: 'storage.unavailable' } })
    await ways.storage.mend()
    const done = await ours.reaches(id, 'done')
    expect(done.model).toMatchObject({ id: waiting.model.id, error: null })
    expect(done.model.attempt).toBeGreaterThan(1)
  })
})

describe('without the scanner', () => {
  it('no photo is taken, and nothing of it stays', async () => {
    const { id } = await ours.dish()
    await ways.scanner.cut()
    expectUnavailable(await ours.photo(id, red), 'scanner.unavailable')
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null })
    expect([...(await images()), ...(await quarantined())]).toEqual([])
    await ways.scanner.mend()
    expect((await ours.photo(id, red)).status).toBe(202)
  })

  it('no model is stored unscanned: it waits for its next attempt', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await ways.scanner.cut()
    await using _workers = await test.work()
    const waiting = await test.until(
      () => ours.get(id),
      ({ model }) => model.error !== null,
    )
    expect(waiting.model).toMatchObject({ state: 'queued', error: { code: 'scanner.unavailable' } })
    expect(await keysIn(test, 'dish-models')).toEqual([])
    await ways.scanner.mend()
    await ours.reaches(id, 'done')
  })
})

describe('without Redis', () => {
  it('photos are taken and their models are owed', async () => {
    await test.redisServer.part.stop()
    const { id } = await ours.dish()
    const { status, body } = await ours.photo(id, red)
    expect([status, body.model.state]).toEqual([202, 'queued'])
    expect(await jobsOf(test, 'model-generation')).toMatchObject([{ state: 'pending' }])
    expect((await ours.call(`/api/v1/dishes/${id}`, { method: 'PATCH', json: { name: 'Stew' } })).status).toBe(200)
    await test.redisServer.restart()
    await using _workers = await test.work()
    expect(await ours.reaches(id, 'done')).toMatchObject({ name: 'Stew', served: body.model.id })
  })

  it('a dish can be deleted, and what was owed of it is not made', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await test.redisServer.part.stop()
    expect((await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })).status).toBe(204)
    await test.redisServer.restart()
    await using _workers = await test.work()
    await test.until(
      async () => (await jobsOf(test, 'dish-object-removal')).every(({ state }) => state === 'completed'),
      (done) => done,
    )
    expect(await jobsOf(test, 'model-generation')).toMatchObject([{ state: 'cancelled' }])
    expect([...(await images()), ...(await keysIn(test, 'dish-models'))]).toEqual([])
  })
})
