import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openMenu } from './app.fixtures.ts'
import { follow } from './event-source.fixtures.ts'
import { authorization, holdModels, kitchen, type MenuTest, newTenant, platePhoto, startMenu, type Tenant } from './menu.fixtures.ts'

/** Two API processes and a worker in effect: each `openMenu` has connections of its own, and only the stores in common. */
let test: MenuTest
let other: Awaited<ReturnType<typeof openMenu>>
let workers: Awaited<ReturnType<MenuTest['work']>>
let tenant: Tenant
let ours: ReturnType<typeof kitchen>
const models = holdModels()
beforeAll(async () => {
  test = await startMenu({ wrap: models.wrap })
  other = await openMenu(test.settings)
  workers = await test.work()
})
afterAll(async () => {
  for (const part of [workers, other, test]) await part[Symbol.asyncDispose]()
})
beforeEach(() => {
  tenant = newTenant()
  ours = kitchen(test, { tenant })
})
afterEach(() => models.release())

const at = (url: string, dishId: string, lastEventId?: string) =>
  follow({ url, caller: { tenant, role: 'viewer' }, dishId, ...(lastEventId ? { lastEventId } : {}) })

describe('following a dish', () => {
  it('shows the present state first, then each change, whichever process it comes from', async () => {
    const { id } = await ours.dish()
    using client = await at(other.url, id)
    expect([client.status, client.headers.get('content-type'), client.headers.get('cache-control')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'no-store',
    ])
    expect(await client.next()).toMatchObject({ event: 'progress', data: null })
    const { body } = await ours.photo(id, await platePhoto())
    const events = await client.until(({ data }) => data?.state === 'done')
    expect(events[0]?.data).toEqual(body.model)
    expect(events.map(({ data }) => data.state)).toEqual(expect.arrayContaining(['queued', 'running', 'done']))
    const progress = events.map(({ data }) => data.progress)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    expect(events.at(-1)?.data).toEqual((await ours.get(id)).model)
  })

  it('goes on where it was, at another process, without a gap or a repetition', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    const first = await at(test.url, id)
    await models.reached()
    const seen = await first.until(({ data }) => data.state === 'running')
    first.close()
    models.release()
    await ours.reaches(id, 'done')
    using second = await at(other.url, id, seen.at(-1)?.id ?? '')
    const missed = await second.until(({ data }) => data.state === 'done')
    const steps = [...seen, ...missed].map(({ id }) => id)
    expect(steps).toEqual([...new Set(steps)])
    using third = await at(other.url, id)
    const [present] = await third.until(() => true)
    expect(present).toMatchObject({ id: missed.at(-1)?.id, data: { state: 'done' } })
  })

  it.each(['99999999999999-0', '1-0', 'nonsense', '<script>'])(
    'starts with the present state for the unknown id %s',
    async (lastEventId) => {
      const { id } = await ours.dish()
      await ours.help(id, null)
      using client = await at(test.url, id, lastEventId)
      expect(await client.next()).toMatchObject({ event: 'progress', data: null })
      models.hold()
      await ours.photo(id, await platePhoto())
      expect((await client.next())?.data).toMatchObject({ state: 'queued' })
      // Else it would be held in the way of others.
      await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
    },
  )

  it('ends when the dish is deleted', async () => {
    const { id } = await ours.dish()
    using client = await at(other.url, id)
    await client.next()
    await ours.call(`/api/v1/dishes/${id}`, { method: 'DELETE' })
    expect((await client.next())?.event).toBe('gone')
    expect(await client.next()).toBeNull()
  })

  it('tells of a cancellation and of a photo that is deleted', async () => {
    models.hold()
    const { id } = await ours.dish()
    await ours.photo(id, await platePhoto())
    await models.reached()
    using client = await at(other.url, id)
    await client.until(({ data }) => data.state === 'running')
    await ours.model(id, 'cancel')
    expect((await client.until(({ data }) => data.state === 'cancelled')).length).toBeGreaterThan(0)
    await ours.call(`/api/v1/dishes/${id}/photo`, { method: 'DELETE' })
    expect(await client.next()).toMatchObject({ event: 'progress', data: null })
  })

  it('answers HEAD, and says what is missing as a problem', async () => {
    const { id } = await ours.dish()
    const head = await ours.call(`/api/v1/dishes/${id}/events`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    const missing = await ours.call('/api/v1/dishes/019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b21/events')
    expect(missing).toMatchObject({ status: 404, body: { code: 'resource.not-found' } })
  })
})

describe('the places for clients', () => {
  it('are limited in all and per tenant, and are free again when a client goes', async () => {
    await using small = await openMenu({ ...test.settings, environment: { MENU_EVENT_CLIENTS: '6' } })
    const { id } = await ours.dish()
    const stranger = { tenant: newTenant() }
    const foreign = await kitchen(test, stranger).dish()
    const first = await at(small.url, id)
    using second = await at(small.url, id)
    await second.next()
    const third = await at(small.url, id)
    expect(third.status).toBe(429)
    using others = await follow({ url: small.url, caller: stranger, dishId: foreign.id })
    expect(others.status).toBe(200)
    first.close()
    // The server hears of it a moment later.
    const again = async (): Promise<number> => {
      const next = await at(small.url, id)
      next.close()
      return next.status === 429 ? await again() : next.status
    }
    expect(await again()).toBe(200)
    // HEAD takes no place for longer than its answer.
    for (let count = 0; count < 10; count++) {
      const { status } = await fetch(`${small.url}/api/v1/dishes/${foreign.id}/events`, {
        method: 'HEAD',
        headers: authorization(stranger),
      })
      expect([200, 429]).toContain(status)
    }
    using last = await follow({ url: small.url, caller: { tenant: newTenant() }, dishId: id })
    expect(last.status).toBe(404)
  })
})

describe('the end of the process', () => {
  it('ends the streams in order instead of waiting for them', async () => {
    const third = await openMenu(test.settings)
    const { id } = await ours.dish()
    using client = await at(third.url, id)
    await client.next()
    const ended = client.next()
    await third[Symbol.asyncDispose]()
    expect(await ended).toBeNull()
  })
})

describe('without Redis', () => {
  it('the row is looked at instead, and events are told again when it is back', async () => {
    await using lonely = await startMenu()
    const kitchenOfOurs = kitchen(lonely, { tenant })
    const { id } = await kitchenOfOurs.dish()
    using client = await at(lonely.url, id)
    await client.next()
    await lonely.redisServer.part.stop()
    await kitchenOfOurs.photo(id, await platePhoto())
    expect(await client.next()).toMatchObject({ data: { state: 'queued' } })
    using late = await at(lonely.url, id)
    expect(await late.next()).toMatchObject({ id: null, data: { state: 'queued' } })
    await kitchenOfOurs.model(id, 'cancel')
    expect(await client.next()).toMatchObject({ data: { state: 'cancelled' } })
    await lonely.redisServer.restart()
    await kitchenOfOurs.model(id, 'retry')
    expect(await client.next()).toMatchObject({ data: { state: 'queued' } })
    expect(await late.until(({ data }) => data.state === 'queued')).toBeTruthy()
  })
})
