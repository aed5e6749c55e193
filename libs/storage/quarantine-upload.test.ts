import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { connect } from './connection.ts'
import { type Part, partBytes } from './part-pool.ts'
import { QuarantineUpload } from './quarantine-upload.ts'

/** No store: nothing here gets as far as a request. */
const options = { endpoint: 'http://127.0.0.1:1', region: 'r', accessKey: 'a', secretKey: 's', pathStyle: true, bucketPrefix: 'p-' }

function waitingPool() {
  const turn = Promise.withResolvers<void>()
  const pool = {
    held: 0,
    hasSpare: true,
    comes: turn.resolve,
    async take(): Promise<Part> {
      await turn.promise
      pool.held++
      return { bytes: Buffer.alloc(partBytes), release: () => void pool.held-- }
    },
  }
  return pool
}

describe('the memory of an upload', () => {
  it('is given back also when it comes after the upload was given up', async () => {
    const parts = waitingPool()
    const upload = new QuarantineUpload({ ...connect(options), parts }, { key: 'k', signal: new AbortController().signal })
    const appending = upload.append(Buffer.alloc(100_000))
    const refused = expect(appending).rejects.toMatchObject({ name: 'AbortError' })
    await upload.abort()
    parts.comes()
    await refused
    expect(parts.held).toBe(0)
  })

  it('is given back once, however often it is given up', async () => {
    const parts = waitingPool()
    parts.comes()
    const upload = new QuarantineUpload({ ...connect(options), parts }, { key: 'k', signal: new AbortController().signal })
    await upload.append(Buffer.alloc(100_000))
    expect(parts.held).toBe(1)
    await Promise.all([upload.abort(), upload.abort()])
    expect(parts.held).toBe(0)
  })

  it('is not asked for by content that fits without', async () => {
    const parts = waitingPool()
    const upload = new QuarantineUpload({ ...connect(options), parts }, { key: 'k', signal: new AbortController().signal })
    await upload.append(Buffer.alloc(65_536))
    await upload.abort()
    expect(parts.held).toBe(0)
  })
})

describe('giving up on a store that hangs', () => {
  it('is done at once: what may be there is left to the sweep', async () => {
    const asked: string[] = []
    const server = createServer(({ method = '' }) => void asked.push(method)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const connection = connect({ ...options, endpoint }, { patience: { answer: 500, look: 100, silence: 100 } })
    const upload = new QuarantineUpload(connection, { key: 'k', signal: new AbortController().signal, abortMilliseconds: 100 })
    await upload.append(Buffer.alloc(10))
    await expect(upload.complete(createHash('sha256').update(Buffer.alloc(10)).digest('hex'))).rejects.toMatchObject({
      code: 'storage.unavailable',
    })
    await upload.abort()
    expect(asked.filter((method) => method !== 'HEAD')).toEqual(['PUT'])
    connection.client.destroy()
    server.closeAllConnections()
    server.close()
  })
})
