import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checksumFromHex, checksumOf } from './checksum.ts'
import { type GateUnderTest, openGate, openUploads, quarantined, readable, streamed } from './gate.fixtures.ts'
import { connectionOf } from './storage.ts'

const mebibyte = 1_048_576
let under: GateUnderTest
let client: S3Client
beforeEach(async () => {
  under = await openGate()
  client = connectionOf(under.storage).client
})
afterEach(() => under[Symbol.asyncDispose]())

interface Sent {
  method: string
  headers: Record<string, string>
  body?: unknown
}

/** Sees what is signed already, and may change it on its way. */
function onTheWay(see: (request: Sent) => void): void {
  client.middlewareStack.add((next) => (call) => (see(call.request as Sent), next(call)), {
    step: 'finalizeRequest',
    priority: 'low',
    name: 'onTheWay',
  })
}

const accept = (content: Buffer) =>
  under.gate.accept(streamed(content), { bucket: readable, key: randomUUID(), tenantId: 'tenant-1', maxBytes: 64 * mebibyte })

describe('what the store is to compare the bytes with', () => {
  it('is the same in both forms, for a body that is hashed and for a digest that is known', () => {
    const bytes = randomBytes(1000)
    expect(checksumOf(bytes)).toBe(createHash('sha256').update(bytes).digest('base64'))
    expect(checksumFromHex(createHash('sha256').update(bytes).digest('hex'))).toBe(checksumOf(bytes))
  })

  it.each([
    ['nothing', 0, 1],
    ['a small upload', 1000, 1],
    ['a large upload', 9 * mebibyte, 2],
  ])('is the SHA-256 of what is sent, and signed: %s', async (_, size, bodies) => {
    const sent: Sent[] = []
    onTheWay((request) => void (Buffer.isBuffer(request.body) && sent.push({ ...request, body: Buffer.from(request.body) })))
    const content = randomBytes(size)
    const accepted = await accept(content)
    if (!accepted.promote) throw new Error('expected a clean verdict')
    expect(sent).toHaveLength(bodies)
    for (const { headers, body } of sent) {
      const sha256 = createHash('sha256').update(body as Buffer)
      expect(headers).toMatchObject({
        'x-amz-content-sha256': sha256.copy().digest('hex'),
        'x-amz-checksum-sha256': sha256.digest('base64'),
      })
      expect(headers['authorization']).toMatch(/SignedHeaders=[^,]*x-amz-checksum-sha256[^,]*x-amz-content-sha256/)
      // A second algorithm beside it would be refused by AWS.
      expect(Object.keys(headers).filter((name) => /crc|sdk-checksum/.test(name))).toEqual([])
    }
    await accepted.promote()
    expect(createHash('sha256').update(content).digest('hex')).toBe(accepted.sha256)
  })

  it('is not hashed again for the signature', async () => {
    let signed = ''
    onTheWay(({ headers }) => void (signed = headers['x-amz-content-sha256'] ?? ''))
    const other = checksumOf(Buffer.from('other bytes'))
    const Bucket = connectionOf(under.storage).bucket(readable)
    const putting = client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.from('bytes'), ChecksumSHA256: other }))
    await expect(putting).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
    expect(signed).toBe(Buffer.from(other, 'base64').toString('hex'))
  })

  it('is left to the SDK for whoever names none', async () => {
    let headers: Record<string, string> = {}
    onTheWay((request) => void (headers = request.headers))
    const Bucket = connectionOf(under.storage).bucket(readable)
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.from('bytes') }))
    expect(headers).toMatchObject({
      'x-amz-content-sha256': createHash('sha256').update('bytes').digest('hex'),
      'x-amz-checksum-crc32': expect.any(String),
    })
    expect(await buffer((await under.storage.read({ bucket: readable, key: 'k' })).stream)).toEqual(Buffer.from('bytes'))
  })
})

describe('bytes that change on their way to the store', () => {
  it.each([
    ['a small upload', 1000],
    ['a large upload', 9 * mebibyte],
  ])('are refused, and nothing of them stays: %s', async (_, size) => {
    onTheWay((request) => {
      if (!Buffer.isBuffer(request.body)) return
      const changed = Buffer.from(request.body)
      changed.writeUInt8(changed.readUInt8(7) ^ 1, 7)
      request.body = changed
    })
    await expect(accept(randomBytes(size))).rejects.toMatchObject({ code: 'storage.unavailable', retryAfter: 5 })
    expect(await quarantined(under.storage)).toEqual([])
    expect(await openUploads(under.storage)).toBe(0)
  })
})
