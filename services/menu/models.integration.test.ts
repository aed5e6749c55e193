import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kitchen, type MenuTest, newTenant, platePhoto, startMenu } from './menu.fixtures.ts'

let test: MenuTest
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  test = await startMenu()
})
afterAll(() => test[Symbol.asyncDispose]())
beforeEach(() => {
  ours = kitchen(test, { tenant: newTenant() })
})

describe('a photo', () => {
  it('becomes a model that is served', async () => {
    await using _workers = await test.work()
    const dish = await ours.dish()
    const { status, body, headers } = await ours.photo(dish.id, await platePhoto())
    expect(body).toMatchObject({ id: dish.id, model: { state: 'queued', steps: expect.arrayContaining(['fetch', 'store']) } })
    expect([status, headers.get('location')]).toEqual([202, `/api/v1/dishes/${dish.id}`])
    const done = await ours.reaches(dish.id, 'done')
    expect(done).toMatchObject({ served: done.model.id, photo: { width: 640, height: 480 }, model: { progress: 100, error: null } })
    const glb = await ours.call(done.model.result.files.plain.url)
    expect(glb.status).toBe(200)
    expect(glb.body.subarray(0, 4).toString()).toBe('glTF')
    expect((await sharp((await ours.call(done.model.result.files.poster.url)).body).metadata()).format).toBe('webp')
  })
})
