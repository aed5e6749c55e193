import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { answer, breakOff, scripted } from './client.fixtures.ts'
import { insist } from './insist.ts'

const wish = { method: 'POST', path: '/api/v1/files', headers: { 'idempotency-key': 'k' }, body: Buffer.from('abc') }
const busy = answer(503, { code: 'scanner.unavailable' }, { 'retry-after': '0' })

test('an answer that means something is the end', async () => {
  await using api = await scripted(answer(201, { id: '1' }))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.asked).toMatchObject([
    { method: 'POST', headers: { authorization: 'Bearer slp_key', 'idempotency-key': 'k' }, body: wish.body },
  ])
  expect(api.rules()).toEqual([])
})

test.each([400, 404, 409, 422])('%i is the caller’s to judge', async (status) => {
  await using api = await scripted(answer(status, { code: 'something' }))
  expect(await insist(api.client, wish)).toMatchObject({ status })
  expect(api.rules()).toEqual([])
})

test('503 with Retry-After is repeated with the same key, and is no violation', async () => {
  await using api = await scripted(busy, busy, answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['k', 'k', 'k'])
  expect(api.rules()).toEqual([])
  expect(api.client.meter.slowestRefusal(0)).toBeGreaterThan(0)
})

test('503 without Retry-After is one', async () => {
  await using api = await scripted(answer(503), answer(201))
  await insist(api.client, wish)
  expect(api.rules()).toEqual(['no-retry-after'])
})

test.each([500, 502, 504, 507])('%i is a violation, and asked again', async (status) => {
  await using api = await scripted(answer(status), answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.rules()).toEqual(['server-error'])
})

test.each([408, 429])('%i is none that this client deserves, and asked again', async (status) => {
  await using api = await scripted(answer(status), answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.rules()).toEqual(['unexpected-answer'])
})

test('429 is an answer where a route has a limit of its own, with the time that is to pass', async () => {
  await using api = await scripted(answer(429, { code: 'rate.limited' }, { 'retry-after': '7' }))
  expect(await insist(api.client, { ...wish, isLimited: true })).toMatchObject({ status: 429 })
  expect(api.rules()).toEqual([])
})

test('429 without Retry-After is a violation there too', async () => {
  await using api = await scripted(answer(429, { code: 'rate.limited' }))
  expect(await insist(api.client, { ...wish, isLimited: true })).toMatchObject({ status: 429 })
  expect(api.rules()).toEqual(['no-retry-after'])
})

test('a key in use is waited for', async () => {
  await using api = await scripted(answer(409, { code: 'idempotency.in-progress' }, { 'retry-after': '0' }), answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.rules()).toEqual([])
})

test('a connection that breaks is a violation', async () => {
  await using api = await scripted(breakOff, answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.rules()).toEqual(['broken-connection'])
})

test('but not when what happens explains it', async () => {
  await using api = await scripted(breakOff, answer(201))
  api.state.mayBreak = true
  await insist(api.client, wish)
  expect(api.rules()).toEqual([])
})

test('half an answer is none', async () => {
  const half = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '10' }).write('half')
    setImmediate(() => response.socket?.destroy())
  }
  await using api = await scripted(half, answer(201))
  expect(await insist(api.client, wish)).toMatchObject({ status: 201 })
  expect(api.rules()).toEqual(['broken-connection'])
})

test('who has no answer when the run ends is told of', async () => {
  await using api = await scripted(answer(503, {}, { 'retry-after': '1' }))
  const pending = insist(api.client, wish)
  await expect.poll(() => api.asked.length).toBeGreaterThan(0)
  api.ending.abort()
  expect(await pending).toBeNull()
  expect(api.rules()).toEqual(['not-settled'])
})
