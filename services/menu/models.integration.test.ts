import type { Workers } from '@slipway/queue'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { modelGeneration } from './jobs/model-generation.ts'
import { holdModels, jobsOf, keysIn, kitchen, type MenuTest, newTenant, platePhoto, runJob, startMenu } from './menu.fixtures.ts'

let test: MenuTest
let workers: Workers
let ours: ReturnType<typeof kitchen>
let red: Buffer
let green: Buffer
const models = holdModels()
beforeAll(async () => {
  red = await platePhoto()
  green = await platePhoto({ colour: '#2a7' })
  test = await startMenu({ wrap: models.wrap })
  workers = await test.work()
})
afterAll(async () => {
  await workers[Symbol.asyncDispose]()
  await test[Symbol.asyncDispose]()
})
beforeEach(() => {
  ours = kitchen(test, { tenant: newTenant() })
})
afterEach(() => models.release())

/** All removals that were asked for have been made. */
const settled = async () => {
  const open = async () => (await jobsOf(test, 'dish-object-removal')).filter(({ state }) => state !== 'completed')
  await test.until(open, (left) => left.length === 0)
}
/** Keys of one dish in both buckets. */
const objectsOf = async (id: string) => {
  const keys = [...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))]
  return keys.filter((key) => key.includes(id))
}
const jobs = async (id: string) => (await jobsOf(test, modelGeneration.name)).filter(({ payload }) => payload.dishId === id)
const made = async (photo = red, fields = {}) => {
  const { id } = await ours.dish(fields)
  await ours.photo(id, photo)
  return await ours.reaches(id, 'done')
}

describe('a photo', () => {
  it('becomes a model that is served, and nothing else is kept of it', async () => {
    const { id } = await ours.dish()
    const { status, body, headers } = await ours.photo(id, red)
    expect(body).toMatchObject({ id, photo: null, served: null, model: { state: 'queued', attempt: 0 } })
    expect([status, headers.get('location')]).toEqual([202, `/api/v1/dishes/${id}`])
    const done = await ours.reaches(id, 'done')
    expect(done).toMatchObject({
      served: done.model.id,
      photo: { width: 640, height: 480, contentType: 'image/jpeg' },
      model: { progress: 100, step: null, error: null, attempt: 1, result: { method: 'plate', confident: true, warnings: [] } },
    })
    const { files } = done.model.result
    const kinds = { plain: 'model/gltf-binary', web: 'model/gltf-binary', poster: 'image/webp' } as const
    for (const [name, type] of Object.entries(kinds)) {
      const { status, headers, body } = await ours.call(files[name].url)
      expect([status, headers.get('content-type'), body.length]).toEqual([200, type, files[name].bytes])
      const again = await ours.call(files[name].url, { headers: { 'if-none-match': headers.get('etag') ?? '' } })
      expect([again.status, again.body.length]).toEqual([304, 0])
    }
    await settled()
    expect((await objectsOf(id)).map((key) => key.replace(/^.*\./, '')).sort()).toEqual(['glb', 'glb', 'jpg', 'webp'])
    expect(await keysIn(test, 'quarantine')).toEqual([])
  })

  it('keeps its trace with the model, so that it is found from the dish', async () => {
    const { id } = await ours.dish()
    const traceId = 'c'.repeat(32)
    const { body } = await ours.photo(id, red, { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` })
    expect(body.model.traceId).toBe(traceId)
    expect((await ours.reaches(id, 'done')).model.traceId).toBe(traceId)
  })

  it('is shown upright, and without the place where it was taken', async () => {
    const dish = await made(await platePhoto({ orientation: 6 }))
    expect(dish.photo).toMatchObject({ width: 480, height: 640 })
    const { body, headers } = await ours.call(dish.photo.url)
    expect([headers.get('content-type'), headers.get('etag')]).toEqual(['image/jpeg', `"${dish.photo.sha256}"`])
    expect(body.toString('latin1')).not.toMatch(/SecretCamera|Exif|GPS/)
    const metadata = await sharp(body).metadata()
    expect([metadata.width, metadata.height, metadata.exif, metadata.orientation]).toEqual([480, 640, undefined, undefined])
  })

  it('that is the same as before is free once there is a model', async () => {
    const before = await made()
    const { status, body } = await ours.photo(before.id, red)
    expect([status, body.model.id, body.model.state]).toEqual([202, before.model.id, 'done'])
    expect(await jobs(before.id)).toHaveLength(1)
    await settled()
    expect(await objectsOf(before.id)).toHaveLength(4)
  })

  it('that is sent again while its model is made asks for nothing more', async () => {
    models.hold()
    const { id } = await ours.dish()
    const first = await ours.photo(id, red)
    await models.reached()
    const second = await ours.photo(id, red)
    expect(second.body.model.id).toBe(first.body.model.id)
    models.release()
    await ours.reaches(id, 'done')
    expect(await jobs(id)).toHaveLength(1)
  })

  it('in the place of another takes over once its model is done; the one before is served until then, and goes', async () => {
    const before = await made()
    models.hold()
    const { body } = await ours.photo(before.id, green)
    expect(body).toMatchObject({ served: before.served, photo: { id: before.photo.id }, model: { state: 'queued', result: null } })
    await models.reached()
    const poster = before.model.result.files.poster.url
    const old = (await ours.call(poster)).headers.get('etag')
    models.release()
    const after = await ours.reaches(before.id, 'done')
    expect(after.served).toBe(after.model.id)
    expect(after.photo.id).not.toBe(before.photo.id)
    expect((await ours.call(poster)).headers.get('etag')).not.toBe(old)
    await settled()
    expect(await objectsOf(before.id)).toHaveLength(4)
  })

  it('that replaces one whose model is being made leaves one model, of the new photo', async () => {
    models.hold()
    const { id } = await ours.dish()
    const first = await ours.photo(id, red)
    await models.reached()
    const second = await ours.photo(id, green)
    models.release()
    const done = await ours.reaches(id, 'done')
    expect([done.model.id, done.served]).toEqual([second.body.model.id, second.body.model.id])
    const [old, young] = await test.until(
      () => jobs(id),
      (all) => all.every(({ state }) => !['active', 'waiting', 'pending'].includes(state)),
    )
    expect(old).toMatchObject({ payload: { modelId: first.body.model.id }, state: expect.stringMatching(/cancelled|completed/) })
    expect(young).toMatchObject({ payload: { modelId: second.body.model.id }, state: 'completed' })
    const { rows } = await test.system.pool.query('select id from models where dish_id = $1', [id])
    expect(rows).toEqual([{ id: done.served }])
    await settled()
    expect(await objectsOf(id)).toHaveLength(4)
  })

  it('goes with its model when it is deleted', async () => {
    const { id } = await made()
    expect((await ours.call(`/api/v1/dishes/${id}/photo`, { method: 'DELETE' })).status).toBe(204)
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null, served: null })
    expect((await ours.call(`/api/v1/dishes/${id}/model.glb`)).status).toBe(404)
    expect(await ours.call(`/api/v1/dishes/${id}/photo`, { method: 'DELETE' })).toMatchObject({ status: 404 })
    await settled()
    expect(await objectsOf(id)).toEqual([])
  })
})

describe('a dish that is deleted while its model is being made', () => {
  it('leaves nothing behind', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await models.reached()
    expect((await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })).status).toBe(204)
    models.release()
    await test.until(
      () => jobs(id),
      ([job]) => job?.state === 'cancelled' || job?.state === 'completed',
    )
    await settled()
    expect(await objectsOf(id)).toEqual([])
    expect((await ours.call(`/api/v1/dishes/${id}`)).status).toBe(404)
  })

  it('leaves nothing behind either when the worker hears of it after all is stored', async () => {
    const { id } = await ours.dish()
    await workers.stop(5000)
    const { body } = await ours.photo(id, red)
    const [job] = await jobs(id)
    const { gate } = test.context
    let outputs = 0
    const accept = (async (...parameters: Parameters<typeof gate.accept>) => {
      const accepted = await gate.accept(...parameters)
      const [, options] = parameters
      // After the last of the three has been scanned.
      if (options.bucket === 'dish-models' && ++outputs === 3) await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
      return accepted
    }) as typeof gate.accept
    const outcome = await runJob({ context: { ...test.context, gate: { ...gate, accept } } }, modelGeneration, {
      payload: job?.payload,
      id: job?.id ?? '',
    })
    expect(outcome).toEqual({ outcome: 'superseded' })
    expect(body.model.state).toBe('queued')
    workers = await test.work()
    await settled()
    expect(await objectsOf(id)).toEqual([])
  })
})

describe('a job that runs twice', () => {
  it('changes nothing the second time', async () => {
    const before = await made()
    const objects = await objectsOf(before.id)
    const [job] = await jobs(before.id)
    expect(await runJob(test, modelGeneration, { payload: job?.payload, id: job?.id ?? '' })).toEqual({ outcome: 'done' })
    expect(await ours.get(before.id)).toEqual(before)
    expect(await objectsOf(before.id)).toEqual(objects)
  })

  it('makes one model when both run at the same time', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await models.reached()
    const [job] = await jobs(id)
    models.hold()
    const second = runJob(test, modelGeneration, { payload: job?.payload, id: job?.id ?? '' })
    await models.reached()
    models.release()
    expect(await second).toEqual({ outcome: 'done' })
    const done = await ours.reaches(id, 'done')
    expect((await ours.call(done.model.result.files.web.url)).body.length).toBe(done.model.result.files.web.bytes)
    await settled()
    expect(await objectsOf(id)).toHaveLength(4)
  })
})

describe('cancelling', () => {
  it('ends what runs at once and keeps what was served', async () => {
    const before = await made()
    models.hold()
    await ours.photo(before.id, green)
    await models.reached()
    const { status, body } = await ours.model(before.id, 'cancel')
    expect([status, body.model.state, body.served]).toEqual([200, 'cancelled', before.served])
    models.release()
    await test.until(
      () => jobs(before.id),
      (all) => all.every(({ state }) => state !== 'active'),
    )
    expect(await ours.get(before.id)).toMatchObject({ served: before.served, model: { state: 'cancelled' } })
    expect(await ours.model(before.id, 'cancel')).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
    expect((await ours.call(before.model.result.files.web.url)).status).toBe(200)
  })

  it('can be taken back', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await models.reached()
    await ours.model(id, 'cancel')
    const { status, body } = await ours.model(id, 'retry')
    expect([status, body.model.state]).toEqual([202, 'queued'])
    models.release()
    expect(await ours.reaches(id, 'done')).toMatchObject({ model: { id: body.model.id } })
  })

  it('by the list of jobs shows at the dish as well', async () => {
    await workers.stop(5000)
    const { id } = await ours.dish()
    await ours.photo(id, red)
    await test.system.pool.query(`update jobs set state = 'cancelled', finished_at = now() where payload->>'dishId' = $1`, [id])
    expect((await ours.get(id)).model).toMatchObject({ state: 'cancelled', step: null })
    workers = await test.work()
    expect((await ours.model(id, 'retry')).status).toBe(202)
    await ours.reaches(id, 'done')
  })
})

describe('retrying', () => {
  it('needs a photo, and nothing under way', async () => {
    const { id } = await ours.dish()
    expect(await ours.model(id, 'retry')).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
    models.hold()
    await ours.photo(id, red)
    await models.reached()
    expect(await ours.model(id, 'retry')).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
  })

  it('makes a model that is done once more, with the same bytes', async () => {
    const before = await made()
    const etags = async () =>
      await Promise.all(
        ['model.glb', 'model.web.glb', 'poster.webp'].map(async (name) =>
          (await ours.call(`/api/v1/dishes/${before.id}/${name}`)).headers.get('etag'),
        ),
      )
    const first = await etags()
    const { body } = await ours.model(before.id, 'retry')
    expect(body.model.id).not.toBe(before.model.id)
    expect(body.served).toBe(before.served)
    await ours.reaches(before.id, 'done')
    expect(await etags()).toEqual(first)
    await settled()
    expect(await objectsOf(before.id)).toHaveLength(4)
  })

  it('of what failed for good uses the same job, so that no dead letter is left', async () => {
    const { id } = await ours.dish()
    await workers.stop(5000)
    const { body } = await ours.photo(id, red)
    await test.system.pool.query(
      `update jobs set state = 'dead', reason = 'three times', finished_at = now() where payload->>'dishId' = $1`,
      [id],
    )
    expect((await ours.get(id)).model).toMatchObject({ state: 'failed', error: { code: 'internal.error', detail: 'three times' } })
    workers = await test.work()
    const retried = await ours.model(id, 'retry')
    expect(retried.body.model).toMatchObject({ id: body.model.id, jobId: body.model.jobId, state: 'queued', error: null })
    await ours.reaches(id, 'done')
    expect(await jobs(id)).toMatchObject([{ state: 'completed' }])
  })

  it('by another upload of the photo works when the request before has failed', async () => {
    const { id } = await ours.dish()
    await workers.stop(5000)
    await ours.photo(id, red)
    await test.system.pool.query(`update jobs set state = 'dead', finished_at = now() where payload->>'dishId' = $1`, [id])
    workers = await test.work()
    expect((await ours.photo(id, red)).body.model.state).toBe('queued')
    await ours.reaches(id, 'done')
  })
})

describe('help', () => {
  it('makes another model of the same photo, and the same one again when it is dropped', async () => {
    const before = await made()
    const plate = { x: 0.5, y: 0.375, a: 0.4, b: 0.28, angle: 0 }
    const helped = await ours.help(before.id, { plate })
    expect(helped).toMatchObject({ status: 202, body: { served: before.served, model: { state: 'queued', help: { plate } } } })
    const done = await ours.reaches(before.id, 'done')
    expect(done.model.result).toMatchObject({
      method: 'plate',
      confidence: 1,
      outline: { x: expect.closeTo(0.5, 2), a: expect.closeTo(0.4, 2) },
    })
    expect((await ours.help(before.id, { plate })).body.model.id).toBe(done.model.id)
    await ours.help(before.id, { crop: { x: 0.05, y: 0.05, width: 0.9, height: 0.9 } })
    expect((await ours.reaches(before.id, 'done')).model.help).toHaveProperty('crop')
    await ours.help(before.id, null)
    expect((await ours.reaches(before.id, 'done')).model.help).toBeNull()
  })

  it.each([
    ['both', { crop: { x: 0, y: 0, width: 1, height: 1 }, plate: { x: 0.5, y: 0.5, a: 0.3, b: 0.3, angle: 0 } }],
    ['neither', {}],
    ['a crop beyond the photo', { crop: { x: 0.5, y: 0, width: 0.6, height: 1 } }],
    ['a crop of nothing', { crop: { x: 0.5, y: 0, width: 0, height: 1 } }],
    ['what is no number', { plate: { x: '0.5', y: 0.5, a: 0.3, b: 0.3, angle: 0 } }],
    ['something else', { photo: 'x' }],
  ])('is refused if it names %s', async (_, json) => {
    const { id } = await ours.dish()
    expect(await ours.help(id, json)).toMatchObject({ status: 422, body: { code: 'request.invalid' } })
  })

  it('needs a photo', async () => {
    const { id } = await ours.dish()
    expect(await ours.help(id, null)).toMatchObject({ status: 409 })
  })
})

describe('another diameter of the plate', () => {
  it('makes another model of the same photo', async () => {
    const before = await made()
    const { body } = await ours.call(`/api/v1/dishes/${before.id}`, { method: 'PATCH', json: { plateDiameterCm: 13 } })
    expect(body.model).toMatchObject({ state: 'queued' })
    const done = await ours.reaches(before.id, 'done')
    expect(done.model.id).not.toBe(before.model.id)
  })
})

describe('what fails in the worker', () => {
  it('is told at the dish when the photo is at fault, and is not tried again; the photo is not kept', async () => {
    const { id } = await ours.dish()
    const cut = red.subarray(0, Math.floor(red.length / 2))
    expect((await ours.photo(id, cut)).status).toBe(202)
    const failed = await ours.reaches(id, 'failed')
    expect(failed.model).toMatchObject({ attempt: 1, error: { code: 'photo.unreadable' } })
    await test.until(
      () => jobs(id),
      ([job]) => job?.state === 'dead',
    )
    await settled()
    expect(await objectsOf(id)).toEqual([])
    expect(await ours.model(id, 'retry')).toMatchObject({ status: 409 })
    await ours.photo(id, red)
    await ours.reaches(id, 'done')
  })

  it('keeps the photo and the model before, if the new photo cannot be read', async () => {
    const before = await made()
    await ours.photo(before.id, green.subarray(0, Math.floor(green.length / 2)))
    const failed = await ours.reaches(before.id, 'failed')
    expect(failed).toMatchObject({ photo: before.photo, served: before.served })
    await ours.model(before.id, 'retry')
    expect(await ours.reaches(before.id, 'done')).toMatchObject({ photo: before.photo })
  })
})
