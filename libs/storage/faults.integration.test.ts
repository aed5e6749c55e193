import { randomBytes, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { testScanner, testStorage } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type FaultyStore,
  faultyStore,
  type GateUnderTest,
  openGate,
  openUploads,
  quarantined,
  readable,
  streamed,
} from './gate.fixtures.ts'

const mebibyte = 1_048_576
const { maxFileBytes } = testScanner()
/** Two parts. */
const large = randomBytes(9 * mebibyte)

let store: FaultyStore
let under: GateUnderTest
beforeEach(async () => {
  store = await faultyStore((await testStorage()).config.endpoint)
  under = await openGate({ endpoint: store.endpoint })
})
afterEach(async () => {
  await under[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

const accept = (content: Buffer, key: string = randomUUID()) =>
  under.gate.accept(streamed(content), { bucket: readable, key, tenantId: 't', maxBytes: maxFileBytes })
const isPart = (url: string) => /partNumber=/.test(url)

async function stored(content: Buffer) {
  const accepted = await accept(content)
  if (!accepted.promote) throw new Error('expected a clean verdict')
  return await accepted.promote()
}

async function expectNothing() {
  store.fault = () => 'pass'
  expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  expect(await quarantined(under.storage)).toEqual([])
  expect(await openUploads(under.storage)).toBe(0)
}

describe('a store that is too busy', () => {
  it('is asked again: twice in a row for each request is no failure', async () => {
    const refusals = new Map<string, number>()
    store.fault = ({ method, url }) => {
      const seen = refusals.get(method + url) ?? 0
      refusals.set(method + url, seen + 1)
      return isPart(url) && seen < 2 ? 'slow-down' : 'pass'
    }
    const object = await stored(large)
    expect([...refusals.values()].some((count) => count > 2)).toBe(true)
    expect((await buffer((await under.storage.read(object)).stream)).equals(large)).toBe(true)
  })

  it.each([
    ['to begin the upload', (url: string) => /\?uploads/.test(url)],
    ['to take a part', isPart],
    ['to complete it', (url: string) => /uploadId=/.test(url) && !isPart(url)],
  ])('for good %s makes the upload unavailable, and leaves nothing', async (_, isBusy) => {
    store.fault = ({ method, url }) => (method !== 'DELETE' && isBusy(url) ? 'slow-down' : 'pass')
    await expect(accept(large)).rejects.toMatchObject({ code: 'storage.unavailable', status: 503, retryAfter: 5 })
    await expectNothing()
  })

  it('to take a small object makes the upload unavailable, and leaves nothing', async () => {
    store.fault = ({ method }) => (method === 'PUT' ? 'slow-down' : 'pass')
    await expect(accept(Buffer.from('small'))).rejects.toMatchObject({ code: 'storage.unavailable' })
    await expectNothing()
  })

  it('to copy leaves the content where it was; a later try finds it', async () => {
    const accepted = await accept(Buffer.from('content'))
    store.fault = ({ method }) => (method === 'PUT' ? 'slow-down' : 'pass')
    await expect(accepted.promote?.()).rejects.toMatchObject({ code: 'storage.unavailable' })
    store.fault = () => 'pass'
    expect(await under.storage.head(accepted.quarantine.target)).toBeUndefined()
    expect((await accepted.promote?.())?.size).toBe(7)
  })

  it('has memory for others afterwards: no part stays taken', async () => {
    store.fault = ({ url }) => (isPart(url) ? 'slow-down' : 'pass')
    const uploads = Array.from({ length: 9 }, () => accept(large))
    for (const upload of await Promise.allSettled(uploads)) expect(upload).toMatchObject({ reason: { code: 'storage.unavailable' } })
    store.fault = () => 'pass'
    await Promise.all([stored(large), stored(large)])
  })
})

describe('an answer that breaks off', () => {
  it('when content is read is an error of the stream, and never a short content', async () => {
    const object = await stored(large)
    store.fault = () => ({ cutAfter: mebibyte })
    const { stream, size } = await under.storage.read(object)
    expect(size).toBe(large.length)
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'storage.unavailable', status: 503, retryAfter: 5 })
  })

  it('when a scan is resumed is a failure of the store, not a verdict', async () => {
    const { quarantine } = await accept(large)
    store.fault = ({ method }) => (method === 'GET' ? { cutAfter: mebibyte } : 'pass')
    await expect(under.gate.resume(quarantine)).rejects.toMatchObject({ code: 'storage.unavailable' })
    expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    store.fault = () => 'pass'
    expect((await under.gate.resume(quarantine)).verdict.verdict).toBe('clean')
  })

  it('when an archive is looked into is a failure of the store, not of the archive', async () => {
    // A zip has been looked into on its way.
    const archive = gzipSync(randomBytes(mebibyte))
    store.fault = ({ method }) => (method === 'GET' ? { cutAfter: 100_000 } : 'pass')
    await expect(accept(archive)).rejects.toMatchObject({ code: 'storage.unavailable' })
    await expectNothing()
  })
})

describe('readers that leave', () => {
  it('free their connections, by destroying the stream or by their signal', async () => {
    const object = await stored(large)
    for (let round = 0; round < 3; round++) {
      const stop = new AbortController()
      const reads = await Promise.all(Array.from({ length: 20 }, () => under.storage.read(object, { signal: stop.signal })))
      for (const [index, { stream }] of reads.entries()) {
        stream.on('error', () => undefined)
        if (index % 2) stream.destroy()
      }
      stop.abort()
      while ((await store.connections()) > 2) await new Promise((resolve) => setImmediate(resolve))
    }
    const part = await under.storage.read(object, { range: { start: 5, end: 9 } })
    expect((await buffer(part.stream)).equals(large.subarray(5, 10))).toBe(true)
  })
})
