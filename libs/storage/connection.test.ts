import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Connection, connect } from './connection.ts'
import { storageProblem } from './error.ts'

const place = { Bucket: 'b', Key: 'k' }
/** Methods of the requests, in the order in which they came. */
const seen: string[] = []
/** Takes requests and answers as it is told: not at all, like a store whose process is stopped. */
let manner: (request: IncomingMessage) => 'answer' | 'nothing' | 'break'
const held: ServerResponse[] = []
const server = createServer((request, response) => {
  seen.push(request.method ?? '')
  request.resume()
  const what = manner(request)
  if (what === 'answer') response.end()
  else if (what === 'break') request.socket.resetAndDestroy()
  else held.push(response)
})
let connection: Connection

beforeEach(async () => {
  seen.length = 0
  held.length = 0
  manner = () => 'nothing'
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const options = { endpoint, region: 'r', accessKey: 'a', secretKey: 's', pathStyle: true, bucketPrefix: '' }
  connection = connect(options, { patience: { answer: 250, look: 50, silence: 100 } })
})
afterEach(async () => {
  connection.client.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

const get = () => connection.client.send(new GetObjectCommand(place))
const put = () => connection.client.send(new PutObjectCommand({ ...place, Body: Buffer.from('x') }))
const begin = () => connection.client.send(new CreateMultipartUploadCommand(place))
const failureOf = (answer: Promise<unknown>) => answer.then(() => null).catch((error: unknown) => error)
const others = () => seen.filter((method) => method !== 'HEAD')

/** As somebody has found out who waited for nothing. */
async function knownToBeSilent(): Promise<void> {
  await failureOf(get())
  seen.length = 0
}

describe('a store that hangs', () => {
  it.each([
    ['read from', get],
    ['written to', put],
    ['asked to begin an upload in parts', begin],
  ])('is given up when it is %s, after one try', async (_, send: () => Promise<unknown>) => {
    expect(storageProblem(await failureOf(send()))).toMatchObject({
      code: 'storage.unavailable',
      retryAfter: 5,
      cause: { name: 'StoreSilent' },
    })
    expect(others()).toHaveLength(1)
  })

  it('is not asked by those who come then, who are sent away at once', async () => {
    await knownToBeSilent()
    const failures = await Promise.all([get(), put(), get()].map(failureOf))
    expect(failures).toMatchObject([{ name: 'StoreSilent' }, { name: 'StoreSilent' }, { name: 'StoreSilent' }])
    expect(others()).toEqual([])
  })

  it('is asked again by everybody as soon as it has answered a look', async () => {
    await knownToBeSilent()
    manner = () => 'answer'
    await expect.poll(put).toBeDefined()
    const looks = seen.filter((method) => method === 'HEAD').length
    await Promise.all([get(), get()])
    expect(others()).toEqual(['PUT', 'GET', 'GET'])
    expect(seen.filter((method) => method === 'HEAD')).toHaveLength(looks)
  })

  it('is asked again when what was late comes after all', async () => {
    await knownToBeSilent()
    for (const response of held) response.end()
    manner = ({ method }) => (method === 'HEAD' ? 'nothing' : 'answer')
    await expect.poll(put).toBeDefined()
  })

  it.each([
    ['copies', 'PUT', () => connection.client.send(new CopyObjectCommand({ ...place, CopySource: 'b/o' }))],
    ['joins parts', 'POST', () => connection.client.send(new CompleteMultipartUploadCommand({ ...place, UploadId: 'u' }))],
    [
      'removes many objects',
      'POST',
      () => connection.client.send(new DeleteObjectsCommand({ Bucket: 'b', Delete: { Objects: [{ Key: 'k' }] } })),
    ],
  ] as [string, string, () => Promise<unknown>][])('is waited for while it %s', async (...[, method, act]) => {
    const done = act()
    done.catch(() => undefined)
    await expect.poll(others).toEqual([method])
    expect(await failureOf(get())).toMatchObject({ name: 'StoreSilent' })
    await setImmediate()
    expect(others()).toEqual([method, 'GET'])
  })

  it('is not looked at any more by who has left', async () => {
    await knownToBeSilent()
    connection.client.destroy()
    seen.length = 0
    // Longer than it takes to look several times, by the clock of what it waits for.
    manner = ({ method }) => (method === 'GET' ? 'nothing' : 'answer')
    expect(await failureOf(get())).toMatchObject({ name: 'TimeoutError' })
    expect(seen).toEqual(['GET', 'GET', 'GET'])
  })
})

describe('a request without an answer, of a store that is there', () => {
  it('is tried three times, and holds nobody up', async () => {
    manner = ({ method }) => (method === 'GET' ? 'nothing' : 'answer')
    const failure = failureOf(get())
    await expect.poll(others).toEqual(['GET', 'GET'])
    await put()
    expect(await failure).toMatchObject({ name: 'TimeoutError' })
    expect(others()).toEqual(['GET', 'GET', 'PUT', 'GET'])
  })

  it('is no failure when the next try has one', async () => {
    let tries = 0
    manner = ({ method }) => (method === 'PUT' && tries++ === 0 ? 'nothing' : 'answer')
    await put()
    expect(others()).toEqual(['PUT', 'PUT'])
  })
})

describe('a connection that breaks', () => {
  it('is no silence: others are not held up, and the next try is made at once', async () => {
    let tries = 0
    manner = ({ method }) => (method === 'GET' && tries++ === 0 ? 'break' : 'answer')
    await Promise.all([get(), put(), put()])
    expect(seen.filter((method) => method === 'HEAD')).toEqual([])
    expect(others().toSorted()).toEqual(['GET', 'GET', 'PUT', 'PUT'])
  })

  it('ends a doubt, as whoever asks is told so at once', async () => {
    await knownToBeSilent()
    manner = () => 'break'
    await expect.poll(() => failureOf(get())).toMatchObject({ code: 'ECONNRESET' })
  })
})

it('a store that is not there refuses everybody itself', async () => {
  await knownToBeSilent()
  server.closeAllConnections()
  server.close()
  await expect.poll(() => failureOf(get())).toMatchObject({ code: 'ECONNREFUSED' })
  server.listen(0, '127.0.0.1')
})
