import { assert, beforeAll, describe, expect, test } from 'vitest'
import { eicar, zip } from './archives.ts'
import { call, expectProblem, expectStatus, here, unique, until } from './client.ts'
import { type Dish, kitchen, type Model, type PublicDish } from './dishes.ts'
import { follow } from './events.ts'
import { newKey, newMember, newTenant, signIn, type Tenant } from './people.ts'
import { greyJpeg, immensePhoto, platePhoto } from './pictures.ts'
import { answeredEarly, form, multipartType, raw } from './raw.ts'

/** Models are made so many per minute on the whole installation: a test may have to wait its turn. */
const patience = 180_000

let tenant: Tenant & { token: string }
let stranger: Tenant & { token: string }
let ours: ReturnType<typeof kitchen>
beforeAll(async () => {
  const session = await signIn()
  tenant = await newTenant(session)
  stranger = await newTenant(session)
  ours = kitchen(tenant.token)
})

interface Job {
  id: string
  state: string
  payload: { dishId?: string; modelId?: string }
}

/** The jobs of one dish, newest first. */
async function jobsOf(dishId: string): Promise<Job[]> {
  const path = '/api/v1/menu/jobs?queue=model-generation&limit=100'
  const { items } = await expectStatus<{ items: Job[] }>(call('GET', path, { as: tenant.token }), 200)
  return items.filter(({ payload }) => payload.dishId === dishId)
}

const ended = (dishId: string) =>
  until(async () => {
    const jobs = await jobsOf(dishId)
    return jobs.every(({ state }) => ['completed', 'cancelled', 'dead', 'failed'].includes(state)) ? jobs : undefined
  }, 150)

const files = ['photo', 'model.glb', 'model.web.glb', 'poster.webp']

/** Anybody, without credentials. */
const visit = (path: string, headers: Record<string, string> = {}) => call('GET', path, { as: null, headers })

async function publicMenu(headers: Record<string, string> = {}) {
  const response = await visit(`/api/v1/public/menu?tenant=${tenant.slug}`, headers)
  return { response, body: response.status === 200 ? ((await response.json()) as { uncategorised: PublicDish[] }) : null }
}

async function bytesOf(response: Response): Promise<Buffer> {
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

describe('a dish', () => {
  test('is made, read, changed as it was seen, put into order and deleted', async () => {
    const made = await ours.add({ name: 'Tarte Tatin', price: { amount: 850, currency: 'CHF' }, allergens: ['milk'] })
    expect(made).toMatchObject({ name: 'Tarte Tatin', photo: null, model: null, visible: true })
    const read = await call('GET', `/api/v1/dishes/${made.id}`, { as: tenant.token })
    expect([read.headers.get('etag'), await read.json()]).toEqual([made.etag, made])
    const same = await call('GET', `/api/v1/dishes/${made.id}`, { as: tenant.token, headers: { 'if-none-match': made.etag } })
    expect(same.status).toBe(304)
    const changed = await expectStatus<Dish>(ours.change(made.id, { price: { amount: 900 } }, { 'if-match': made.etag }), 200)
    expect(changed.price).toEqual({ amount: 900, currency: 'CHF' })
    await expectProblem(ours.change(made.id, { name: 'Late' }, { 'if-match': made.etag }), 412, 'precondition.failed')
    const second = await ours.add({ name: 'Second' })
    await expectStatus(call('PUT', '/api/v1/dishes/order', { as: tenant.token, json: { ids: [second.id, made.id] } }), 200)
    const { items } = await expectStatus<{ items: Dish[] }>(call('GET', '/api/v1/dishes?limit=2', { as: tenant.token }), 200)
    expect(items.map(({ id }) => id)).toEqual([second.id, made.id])
    await expectProblem(ours.remove(made.id, { 'if-match': made.etag }), 412, 'precondition.failed')
    await expectStatus(ours.remove(made.id), 204)
    await expectProblem(call('GET', `/api/v1/dishes/${made.id}`, { as: tenant.token }), 404, 'resource.not-found')
  })

  test.each([
    ['/body/name', { name: '' }],
    ['/body/price/amount', { price: { amount: -1 } }],
    ['/body/price/currency', { price: { amount: 1, currency: 'Euro' } }],
    ['/body/allergens/0', { allergens: ['sand'] }],
    ['/body/plateDiameterCm', { plateDiameterCm: 500 }],
    ['/body/categoryId', { categoryId: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21' }],
    ['/body/stars', { stars: 5 }],
  ])('is refused with a pointer to %s', async (pointer, fields) => {
    const json = { name: 'Soup', price: { amount: 1 }, ...fields }
    const problem = await expectProblem(call('POST', '/api/v1/dishes', { as: tenant.token, json }), 422, 'request.invalid')
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer])
  })
})

describe('a photo', () => {
  test('becomes a model, and whoever follows sees each step once, also after coming back', { timeout: patience }, async () => {
    const { id } = await ours.add()
    const path = `/api/v1/dishes/${id}/events`
    const seen: { id: string | null; told: string; progress: number }[] = []
    const note = (events: readonly { id: string | null; data: Model | null }[]) =>
      void seen.push(...events.map(({ id: at, data }) => ({ id: at, told: JSON.stringify(data), progress: data?.progress ?? -1 })))
    {
      await using first = await follow<Model | null>(path, { as: tenant.token })
      expect(first.headers.get('content-type')).toMatch(/^text\/event-stream/)
      expect(await first.next()).toMatchObject({ event: 'progress', data: null })
      expect(first.retry()).toBeGreaterThan(0)
      const taken = await ours.photo(id, platePhoto())
      expect(taken.headers.get('location')).toBe(`/api/v1/dishes/${id}`)
      const { model } = await expectStatus<Dish>(taken, 202)
      expect(model).toMatchObject({ state: 'queued', jobId: expect.any(String), result: null })
      note(await first.until(({ data }) => data?.state === 'running'))
    }
    const done = await ours.reaches(id, 'done')
    await using second = await follow<Model | null>(path, { as: tenant.token, lastEventId: seen.at(-1)?.id ?? null })
    note(await second.until(({ data }) => data?.state === 'done'))
    expect(seen.map((each) => each.progress)).toEqual(seen.map((each) => each.progress).toSorted((one, other) => one - other))
    // Not their ids: what the row tells before the log does has the place in the log that was reached.
    expect(new Set(seen.map((each) => each.told)).size).toBe(seen.length)
    expect(done).toMatchObject({ served: done.model?.id, photo: { width: 640, height: 480 }, model: { attempt: 1, error: null } })
  })

  test('and what is made of it can be read, is tagged, and is what it says', { timeout: patience }, async () => {
    const { id } = await ours.add()
    await expectStatus(ours.photo(id, platePhoto()), 202)
    const { model, photo } = await ours.reaches(id, 'done')
    assert(model?.result && photo)
    expect(model.result).toMatchObject({ method: 'plate', warnings: [] })
    const [plain, web, poster] = await Promise.all(
      (['plain', 'web', 'poster'] as const).map(async (name) => {
        const { url, bytes } = model.result?.files[name] ?? { url: '', bytes: 0 }
        const response = await call('GET', url, { as: tenant.token })
        const again = await call('GET', url, { as: tenant.token, headers: { 'if-none-match': response.headers.get('etag') ?? '' } })
        expect(again.status).toBe(304)
        const content = await bytesOf(response)
        expect(content.length).toBe(bytes)
        return content
      }),
    )
    for (const glb of [plain, web])
      expect([glb?.toString('latin1', 0, 4), glb?.readUInt32LE(4), glb?.readUInt32LE(8)]).toEqual(['glTF', 2, glb?.length])
    expect([poster?.toString('latin1', 0, 4), poster?.toString('latin1', 8, 12)]).toEqual(['RIFF', 'WEBP'])
    expect([plain?.length, web?.length].map((size) => size ?? 0)).toEqual([
      expect.toSatisfy((size) => size <= 450 * 1024),
      expect.toSatisfy((size) => size <= 96 * 1024),
    ])
    const shown = await bytesOf(await call('GET', photo.url, { as: tenant.token }))
    expect(shown.toString('hex', 0, 3)).toBe('ffd8ff')
  })

  test('that is sent again asks for nothing more, and one key is one request', { timeout: patience }, async () => {
    const { id } = await ours.add()
    const content = platePhoto()
    const headers = { 'idempotency-key': unique('photo') }
    const [first, second] = [await ours.photo(id, content, headers), await ours.photo(id, content, headers)]
    expect(await expectStatus(second, 202)).toEqual(await expectStatus(first, 202))
    await ours.reaches(id, 'done')
    await expectStatus(ours.photo(id, content), 202)
    await ended(id)
    expect(await jobsOf(id)).toHaveLength(1)
  })

  test('replaced while its model is being made leaves one model, of the new photo', { timeout: patience }, async () => {
    const { id } = await ours.add()
    const first = await expectStatus<Dish>(ours.photo(id, platePhoto()), 202)
    await ours.reaches(id, 'running', 'done')
    const second = await expectStatus<Dish>(ours.photo(id, platePhoto()), 202)
    expect(second.model?.id).not.toBe(first.model?.id)
    const done = await ours.reaches(id, 'done')
    const jobs = await ended(id)
    expect(jobs.map(({ payload }) => payload.modelId)).toEqual([second.model?.id, first.model?.id])
    expect(jobs[0]?.state).toBe('completed')
    expect([done.served, done.model?.id]).toEqual([second.model?.id, second.model?.id])
    expect(await ours.get(id)).toEqual(done)
  })

  test('of a dish that is deleted meanwhile leaves nothing', { timeout: patience }, async () => {
    const { id } = await ours.add()
    await expectStatus(ours.photo(id, platePhoto()), 202)
    await using client = await follow<Model | null>(`/api/v1/dishes/${id}/events`, { as: tenant.token })
    await client.until(({ data }) => data?.state === 'running' || data?.state === 'done')
    await expectStatus(ours.remove(id), 204)
    await client.until(({ event }) => event === 'gone')
    expect(await client.next()).toBeUndefined()
    await ended(id)
    for (const file of ['', ...files.map((name) => `/${name}`), '/events']) {
      await expectProblem(call('GET', `/api/v1/dishes/${id}${file}`, { as: tenant.token }), 404, 'resource.not-found')
    }
  })

  test('goes with its model when it is deleted', { timeout: patience }, async () => {
    const { id } = await ours.add()
    await expectStatus(ours.photo(id, platePhoto()), 202)
    await ours.reaches(id, 'done')
    await expectStatus(call('DELETE', `/api/v1/dishes/${id}/photo`, { as: tenant.token }), 204)
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null, served: null })
    for (const file of files) await expectProblem(call('GET', `/api/v1/dishes/${id}/${file}`, { as: tenant.token }), 404)
  })
})

describe('what is no photo', () => {
  test.each<[what: string, content: () => Buffer, code: string]>([
    ['text', () => Buffer.from('This is not a photo. '.repeat(50)), 'photo.unreadable'],
    ['half a header', () => greyJpeg().subarray(0, 30), 'photo.unreadable'],
    ['a header of 50 000 × 50 000', immensePhoto, 'photo.too-many-pixels'],
    ['one pixel', () => platePhoto({ width: 1, height: 1 }), 'photo.unsupported'],
    ['nothing', () => Buffer.alloc(0), 'photo.unreadable'],
  ])('%s under the name of a JPEG is refused with a pointer to it', async (_what, content, code) => {
    const { id } = await ours.add()
    const problem = await expectProblem(ours.photo(id, content()), 422, code)
    expect(problem.errors?.map((error) => error.pointer)).toEqual(['/body/photo'])
    expect(await ours.get(id)).toMatchObject({ photo: null, model: null })
  })

  test.each<[what: string, content: () => Buffer, code: string]>([
    ['malware', eicar, 'file.infected'],
    ['malware in an archive behind a JPEG', () => Buffer.concat([greyJpeg(), zip([{ name: 'e.com', content: eicar() }])]), 'file.infected'],
    [
      'an encrypted archive behind a JPEG',
      () => Buffer.concat([greyJpeg(), zip([{ name: 'x', content: Buffer.from('x') }], { encrypted: true })]),
      'file.unscannable',
    ],
  ])('%s is refused, and what was there before stays', async (_what, content, code) => {
    const { id } = await ours.add()
    const { model } = await expectStatus<Dish>(ours.photo(id, platePhoto()), 202)
    await expectProblem(ours.photo(id, content()), 422, code)
    expect((await ours.get(id)).model?.id).toBe(model?.id)
    await ours.model(id, 'cancel')
  })

  test('a JPEG that is cut short fails once, says so at the dish, and is not kept', { timeout: patience }, async () => {
    const { id } = await ours.add()
    await expectStatus(ours.photo(id, greyJpeg({ share: 0.4 })), 202)
    const failed = await ours.reaches(id, 'failed', 'done')
    expect(failed).toMatchObject({ photo: null, served: null, model: { state: 'failed', attempt: 1, error: { code: 'photo.unreadable' } } })
    await expectProblem(ours.model(id, 'retry'), 409, 'job.not-retryable')
    await expectStatus(ours.photo(id, platePhoto()), 202)
    await ours.reaches(id, 'done')
  })

  test('more bytes than are accepted are refused before they are sent', async () => {
    const { id } = await ours.add()
    const headers = { authorization: `Bearer ${tenant.token}`, 'content-type': multipartType, 'content-length': String(2 ** 50) }
    const request = raw('PUT', `/api/v1/dishes/${id}/photo`, headers)
    const begin = form([{ name: 'photo', filename: 'immense.jpg', content: 'immense' }], { closed: false })
    const { status, body } = await answeredEarly(request, begin)
    expect([status, JSON.parse(body)]).toMatchObject([413, { code: 'file.too-large', limit: expect.any(Number) }])
  })
})

describe('a model', () => {
  test('is cancelled, and made after all when somebody asks again', { timeout: patience }, async () => {
    const { id } = await ours.add()
    await expectProblem(ours.model(id, 'cancel'), 409, 'job.not-retryable')
    await expectStatus(ours.photo(id, platePhoto()), 202)
    const cancelled = await expectStatus<Dish>(ours.model(id, 'cancel'), 200)
    expect(cancelled).toMatchObject({ served: null, model: { state: 'cancelled' } })
    await ended(id)
    expect(await ours.get(id)).toMatchObject({ served: null, model: { state: 'cancelled' } })
    const again = await expectStatus<Dish>(ours.model(id, 'retry'), 202)
    expect(again.model?.state).toBe('queued')
    await expectProblem(ours.model(id, 'retry'), 409, 'job.not-retryable')
    expect((await ours.reaches(id, 'done')).served).toBe(again.model?.id)
  })

  test('takes help, and stays as it was where the help is nonsense', { timeout: patience }, async () => {
    const { id } = await ours.add()
    const help = (json: object) => call('PATCH', `/api/v1/dishes/${id}/model`, { as: tenant.token, json })
    await expectProblem(help({ crop: null }), 409, 'resource.conflict')
    await expectStatus(ours.photo(id, platePhoto()), 202)
    const before = await ours.reaches(id, 'done')
    await expectProblem(help({ crop: { x: 0.5, y: 0, width: 0.9, height: 1 } }), 422, 'request.invalid')
    expect(await ours.get(id)).toEqual(before)
    const helped = await expectStatus<Dish>(help({ plate: { x: 0.5, y: 0.375, a: 0.38, b: 0.2, angle: 0 } }), 202)
    expect(helped.served).toBe(before.served)
    expect((await ours.reaches(id, 'done')).model?.result).toMatchObject({ method: 'plate', confidence: 1 })
  })
})

describe('the public menu', () => {
  test('shows what is visible to everybody, and nothing of what is not', { timeout: patience }, async () => {
    const { id } = await ours.add({ name: unique('Roast') })
    const hidden = await ours.add({ name: unique('Secret'), visible: false })
    await expectStatus(ours.photo(id, platePhoto()), 202)
    await ours.reaches(id, 'done')
    const { response, body } = await publicMenu()
    const maxAge = /^public, max-age=(\d+)$/.exec(response.headers.get('cache-control') ?? '')
    expect(Number(maxAge?.[1])).toBeLessThanOrEqual(60)
    const names = body?.uncategorised.map(({ name }) => name)
    expect(names).not.toContain(hidden.name)
    const shown = body?.uncategorised.find((dish) => dish.id === id)
    assert(shown?.model && shown.photo)
    const etag = response.headers.get('etag') ?? ''
    expect((await publicMenu({ 'if-none-match': etag })).response.status).toBe(304)
    const urls = [shown.photo.url, shown.model.plain, shown.model.web, shown.model.poster]
    const heads = await Promise.all(urls.map(async (url) => (await bytesOf(await visit(url))).toString('latin1', 0, 4)))
    expect(heads.slice(1)).toEqual(['glTF', 'glTF', 'RIFF'])
    await expectStatus(ours.change(id, { visible: false }), 200)
    for (const url of urls) await expectProblem(visit(url, { 'if-none-match': '*' }), 404, 'resource.not-found')
    const withdrawn = await publicMenu({ 'if-none-match': etag })
    expect(withdrawn.response.status).toBe(200)
    expect(withdrawn.body?.uncategorised.map((dish) => dish.id)).not.toContain(id)
    await expectStatus(ours.change(id, { visible: true }), 200)
    for (const url of urls) await expectProblem(visit(url.replace(tenant.slug, stranger.slug)), 404, 'resource.not-found')
  })

  test('is that of one tenant, which has to be named', async () => {
    await expectProblem(visit('/api/v1/public/menu'), 400, 'tenant.required')
    await expectProblem(visit(`/api/v1/public/menu?tenant=${unique('nobody')}`), 404, 'resource.not-found')
    expect((await visit('/api/v1/public/menu', { 'x-tenant-slug': here.tenant })).status).toBe(200)
    await expectProblem(visit(`/api/v1/public/menu?tenant=${here.tenant}`, { 'x-tenant-slug': tenant.slug }), 403, 'tenant.mismatch')
  })

  test('opens no other door', async () => {
    const { id } = await ours.add()
    for (const path of [
      '/api/v1/dishes',
      `/api/v1/dishes/${id}`,
      ...files.map((file) => `/api/v1/dishes/${id}/${file}`),
      `/api/v1/dishes/${id}/events`,
    ]) {
      await expectProblem(visit(path, { 'x-tenant-slug': tenant.slug }), 401)
    }
    const answer = await call('POST', `/api/v1/public/menu?tenant=${tenant.slug}`, { as: null, json: {} })
    expect([404, 405]).toContain(answer.status)
  })
})

describe('others', () => {
  test('see no dish of this tenant, nor anything of it', async () => {
    const { id, etag } = await ours.add()
    const theirs = kitchen(stranger.token)
    for (const path of ['', ...files.map((file) => `/${file}`), '/events']) {
      await expectProblem(call('GET', `/api/v1/dishes/${id}${path}`, { as: stranger.token }), 404, 'resource.not-found')
    }
    await expectProblem(theirs.change(id, { name: 'Mine' }, { 'if-match': etag }), 404)
    await expectProblem(theirs.photo(id, platePhoto()), 404)
    await expectProblem(theirs.model(id, 'cancel'), 404)
    await expectProblem(theirs.remove(id), 404)
    await expectProblem(call('PUT', '/api/v1/dishes/order', { as: stranger.token, json: { ids: [id] } }), 422, 'request.invalid')
    expect(await expectStatus(call('GET', '/api/v1/dishes', { as: stranger.token }), 200)).toMatchObject({ items: [] })
    expect((await ours.get(id)).etag).toBe(etag)
  })

  const changes = (as: string, id: string) => [
    call('POST', '/api/v1/dishes', { as, json: { name: 'X', price: { amount: 1 } } }),
    kitchen(as).change(id, { name: 'X' }),
    kitchen(as).photo(id, platePhoto()),
    kitchen(as).model(id, 'retry'),
    kitchen(as).remove(id),
    call('POST', '/api/v1/menus', { as, json: { name: 'X' } }),
  ]

  test('who may only look, look', async ({ skip }) => {
    const { id } = await ours.add()
    const viewer = await newMember(tenant, 'viewer')
    if (!viewer) skip('sign-up is not open here, or there is no mail catcher')
    assert(viewer)
    expect((await kitchen(viewer.token).get(id)).id).toBe(id)
    for (const change of changes(viewer.token, id)) await expectProblem(change, 403, 'auth.forbidden')
    await expectProblem(call('GET', '/api/v1/menu/jobs', { as: viewer.token }), 403, 'auth.forbidden')
  })

  test('with a key that may only read, read', async () => {
    const { id } = await ours.add()
    const { key } = await newKey(tenant.token, ['menu:read'])
    expect((await kitchen(key).get(id)).id).toBe(id)
    for (const change of changes(key, id)) await expectProblem(change, 403, 'auth.scope-missing')
    const { key: other } = await newKey(tenant.token, ['files:read'])
    await expectProblem(call('GET', `/api/v1/dishes/${id}`, { as: other }), 403, 'auth.scope-missing')
  })
})
