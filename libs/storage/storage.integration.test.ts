import { randomBytes, randomUUID } from 'node:crypto'
import { buffer, text } from 'node:stream/consumers'
import { CreateMultipartUploadCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { freePort } from '@slipway/stack'
import { testStorage } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateUnderTest, openGate, openUploads, quarantined, readable, streamed } from './gate.fixtures.ts'
import type { ObjectRef } from './object.ts'
import { promote } from './promotion.ts'
import { connectionOf, createStorage } from './storage.ts'
import { abortOpenUploads, sweepBucket, sweepQuarantine } from './sweep.ts'

let under: GateUnderTest
beforeAll(async () => {
  under = await openGate()
})
afterAll(() => under[Symbol.asyncDispose]())

const tomorrow = () => new Date(Date.now() + 86_400_000)
const yesterday = () => new Date(Date.now() - 86_400_000)

async function accept({ gate }: GateUnderTest, content: Buffer, key: string = randomUUID()) {
  const accepted = await gate.accept(streamed(content), { bucket: readable, key, tenantId: 't', maxBytes: content.length })
  if (!accepted.promote) throw new Error('expected a clean verdict')
  return accepted
}

async function store(made: GateUnderTest, content: Buffer, key?: string): Promise<ObjectRef & { etag: string }> {
  return await (await accept(made, content, key)).promote({ contentType: 'text/plain' })
}

describe('buckets', () => {
  it('are made where they are missing, once, by however many processes', async () => {
    const { config } = await testStorage()
    const storages = Array.from({ length: 5 }, () => createStorage(config))
    const [first] = storages
    if (!first) throw new Error('no storage')
    await expect(first.ready()).rejects.toMatchObject({ code: 'storage.unavailable' })
    await Promise.all(storages.map((storage) => storage.ensureBuckets(['one', 'two'])))
    expect(await first.ensureBuckets(['one', 'two', 'three', 'three'])).toEqual(['three'])
    await first.ready()
    for (const storage of storages) await storage[Symbol.asyncDispose]()
  })

  it('are unavailable without a store, and with keys that are not valid', async () => {
    const { config } = await testStorage()
    const changes = [{ endpoint: `http://127.0.0.1:${await freePort()}` }, { secretKey: 'wrong' }, { accessKey: 'nobody' }]
    for (const change of changes) {
      await using storage = createStorage({ ...config, ...change })
      await expect(storage.ready()).rejects.toMatchObject({ code: 'storage.unavailable', status: 503, retryAfter: 5 })
      await expect(storage.ensureBuckets([])).rejects.toMatchObject({ code: 'storage.unavailable' })
      await expect(storage.head({ bucket: 'x', key: 'y' })).rejects.toMatchObject({ code: 'storage.unavailable' })
    }
  })
})

describe('reading', () => {
  const content = Buffer.from('0123456789')
  let ref: ObjectRef & { etag: string }
  beforeAll(async () => {
    ref = await store(under, content)
  })

  it.each([
    [{ start: 0, end: 0 }, '0', { start: 0, end: 0 }],
    [{ start: 3, end: 5 }, '345', { start: 3, end: 5 }],
    [{ start: 7 }, '789', { start: 7, end: 9 }],
    [{ start: 7, end: 100 }, '789', { start: 7, end: 9 }],
    [{ suffix: 2 }, '89', { start: 8, end: 9 }],
  ])('gives the range %j', async (asked, bytes, range) => {
    const found = await under.storage.read(ref, { range: asked })
    expect(found).toMatchObject({ size: 10, range, etag: ref.etag, contentType: 'text/plain' })
    expect(await text(found.stream)).toBe(bytes)
  })

  it('gives all without a range', async () => {
    const found = await under.storage.read(ref)
    expect(found).toMatchObject({ size: 10, etag: ref.etag, contentType: 'text/plain' })
    expect(found.range).toBeUndefined()
    expect(await buffer(found.stream)).toEqual(content)
  })

  it('says what it cannot give', async () => {
    await expect(under.storage.read(ref, { range: { start: 10 } })).rejects.toMatchObject({ code: 'range.not-satisfiable' })
    await expect(under.storage.read(ref, { ifMatch: '"other"' })).rejects.toMatchObject({ code: 'precondition.failed' })
    await expect(under.storage.read({ ...ref, key: 'none' })).rejects.toMatchObject({ code: 'resource.not-found' })
    await expect(under.storage.read({ ...ref, bucket: 'none' })).rejects.toMatchObject({ code: 'storage.unavailable' })
    await expect(under.storage.read(ref, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('knows an object by its head, and none by nothing', async () => {
    const head = await under.storage.head(ref)
    expect(head).toMatchObject({ size: 10, etag: ref.etag, metadata: { 'scan-reply': 'stream: OK' } })
    expect(await under.storage.head({ ...ref, key: 'none' })).toBeUndefined()
  })

  it('ends with removal, which may be repeated', async () => {
    const removed = await store(under, content)
    for (let i = 0; i < 2; i++) await under.storage.remove(removed)
    expect(await under.storage.head(removed)).toBeUndefined()
  })
})

describe('promotion', () => {
  it.each(['with space + plus', 'umlaut-äöü', 'a/b//c', 'percent%20', 'quote"&=?#'])('finds the way for the key %j', async (key) => {
    const ref = await store(under, Buffer.from(key), key)
    expect(await text((await under.storage.read(ref)).stream)).toBe(key)
  })

  it('copies in parts what is too large for one copy, with the same condition', async () => {
    const content = randomBytes(9_000_000)
    const { quarantine, sha256, verdict } = await accept(under, content)
    const inParts = { sha256, verdict, copyBytes: 5 * 1_048_576 }
    const connection = connectionOf(under.storage)
    const changed = { ...quarantine, etag: '"other"' }
    await expect(promote(connection, { ...inParts, quarantine: changed })).rejects.toMatchObject({ code: 'precondition.failed' })
    expect(await openUploads(under.storage)).toBe(0)
    const stored = await promote(connection, { ...inParts, quarantine, contentType: 'text/x-test' })
    expect(stored).toMatchObject({ size: content.length, sha256, contentType: 'text/x-test' })
    expect((await buffer((await under.storage.read(stored)).stream)).equals(content)).toBe(true)
  })
})

describe('the sweep of quarantine', () => {
  it('removes what is old and unknown, and nothing else', async () => {
    await using own = await openGate()
    const known = (await accept(own, Buffer.from('known'))).quarantine
    const unknown = (await accept(own, Buffer.from('unknown'))).quarantine
    const isKnown = async (keys: string[]) => new Set(keys.filter((key) => key === known.key))
    expect(await sweepQuarantine(own.storage, { olderThan: yesterday(), isKnown })).toEqual({ seen: 0, removed: 0 })
    expect((await quarantined(own.storage)).toSorted()).toEqual([known.key, unknown.key].toSorted())
    expect(await sweepQuarantine(own.storage, { olderThan: tomorrow(), isKnown })).toEqual({ seen: 2, removed: 1 })
    expect(await quarantined(own.storage)).toEqual([known.key])
  })

  it('removes nothing when the rows cannot be asked', async () => {
    await using own = await openGate()
    const { quarantine } = await accept(own, Buffer.from('x'))
    const isKnown = () => Promise.reject(new Error('no database'))
    await expect(sweepQuarantine(own.storage, { olderThan: tomorrow(), isKnown })).rejects.toThrow('no database')
    expect(await quarantined(own.storage)).toEqual([quarantine.key])
  })

  it('stops with its signal', async () => {
    const options = { olderThan: tomorrow(), isKnown: async () => new Set<string>(), signal: AbortSignal.abort(new Error('stop')) }
    await expect(sweepQuarantine(under.storage, options)).rejects.toThrow('stop')
  })

  it('goes for readable buckets as well, by their own keys', async () => {
    await using own = await openGate()
    const ref = await store(own, Buffer.from('orphan'), 'some/key')
    const asked: string[] = []
    const isKnown = async (keys: string[]) => {
      asked.push(...keys)
      return new Set<string>()
    }
    expect(await sweepBucket(own.storage, readable, { olderThan: tomorrow(), isKnown })).toEqual({ seen: 1, removed: 1 })
    expect(asked).toEqual(['some/key'])
    expect(await own.storage.head(ref)).toBeUndefined()
  })
})

describe('open uploads', () => {
  it('are aborted when they are old, in every bucket that is named', async () => {
    await using own = await openGate()
    const { client, bucket } = connectionOf(own.storage)
    for (const name of ['quarantine', readable]) {
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket(name), Key: 'left' }))
    }
    expect(await abortOpenUploads(own.storage, { olderThan: yesterday(), buckets: [readable] })).toBe(0)
    expect(await abortOpenUploads(own.storage, { olderThan: tomorrow() })).toBe(1)
    expect(await abortOpenUploads(own.storage, { olderThan: tomorrow(), buckets: [readable] })).toBe(1)
    expect(await abortOpenUploads(own.storage, { olderThan: tomorrow(), buckets: [readable] })).toBe(0)
  })
})

describe('the probe', () => {
  it('finds that the store of the run does all that is needed, and leaves nothing', async () => {
    await using own = await openGate()
    const report = await own.storage.probe()
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
    expect(report.ok).toBe(true)
    expect(report.checks.length).toBeGreaterThan(10)
    const { client, bucket } = connectionOf(own.storage)
    expect((await client.send(new ListObjectsV2Command({ Bucket: bucket('quarantine') }))).KeyCount).toBe(0)
    expect(await openUploads(own.storage)).toBe(0)
  })

  it('says what does not work, check by check', async () => {
    const { config } = await testStorage()
    await using storage = createStorage({ ...config, secretKey: 'wrong' })
    const report = await storage.probe()
    expect(report.ok).toBe(false)
    for (const { name, ok, detail } of report.checks)
      expect({ name, ok, why: detail !== undefined }).toEqual({ name, ok: false, why: true })
  })
})
