import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { CopyObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Connection, connect } from './connection.ts'
import { storageProblem } from './error.ts'

const place = { Bucket: 'b', Key: 'k' }
const seen: IncomingMessage[] = []
/** Takes requests and never answers, like a store whose process is stopped. */
const silent = createServer((request) => void seen.push(request.resume()))
let connection: Connection

beforeEach(async () => {
  seen.length = 0
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
  connection = connect({ endpoint, region: 'r', accessKey: 'a', secretKey: 's', pathStyle: true, bucketPrefix: '' }, 250)
})
afterEach(async () => {
  connection.client.destroy()
  silent.closeAllConnections()
  silent.close()
  await once(silent, 'close')
})

describe('a store that hangs', () => {
  it.each([
    ['read from', () => connection.client.send(new GetObjectCommand(place))],
    ['written to', () => connection.client.send(new PutObjectCommand({ ...place, Body: Buffer.from('x') }))],
  ])('is given up when it is %s, after three tries', async (_, send: () => Promise<unknown>) => {
    const failure = await send().catch((error: unknown) => error)
    expect(storageProblem(failure)).toMatchObject({ code: 'storage.unavailable', retryAfter: 5 })
    expect(seen).toHaveLength(3)
  })

  it('is waited for while it copies', async () => {
    const copied = connection.client.send(new CopyObjectCommand({ ...place, CopySource: 'b/o' }))
    copied.catch(() => undefined)
    const read = await connection.client.send(new GetObjectCommand(place)).catch((error: unknown) => error)
    expect(read).toMatchObject({ name: 'TimeoutError' })
    await setImmediate()
    expect(seen.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })
})
