import { connect, createServer } from 'node:net'
import { freePort } from '@slipway/stack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ClamdManner, openClamdWay, watchScan } from './clamd-way.ts'
import { portOf } from './way.ts'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

const infected = 'stream: Eicar-Test-Signature FOUND\0'

/** Finds something in everything, and tells how much of it has arrived. */
async function openClamd() {
  const state = { content: 0, ended: 0, commands: 0 }
  const server = createServer((socket) => {
    state.commands++
    const seen: Buffer[] = []
    const watch = watchScan({
      onContent: (bytes) => (state.content = bytes),
      onEnd: () => {
        state.ended++
        socket.end(infected)
      },
    })
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      watch.see(chunk)
      seen.push(chunk)
      if (Buffer.concat(seen).toString('latin1') === 'zPING\0') socket.end('PONG\0')
    })
  })
  stack.defer(() => void server.close())
  return { port: await portOf(server), state }
}

function frame(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const end = Buffer.alloc(4)
const scanOf = (...frames: Buffer[]) => Buffer.concat([Buffer.from('zINSTREAM\0'), ...frames.map(frame), end])

/** What clamd says, or null when the connection broke. */
function exchange(port: number, bytes: Buffer): Promise<string | null> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => (said += chunk.toString()))
    socket.once('error', () => resolve(null))
    socket.once('close', () => resolve(said === '' ? null : said))
  })
}

async function through(manner: ClamdManner, bytes: Buffer) {
  const clamd = await openClamd()
  const way = stack.use(await openClamdWay(clamd.port))
  way.manner = manner
  return { said: await exchange(way.port, bytes), ...clamd.state }
}

const content = Buffer.alloc(5000, 'x')

test('it leads to clamd and back', async () => {
  expect(await through('pass', scanOf(content))).toMatchObject({ said: infected, content: 5000, ended: 1 })
})

test('lie: all of it arrives, and what was found becomes "OK"', async () => {
  expect(await through('lie', scanOf(content))).toMatchObject({ said: 'stream: OK\0', content: 5000, ended: 1 })
})

test('first: not a byte of the content passes', async () => {
  expect(await through('first', scanOf(content))).toMatchObject({ said: null, ended: 0 })
})

test('middle: some of a large one passes, and a small one does not end', async () => {
  expect(await through('middle', scanOf(content))).toMatchObject({ said: null })
  expect(await through('middle', scanOf(Buffer.from('small')))).toMatchObject({ said: null })
})

test('verdict: clamd hears the end, and nobody hears clamd', async () => {
  expect((await through('verdict', scanOf(content))).said).toBeNull()
})

test.each(['first', 'middle', 'verdict', 'lie'] as const)('%s: other commands pass', async (manner) => {
  expect((await through(manner, Buffer.from('zPING\0'))).said).toBe('PONG\0')
})

test('a manner holds from the next connection on', async () => {
  const clamd = await openClamd()
  const way = stack.use(await openClamdWay(clamd.port))
  way.manner = 'verdict'
  expect(await exchange(way.port, scanOf(content))).toBeNull()
  way.manner = 'pass'
  expect(await exchange(way.port, scanOf(content))).toBe(infected)
})

test('without clamd the connection breaks', async () => {
  const way = stack.use(await openClamdWay(await freePort()))
  expect(await exchange(way.port, scanOf(content))).toBeNull()
})

test('frames are read at any cut', () => {
  const bytes = scanOf(Buffer.from('one'), Buffer.alloc(300, 'y'), Buffer.from('z'))
  for (const size of [1, 2, 3, 5, 11, 64, bytes.length]) {
    const seen: number[] = []
    let ends = 0
    const watch = watchScan({ onContent: (sum) => seen.push(sum), onEnd: () => ends++ })
    for (let from = 0; from < bytes.length; from += size) {
      expect(ends).toBe(0)
      watch.see(bytes.subarray(from, from + size))
    }
    expect([seen.at(-1), ends, watch.isScan()]).toEqual([304, 1, true])
  }
})
