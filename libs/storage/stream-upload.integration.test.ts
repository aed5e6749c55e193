import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { testStorage } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, connect } from './connection.ts'
import { bringBack, existingBuckets, listObjects } from './copies.ts'
import { createStorage, type Storage } from './storage.ts'
import { DigestError, partBytesFor, uploadStream } from './stream-upload.ts'
import { openVault, type Vault } from './vault.ts'

const mebibyte = 1_048_576
const bucket = 'copies'
let connection: Connection
let storage: Storage
let vault: Vault
let prefix: string

beforeAll(async () => {
  const { config, bucketPrefix } = await testStorage()
  prefix = bucketPrefix
  connection = connect(config)
  storage = createStorage(config)
  vault = openVault({ ...config, bucket: `${bucketPrefix}vault` })
  await Promise.all([storage.ensureBuckets([bucket]), vault.ensure()])
})
afterAll(async () => {
  connection.client.destroy()
  await Promise.all([storage[Symbol.asyncDispose](), vault[Symbol.asyncDispose]()])
})

const sizes = [0, 1, 8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 20 * mebibyte]

function inChunks(bytes: Buffer, length: number): Readable {
  const count = Math.ceil(bytes.length / length)
  return Readable.from(Array.from({ length: count }, (_, n) => bytes.subarray(n * length, (n + 1) * length)))
}

async function openUploads(of: string): Promise<number> {
  const { Uploads = [] } = await connection.client.send(new ListMultipartUploadsCommand({ Bucket: of }))
  return Uploads.length
}

describe('a stream', () => {
  test.each(sizes)('of %s bytes becomes an object, in chunks of any size', async (size) => {
    const bytes = randomBytes(size)
    const key = `of-${size}`
    const metadata = { sha256: 'as it was' }
    const digest = await uploadStream(connection, { bucket, key, source: inChunks(bytes, 777_777) }, { contentType: 'image/png', metadata })
    const { stream } = await storage.read({ bucket, key })
    expect(Buffer.concat(await stream.toArray()).equals(bytes)).toBe(true)
    expect(digest.size).toBe(size)
    expect(await storage.head({ bucket, key })).toMatchObject({ contentType: 'image/png', metadata, size })
  })

  test.each([
    ['a small one', 100],
    ['a large one', 9 * mebibyte],
  ])('of other bytes than expected leaves what was there: %s', async (_, size) => {
    const key = `expected-${size}`
    await uploadStream(connection, { bucket, key, source: Readable.from([Buffer.from('before')]) })
    const expected = { size, sha256: '0'.repeat(64) }
    const failing = uploadStream(connection, { bucket, key, source: inChunks(randomBytes(size), mebibyte) }, { expected })
    await expect(failing).rejects.toThrow(DigestError)
    expect(await storage.head({ bucket, key })).toMatchObject({ size: 6 })
    expect(await openUploads(`${prefix}${bucket}`)).toBe(0)
  })

  test('that breaks leaves no object and no open upload', async () => {
    async function* breaking() {
      yield randomBytes(17 * mebibyte)
      throw new Error('the source broke')
    }
    await expect(uploadStream(connection, { bucket, key: 'broken', source: breaking() })).rejects.toThrow('the source broke')
    expect(await storage.head({ bucket, key: 'broken' })).toBeUndefined()
    expect(await openUploads(`${prefix}${bucket}`)).toBe(0)
  })

  test('in parts that are large enough for all of it', () => {
    expect(partBytesFor(0)).toBe(8 * mebibyte)
    expect(partBytesFor(1024 ** 4) * 10_000).toBeGreaterThanOrEqual(1024 ** 4)
  })
})

describe('copies', () => {
  test('are listed page by page, never of quarantine', async () => {
    const own = 'many'
    await storage.ensureBuckets([own])
    const put = (n: number) =>
      uploadStream(connection, { bucket: own, key: `k-${String(n).padStart(5, '0')}`, source: Readable.from([Buffer.from('x')]) })
    for (let from = 0; from < 1100; from += 100) await Promise.all(Array.from({ length: 100 }, (_, n) => put(from + n)))
    const pages: string[][] = []
    for await (const page of listObjects(storage, own)) pages.push(page.map(({ key }) => key))
    expect(pages.map(({ length }) => length)).toEqual([1000, 100])
    expect(pages.flat()).toEqual(pages.flat().toSorted())
    await expect(listObjects(storage, 'quarantine').next()).rejects.toThrow('quarantine is not readable')
  })

  test('come back with other bytes never, and into quarantine never', async () => {
    const copy = { bucket, key: 'back', size: 3, sha256: '0'.repeat(64), contentType: 'text/plain', metadata: {} }
    await expect(bringBack(storage, copy, Readable.from([Buffer.from('abc')]))).rejects.toThrow(DigestError)
    expect(await storage.head(copy)).toBeUndefined()
    await expect(bringBack(storage, { ...copy, bucket: 'quarantine' }, Readable.from([]))).rejects.toThrow(/quarantine/)
  })

  test('are of buckets that are there', async () => {
    expect(await existingBuckets(storage, ['neither', bucket, 'nor'])).toEqual([bucket])
  })
})

describe('the vault', () => {
  test('lists, reads and removes what lies in it', async () => {
    for (const key of ['a/1', 'a/2', 'b/1']) await vault.put(key, Readable.from([Buffer.from(key)]))
    const listed: string[] = []
    for await (const page of vault.list('a/')) listed.push(...page.map(({ key, size }) => `${key} ${size}`))
    expect(listed).toEqual(['a/1 3', 'a/2 3'])
    expect(String(await (await vault.read('a/1')).stream.toArray())).toBe('a/1')
    await vault.remove(['a/1', 'a/2', 'never'])
    expect(await vault.head('a/1')).toBeUndefined()
    expect(await vault.head('b/1')).toMatchObject({ size: 3 })
  })

  test('ends old uploads of its own part only', async () => {
    const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3')
    for (const Key of ['postgres/x', 'content/y'])
      await connection.client.send(new CreateMultipartUploadCommand({ Bucket: vault.bucket, Key }))
    expect(await vault.abortUploads({ prefix: 'postgres/', olderThan: new Date(Date.now() - 60_000) })).toBe(0)
    expect(await vault.abortUploads({ prefix: 'postgres/', olderThan: new Date(Date.now() + 60_000) })).toBe(1)
    expect(await openUploads(vault.bucket)).toBe(1)
  })

  test('says whether its bucket is there', async () => {
    expect(await vault.exists()).toBe(true)
    const { config } = await testStorage()
    await using other = openVault({ ...config, bucket: `${prefix}never` })
    expect(await other.exists()).toBe(false)
  })
})
