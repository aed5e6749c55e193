import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '@slipway/stack'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../folders.fixtures.ts'
import { type ChildOptions, logTail, openLog, startChild } from './child.ts'
import { identify, isAlive } from './identity.ts'

const signal = new AbortController().signal

async function childOf(script: string, options: Partial<ChildOptions> = {}): Promise<ChildOptions> {
  const folder = temporaryFolder()
  const file = join(folder, 'child.mjs')
  writeFileSync(file, script)
  const [port = 0] = await freePorts(1)
  return {
    name: 'sample',
    command: process.execPath,
    args: [file],
    environment: { PORT: String(port) },
    folder,
    logFile: join(folder, 'sample.log'),
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
    readySeconds: 20,
    stopSeconds: 10,
    ...options,
  }
}

const server = (status: number) => `
  import { createServer } from 'node:http'
  createServer((request, response) => response.writeHead(${status}).end('as it is')).listen(process.env.PORT, '127.0.0.1')
`

test('is handed out when it answers ready, and ends in order at SIGTERM', async () => {
  const options = await childOf(`${server(200)}
    process.on('SIGTERM', () => { console.log('drained'); process.exit(0) })`)
  const spawned: number[] = []
  const running = await startChild(options, { signal, spawned: (pid) => spawned.push(pid) })
  expect(spawned).toEqual([running.pid])
  await running.stop()
  expect(await running.exited).toBe(0)
  expect(readFileSync(options.logFile, 'utf8')).toContain('drained')
})

test('one that ends before it is ready is told with the end of its log', async () => {
  const options = await childOf(`console.error('DATABASE_URL is not set'); process.exit(3)`)
  await expect(startChild(options, { signal, spawned: () => undefined })).rejects.toThrow(
    /sample ended \(code 3\) before it was ready:\n {4}DATABASE_URL is not set/,
  )
})

test('one that never becomes ready is told with its last answer, and killed', async () => {
  const options = await childOf(server(503), { readySeconds: 2 })
  let pid = 0
  await expect(startChild(options, { signal, spawned: (spawned) => (pid = spawned) })).rejects.toThrow(
    'sample was not ready within 2 s: 503 as it is',
  )
  expect(isAlive(identify(pid))).toBe(false)
})

test('an abort while it starts leaves nothing behind', async () => {
  const stop = new AbortController()
  const options = await childOf(server(503))
  let pid = 0
  const starting = startChild(options, {
    signal: stop.signal,
    spawned: (spawned) => {
      pid = spawned
      stop.abort(new Error('the stack stops'))
    },
  })
  await expect(starting).rejects.toThrow('the stack stops')
  expect(isAlive(identify(pid))).toBe(false)
})

test('one that ignores SIGTERM is killed after its time', async () => {
  const options = await childOf(
    `${server(200)}
    process.on('SIGTERM', () => undefined)`,
    { stopSeconds: 0.2 },
  )
  const running = await startChild(options, { signal, spawned: () => undefined })
  await running.stop()
  expect(await running.exited).toBeNull()
})

test('a command that does not exist is named', async () => {
  const options = await childOf('', { command: '/nowhere/node' })
  await expect(startChild(options, { signal, spawned: () => undefined })).rejects.toThrow('/nowhere/node is not executable')
})

test('a log that has grown large begins anew, the old one is kept', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'big.log')
  writeFileSync(file, Buffer.alloc(11 * 1024 * 1024, 'x'))
  openLog(file)
  expect(readFileSync(file)).toHaveLength(0)
  expect(readFileSync(`${file}.1`)).toHaveLength(11 * 1024 * 1024)
})

test('the tail of a log is its last lines, indented; of none, nothing', () => {
  const file = join(temporaryFolder(), 'a.log')
  expect(logTail(file)).toBe('')
  writeFileSync(file, 'one\ntwo\nthree\n')
  expect(logTail(file, 2)).toBe(':\n    two\n    three')
})
