import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { answer, scripted } from './client.fixtures.ts'
import type { Chaos, Fault } from './faults/fault.ts'
import { again } from './faults/postgres.ts'
import { faults } from './faults.ts'
import type { Replica } from './replica.ts'
import { openListener } from './way.ts'
import type { World } from './world.ts'

const named = (name: string): Fault => faults.find((fault) => fault.name === name) ?? expect.fail(`there is no ${name}`)

test('each has a name of its own, without a comma, by which it can be chosen', () => {
  const names = faults.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.includes(','))).toEqual([])
})

test('all of them and their pauses fit into a quarter of an hour', () => {
  // A minute and a half of kills, half a minute to begin, three minutes to settle; between two faults it is steady, then recovers.
  const held = faults.reduce((sum, { seconds }) => sum + seconds + 5 + 3, 0)
  expect(held + 90 + 30 + 180).toBeLessThan(900)
})

test('the short list is short', () => {
  expect(faults.filter(({ short }) => short).map(({ name }) => name)).toEqual(['api killed', 'clamd hung', 'redis wiped'])
})

test('without Redis, beside slow clients and beside rescans, requests go on', () => {
  const going = faults.filter(({ goesOn }) => goesOn).map(({ name }) => name)
  expect(going).toEqual(['everything rescanned', 'redis killed', 'redis wiped', 'redis out of memory', '2000 slow clients'])
})

test('only what flows from the object store may break off', () => {
  const breaking = faults.filter(({ breaks }) => breaks?.('GET'))
  expect(breaking.every(({ name }) => name.startsWith('s3'))).toBe(true)
  expect(breaking.some(({ breaks }) => breaks?.('POST'))).toBe(false)
})

/** Ready again a moment after each kill. */
function replicaOf(name: string, killed: string[], isReady = true): Replica {
  const kind = name.slice(0, -2)
  const state = { isReady }
  return {
    name,
    kind,
    restarts: 0,
    killedAt: 0,
    readyUrl: '',
    get isReady() {
      return state.isReady
    },
    kill() {
      killed.push(name)
      state.isReady = false
      setTimeout(() => (state.isReady = true), 20)
      return true
    },
    ready: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function chaosOf(replicas: readonly Replica[]) {
  const api = await scripted(answer(200))
  const notes: string[] = []
  const world = { replicas } as unknown as World
  const chaos: Chaos = { world, client: api.client, note: (text) => notes.push(text), signal: new AbortController().signal }
  return { ...api, chaos, notes }
}

test('never both of a kind are killed', { timeout: 30_000 }, async () => {
  const killed: string[] = []
  const replicas = [replicaOf('files-api-1', killed), replicaOf('files-api-2', killed, false), replicaOf('files-worker-1', killed)]
  const [down] = replicas
  await using given = await chaosOf(replicas)
  setTimeout(() => replicas[1]?.kill(), 1500)
  const heal = await named('api killed').begin(given.chaos)
  await heal?.()
  expect(down?.isReady).toBe(true)
  expect(killed[0]).toBe('files-api-2')
  expect(killed.every((name) => name.startsWith('files-api'))).toBe(true)
  expect(given.notes).toEqual(['3 kills'])
})

test('the same key fifty times: one answer for all is well', async () => {
  await using given = await chaosOf([])
  const api = await scripted(answer(201, { id: 'f1' }))
  await named('the same key fifty times').begin({ ...given.chaos, client: api.client })
  expect(api.asked.length).toBe(50)
  expect(new Set(api.asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
  expect([api.rules(), api.ledger.entries[0]?.state, given.notes]).toEqual([[], 'clean', ['50 of 50 answers are the same']])
  await api[Symbol.asyncDispose]()
})

test('the same key fifty times: another answer is a violation', async () => {
  await using given = await chaosOf([])
  const api = await scripted(answer(201, { id: 'f1' }), answer(201, { id: 'f2' }), answer(201, { id: 'f1' }))
  await named('the same key fifty times').begin({ ...given.chaos, client: api.client })
  expect(api.rules()).toEqual(['doubled'])
  await api[Symbol.asyncDispose]()
})

/** Begins it before a listener that says this to each whose headers have come to their end, and else waits for all of them to be there. */
async function slowClients(said?: string) {
  const sockets = new Set<Socket>()
  const openings: string[] = []
  const server = await openListener((socket) => {
    sockets.add(socket)
    socket.once('data', (data: Buffer) => {
      openings.push(data.toString('utf8'))
      if (said !== undefined && data.includes('\r\n\r\n')) socket.end(said)
    })
  })
  const given = await chaosOf([])
  const world = { filesPorts: [server.port] } as unknown as World
  const heal = await named('2000 slow clients').begin({ ...given.chaos, world })
  await expect.poll(() => openings.length, { timeout: 20_000 }).toBe(2000)
  const dispose = () => Promise.all([server[Symbol.asyncDispose](), given[Symbol.asyncDispose]()])
  return { ...given, sockets, openings, heal, [Symbol.asyncDispose]: async () => void (await dispose()) }
}

test('half of the slow clients never end their headers, all others come with credentials and do not end their body', async () => {
  await using slow = await slowClients()
  const bodies = slow.openings.filter((opening) => opening.includes('\r\n\r\n'))
  const admitted = bodies.filter((opening) => opening.includes(`\r\nauthorization: Bearer ${slow.client.apiKey}\r\n`))
  expect([bodies.length, admitted.length]).toEqual([1000, 1000])
  const leaving = Promise.all([...slow.sockets].map((socket) => once(socket, 'end')))
  await slow.heal?.()
  await leaving
  expect(slow.notes.at(-1)).toBe('0 of 2000 slow ones shown the door')
  // Nobody knows then whether they were let in.
  expect(slow.rules()).toEqual(['no-effect'])
})

test.each([
  ['503', []],
  ['401', ['no-effect']],
])('what slow clients are told is noted, and that they have to be let in: %s', async (status, rules) => {
  await using slow = await slowClients(`HTTP/1.1 ${status} Whatever\r\nconnection: close\r\n\r\n`)
  // Each leaves when it has been told.
  await expect.poll(() => [...slow.sockets].filter(({ readableEnded }) => readableEnded).length, { timeout: 20_000 }).toBe(1000)
  await slow.heal?.()
  expect(slow.notes.at(-1)).toBe(`1000 of 2000 slow ones shown the door: 1000 by a ${status}`)
  expect(slow.rules()).toEqual(rules)
})

test('what is done again and again ends when it is told to', async () => {
  let count = 0
  const end = again(5, async () => count++)
  await expect.poll(() => count).toBeGreaterThan(2)
  await end()
  const ended = count
  await new Promise((resolve) => setImmediate(resolve))
  expect(count).toBe(ended)
})

test.each([
  [0, ['no-effect']],
  [1, []],
])('s3 cut in mid-part goes on until a part was hit, and says so when none was: %i', { timeout: 60_000 }, async (cutParts, rules) => {
  const api = await scripted(answer(422, { code: 'file.infected' }))
  const s3Way = { manner: 'pass', cutParts: 0 }
  const notes: string[] = []
  const world = { stores: { s3Way } } as unknown as World
  const chaos: Chaos = { world, client: api.client, note: (text) => notes.push(text), signal: new AbortController().signal }
  const heal = await named('s3 cut in mid-part').begin(chaos)
  expect(s3Way.manner).toBe('cut')
  await expect.poll(() => api.asked.length).toBeGreaterThan(0)
  s3Way.cutParts = cutParts
  await heal?.()
  expect(s3Way.manner).toBe('pass')
  expect(notes).toEqual([expect.stringMatching(cutParts === 0 ? /^0 parts of 60 uploads cut$/ : /^1 parts of \d uploads cut$/)])
  expect(api.rules().filter((rule) => rule !== 'unexpected-answer')).toEqual(rules)
  await api[Symbol.asyncDispose]()
})
