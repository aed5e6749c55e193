import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { freePort } from '@slipway/stack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBalancer, openListener, portOf, reach } from './way.ts'

let stack: AsyncDisposableStack
beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(() => stack.disposeAsync())

/** Says its name to whoever has said all, and how many bytes that were. */
async function named(name: string): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    void text(socket).then(
      (said) => socket.end(`${name} ${said.length}`),
      () => undefined,
    )
  })
  stack.defer(() => void server.close())
  return portOf(server)
}

async function say(port: number, words: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.end(words)
  return text(socket)
}

test('each connection goes to the next of them', async () => {
  const balancer = stack.use(await openBalancer([await named('one'), await named('two')]))
  const answers: string[] = []
  for (let turn = 0; turn < 4; turn++) answers.push(await say(balancer.port, 'x'))
  expect(answers).toEqual(['one 1', 'two 1', 'one 1', 'two 1'])
})

test('one that refuses is passed by', async () => {
  const balancer = stack.use(await openBalancer([await freePort(), await named('two')]))
  const answers = await Promise.all(Array.from({ length: 6 }, () => say(balancer.port, 'x')))
  expect(new Set(answers)).toEqual(new Set(['two 1']))
})

test('with none of them there is no answer', async () => {
  const balancer = stack.use(await openBalancer([await freePort(), await freePort()]))
  expect(await say(balancer.port, 'x').catch(() => '')).toBe('')
})

test('all bytes arrive, in both directions', async () => {
  const balancer = stack.use(await openBalancer([await named('one')]))
  expect(await say(balancer.port, 'x'.repeat(3_000_000))).toBe('one 3000000')
})

test('a target that breaks off breaks the client too', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
  stack.defer(() => void server.close())
  const balancer = stack.use(await openBalancer([await portOf(server)]))
  const client = connect(balancer.port, '127.0.0.1')
  client.on('error', () => undefined)
  client.write('x')
  await once(client, 'close')
})

test('closing cuts what is under way and refuses the next', async () => {
  const seen: Socket[] = []
  const way = await openListener((client) => void seen.push(client))
  const client = connect(way.port, '127.0.0.1')
  client.on('error', () => undefined)
  const closed = once(client, 'close')
  await once(client, 'connect')
  await expect.poll(() => seen.length).toBe(1)
  client.resume()
  await way[Symbol.asyncDispose]()
  await closed
  expect(await reach(way.port)).toBeNull()
})
