import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashPoint, crashPoints, uploadCrashPoints } from './crash.fixtures.ts'
import { menuSweep } from './jobs/menu-sweep.ts'
import {
  callAt,
  jobsOf,
  keysIn,
  kitchen,
  type MenuTest,
  newTenant,
  platePhoto,
  removeObjects,
  runJob,
  startMenu,
  type Tenant,
} from './menu.fixtures.ts'

const day = 86_400_000

let test: MenuTest
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
beforeEach(async () => {
  test = await startMenu()
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})
afterEach(() => test[Symbol.asyncDispose]())

const sweep = () => runJob(test, menuSweep, { payload: { version: 1 } })

/** A worker process of its own that takes the next job and dies with it. */
async function workAndDie(point: CrashPoint): Promise<NodeJS.Signals | null> {
  const script = fileURLToPath(new URL('./crash.fixtures.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(test.settings), point], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  return signal
}

/** An API process of its own that takes one photo and dies of it. */
async function uploadAndDie(point: CrashPoint, id: string, content: Buffer): Promise<NodeJS.Signals | null> {
  const script = fileURLToPath(new URL('./crash.fixtures.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(test.settings), point, 'api'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [url] = await once(child.stdout, 'data')
  const answer = kitchen({ ...test, call: callAt(String(url).trim()) }, { tenant }).photo(id, content)
  await expect(answer).rejects.toThrow('fetch failed')
  const [, signal] = await exited
  return signal
}

/** No row without its objects, no object without its row. */
async function expectOrder() {
  const { rows } = await test.system.pool.query<{ key: string }>(`
    select key from photos where key is not null union select source_key from photos where source_key is not null
      union select result->'files'->part->>'key' from models, unnest(array['plain', 'web', 'poster']) as part where result is not null`)
  const keys = [...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))]
  expect(keys.sort()).toEqual(rows.map(({ key }) => key).sort())
  expect(await keysIn(test, 'quarantine')).toEqual([])
}

describe('a worker that is killed', () => {
  it.each(crashPoints)('at "%s" leaves one model in the end, and nothing else after the sweep', async (point) => {
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    expect(await workAndDie(point)).toBe('SIGKILL')
    await using _workers = await test.work()
    const done = await ours.reaches(id, 'done')
    expect(done).toMatchObject({ served: done.model.id, photo: { width: 640 }, model: { error: null } })
    await test.until(
      () => jobsOf(test, 'model-generation'),
      (jobs) => jobs.every(({ state }) => state === 'completed'),
    )
    const { files } = done.model.result
    for (const { url, bytes } of [files.plain, files.web, files.poster]) expect((await ours.call(url)).body.length).toBe(bytes)
    await removeObjects(test)
    test.advance(2 * day)
    await sweep()
    await expectOrder()
    const { rows } = await test.system.pool.query('select state from models')
    expect(rows).toEqual([{ state: 'done' }])
    expect(await keysIn(test, 'dish-models')).toHaveLength(3)
  })

  it('with a photo that is replaced before anybody takes over leaves one model of the new photo', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    await workAndDie('after copy 4')
    const { body } = await ours.photo(id, await platePhoto({ colour: '#2a7' }))
    await using _workers = await test.work()
    expect((await ours.reaches(id, 'done')).served).toBe(body.model.id)
    await removeObjects(test)
    test.advance(2 * day)
    await sweep()
    await expectOrder()
  })

  it('with a dish that is deleted before anybody takes over leaves nothing', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    await workAndDie('after copy 4')
    await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
    await removeObjects(test)
    test.advance(2 * day)
    await sweep()
    expect([...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))]).toEqual([])
  })
})

describe('an API process that is killed', () => {
  it.each(uploadCrashPoints)('at "%s" leaves a photo that can be sent again, and nothing else after the sweep', async (point) => {
    const { id } = await ours.dish()
    const content = await platePhoto()
    expect(await uploadAndDie(point, id, content)).toBe('SIGKILL')
    const left = await ours.get(id)
    expect(left.model?.state).toBe(point === 'upload committed' ? 'queued' : undefined)
    const { status, body } = await ours.photo(id, content)
    expect([status, body.model.state]).toEqual([202, 'queued'])
    if (left.model) expect(body.model.id).toBe(left.model.id)
    await using _workers = await test.work()
    expect((await ours.reaches(id, 'done')).served).toBe(body.model.id)
    await test.until(
      () => jobsOf(test, 'model-generation'),
      (jobs) => jobs.length === 1 && jobs.every(({ state }) => state === 'completed'),
    )
    await removeObjects(test)
    test.advance(2 * day)
    await sweep()
    await expectOrder()
    expect(await keysIn(test, 'dish-images')).toHaveLength(1)
  })
})

describe('the sweep', () => {
  it('leaves alone what is younger than a day and what rows know', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    await workAndDie('after copy 4')
    const before = [...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))]
    await sweep()
    expect([...(await keysIn(test, 'dish-images')), ...(await keysIn(test, 'dish-models'))]).toEqual(before)
    test.advance(2 * day)
    // The model is still being made, as far as the rows know: its objects are made again.
    await sweep()
    expect(await keysIn(test, 'dish-models')).toEqual([])
    expect((await keysIn(test, 'dish-images')).length).toBe(1)
  })

  it('drops photos that nobody could normalise after the time to keep them', async () => {
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    test.advance(13 * day)
    await sweep()
    expect(await keysIn(test, 'dish-images')).toHaveLength(1)
    test.advance(2 * day)
    await sweep()
    await removeObjects(test)
    expect(await keysIn(test, 'dish-images')).toEqual([])
    await ours.model(id, 'cancel')
    expect(await ours.model(id, 'retry')).toMatchObject({ status: 409, body: { code: 'job.not-retryable' } })
  })
})
