import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '@slipway/stack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { brokeByKill, startReplica } from './replica.ts'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

const signal = new AbortController().signal
const ready = `
  import { createServer } from 'node:http'
  createServer((request, response) => response.end('ok')).listen(process.env.PORT, '127.0.0.1')
  process.on('SIGTERM', () => process.exit(0))
`

async function replicaOf(script: string, environment: () => Record<string, string> = () => ({})) {
  const folder = temporaryFolder()
  const file = join(folder, 'sample.mjs')
  writeFileSync(file, script)
  const [port = 0] = await freePorts(1)
  const ends: string[] = []
  const child = () => ({
    name: 'sample-1',
    command: process.execPath,
    args: [file],
    environment: { PORT: String(port), ...environment() },
    folder,
    logFile: join(folder, 'sample.log'),
    readyUrl: `http://127.0.0.1:${port}/`,
    readySeconds: 30,
    stopSeconds: 10,
  })
  const replica = stack.use(startReplica({ name: 'sample-1', kind: 'sample', child, onOwnEnd: (what) => ends.push(what) }))
  return { replica, ends, url: `http://127.0.0.1:${port}/` }
}

test('it becomes ready, and ends in order', async () => {
  const { replica, ends, url } = await replicaOf(ready)
  expect(replica.isReady).toBe(false)
  await replica.ready(30_000, signal)
  expect([replica.isReady, replica.restarts]).toEqual([true, 0])
  await replica[Symbol.asyncDispose]()
  await expect(fetch(url)).rejects.toThrow()
  expect(ends).toEqual([])
})

test('one that is killed comes back, and is no news', async () => {
  const { replica, ends } = await replicaOf(ready)
  await replica.ready(30_000, signal)
  expect(replica.kill()).toBe(true)
  expect([replica.isReady, replica.kill()]).toEqual([false, false])
  await replica.ready(30_000, signal)
  expect([replica.restarts, ends]).toEqual([1, []])
  expect(replica.killedAt).toBeGreaterThan(0)
})

test('it starts with the environment of the moment', async () => {
  let says = 'first'
  const script = ready.replace("'ok'", 'process.env.SAYS')
  const { replica, url } = await replicaOf(script, () => ({ SAYS: says }))
  await replica.ready(30_000, signal)
  says = 'second'
  expect(await (await fetch(url)).text()).toBe('first')
  replica.kill()
  await replica.ready(30_000, signal)
  expect(await (await fetch(url)).text()).toBe('second')
})

test('one that ends by itself is told of, and comes back', async () => {
  const { replica, ends, url } = await replicaOf(
    ready.replace("response.end('ok')", "request.url === '/end' ? process.exit(7) : response.end('ok')"),
  )
  await replica.ready(30_000, signal)
  await expect(fetch(`${url}end`)).rejects.toThrow()
  await expect.poll(() => replica.restarts, { timeout: 20_000 }).toBe(1)
  expect(ends).toEqual(['sample-1 ended by itself: code 7'])
})

test('one that does not even start is told of, with its last words', async () => {
  const { ends } = await replicaOf(`console.log('no such thing'); process.exit(3)`)
  await expect.poll(() => ends.length, { timeout: 20_000 }).toBeGreaterThan(0)
  expect(ends[0]).toContain('sample-1 ended (code 3) before it was ready')
  expect(ends[0]).toContain('no such thing')
})

test('another’s kill is not ours', async () => {
  const { replica, ends, url } = await replicaOf(ready.replace("'ok'", 'String(process.pid)'))
  await replica.ready(30_000, signal)
  process.kill(Number(await (await fetch(url)).text()), 'SIGKILL')
  await expect.poll(() => ends.length, { timeout: 20_000 }).toBe(1)
})

test('a kill explains what broke of its kind, at that time or a moment after', () => {
  const replicas = [
    { kind: 'files-api', killedAt: Number.NEGATIVE_INFINITY },
    { kind: 'files-api', killedAt: 5000 },
    { kind: 'files-worker', killedAt: 9000 },
  ]
  const explains = (began: number) => brokeByKill(replicas, 'files-api', began)
  expect([4000, 6000, 6001, 9000].map(explains)).toEqual([true, true, false, false])
  expect(brokeByKill(replicas, 'files-worker', 9000)).toBe(true)
})
