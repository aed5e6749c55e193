import { expect, test } from 'vitest'
import { answer, scripted } from './client.fixtures.ts'
import { measurePace, startLoad } from './load.ts'

/** Clean, whatever it is. */
const accept = answer(422, { code: 'file.infected' })

test('it keeps its pace, whatever the answers', async () => {
  await using api = await scripted(accept)
  const load = startLoad(api.client, 40)
  await expect.poll(() => api.asked.length, { timeout: 20_000 }).toBeGreaterThan(60)
  await load.stop()
  expect(load.underWay).toBe(0)
  const count = api.asked.length
  expect(api.ledger.entries.filter(({ isInfected }) => isInfected).length).toBeGreaterThan(0)
  expect(api.ledger.entries.filter(({ isInfected }) => !isInfected).length).toBeGreaterThan(0)
  expect(api.asked.length).toBe(count)
})

test('every upload has a key of its own', async () => {
  await using api = await scripted(accept)
  const load = startLoad(api.client, 100)
  await expect.poll(() => api.asked.length, { timeout: 20_000 }).toBeGreaterThan(30)
  await load.stop()
  const keys = api.asked.flatMap(({ headers, method }) => (method === 'POST' ? [headers['idempotency-key']] : []))
  expect(new Set(keys).size).toBe(keys.length)
})

test('without answers it holds back instead of growing without end', async () => {
  await using api = await scripted(() => undefined)
  const load = startLoad(api.client, 200)
  await expect.poll(() => load.held, { timeout: 40_000 }).toBeGreaterThan(50)
  expect(load.underWay).toBe(1600)
  api.ending.abort()
  api.state.mayBreak = true
  const stopped = load.stop()
  await api[Symbol.asyncDispose]()
  await stopped
})

test('the pace is half of what is carried, within bounds', async () => {
  await using api = await scripted(accept)
  const pace = await measurePace(api.client, 1)
  expect(pace).toBeGreaterThanOrEqual(4)
  expect(pace).toBeLessThanOrEqual(40)
})
