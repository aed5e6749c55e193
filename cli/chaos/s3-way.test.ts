import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { buffer, text } from 'node:stream/consumers'
import { freePort } from '@slipway/stack'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openS3Way, type S3Manner, type S3Way } from './s3-way.ts'
import { portOf } from './way.ts'

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: number
}

let stack: AsyncDisposableStack
let store: Server
let seen: Seen[]
let way: S3Way
let chance: number
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  seen = []
  chance = 0
  const take = async (asked: IncomingMessage, answer: ServerResponse) => {
    const { method = '', url = '', headers } = asked
    seen.push({ method, url, headers, bytes: (await buffer(asked)).length })
    answer.writeHead(200, { etag: '"1"', 'content-length': '40000' }).end(Buffer.alloc(40_000, 'x'))
  }
  store = createServer((asked, answer) => void take(asked, answer).catch(() => answer.destroy()))
  stack.defer(() => {
    store.close()
    store.closeAllConnections()
  })
  way = stack.use(await openS3Way({ port: await portOf(store), slowMilliseconds: 300, random: () => chance }))
})
afterEach(() => stack.disposeAsync())

/** Null = the connection broke. */
function ask(method: string, path: string, body?: Buffer): Promise<{ status: number; body: string } | null> {
  return new Promise((resolve) => {
    const headers = { host: 'bucket.signed.example', 'x-amz-date': '20261121T093000Z', ...(body ? { 'content-length': body.length } : {}) }
    const asked = request({ host: '127.0.0.1', port: way.port, method, path, headers, agent: false }, (answer) => {
      text(answer).then(
        (said) => resolve({ status: answer.statusCode ?? 0, body: said }),
        () => resolve(null),
      )
    })
    asked.once('error', () => resolve(null))
    asked.end(body)
  })
}

const part = Buffer.alloc(200_000, 'p')

test('what is signed arrives as it was signed, and the answer comes back', async () => {
  expect((await ask('PUT', '/b/k?partNumber=1&uploadId=u%2F1', part))?.body).toHaveLength(40_000)
  expect(seen).toMatchObject([
    {
      method: 'PUT',
      url: '/b/k?partNumber=1&uploadId=u%2F1',
      bytes: 200_000,
      headers: { host: 'bucket.signed.example', 'x-amz-date': '20261121T093000Z' },
    },
  ])
})

test('errors: one in twenty is answered with 500 and not passed on', async () => {
  way.manner = 'errors'
  chance = 0.049
  expect(await ask('PUT', '/b/k', part)).toMatchObject({ status: 500, body: expect.stringContaining('<Code>InternalError</Code>') })
  expect(seen).toEqual([])
  chance = 0.05
  expect(await ask('PUT', '/b/k', part)).toMatchObject({ status: 200 })
})

test('full: what would write is refused; reading and removing go on', async () => {
  way.manner = 'full'
  expect(await ask('PUT', '/b/k', part)).toMatchObject({ status: 507, body: expect.stringContaining('<Code>InsufficientStorage</Code>') })
  expect(await ask('POST', '/b/k?uploads')).toMatchObject({ status: 507 })
  expect(seen).toEqual([])
  expect(await ask('GET', '/b/k')).toMatchObject({ status: 200 })
  expect(await ask('DELETE', '/b/k')).toMatchObject({ status: 200 })
  expect(await ask('POST', '/b?delete', Buffer.from('<Delete/>'))).toMatchObject({ status: 200 })
})

test('slow: it takes its time, and is right', async () => {
  way.manner = 'slow'
  const began = performance.now()
  expect(await ask('PUT', '/b/k', part)).toMatchObject({ status: 200 })
  expect(performance.now() - began).toBeGreaterThanOrEqual(290)
})

test('slow: whoever does not wait leaves no connection to the store behind', async () => {
  way.manner = 'slow'
  const leave = (method: string) =>
    new Promise<void>((resolve) => {
      const asked = request({ host: '127.0.0.1', port: way.port, method, path: '/b/k', agent: false, timeout: 100 })
      asked.once('timeout', () => asked.destroy())
      asked.once('error', () => undefined)
      asked.once('close', () => resolve())
      if (method === 'GET') asked.end()
      else asked.write('the first part')
    })
  await Promise.all(['GET', 'PUT', 'GET', 'PUT', 'GET', 'PUT'].map(leave))
  expect(await ask('GET', '/b/k')).toMatchObject({ status: 200 })
  expect(seen).toHaveLength(1)
  // That of the one who has waited may be kept.
  expect(await new Promise((resolve) => void store.getConnections((_, count) => resolve(count)))).toBeLessThanOrEqual(1)
})

test('cut: one body in four breaks off, whichever way it goes', async () => {
  way.manner = 'cut'
  chance = 0.24
  expect(await ask('PUT', '/b/k', part)).toBeNull()
  expect(seen).toEqual([])
  expect(await ask('GET', '/b/k')).toBeNull()
  chance = 0.25
  expect(await ask('PUT', '/b/k', part)).toMatchObject({ status: 200 })
})

test('cut: parts that were cut are counted', async () => {
  way.manner = 'cut'
  chance = 0.25
  await ask('PUT', '/b/k?partNumber=1&uploadId=u', part)
  chance = 0
  await ask('PUT', '/b/k', part)
  await ask('GET', '/b/k?partNumber=1')
  expect(way.cutParts).toBe(0)
  await ask('PUT', '/b/k?partNumber=1&uploadId=u', part)
  await ask('PUT', '/b/k?uploadId=u&partNumber=2', part)
  expect(way.cutParts).toBe(2)
})

test.each<S3Manner>(['pass', 'cut', 'slow'])('%s: a store that is away is a connection that breaks', async (manner) => {
  const alone = stack.use(await openS3Way({ port: await freePort(), slowMilliseconds: 1 }))
  alone.manner = manner
  way = alone
  expect(await ask('GET', '/b/k')).toBeNull()
})
