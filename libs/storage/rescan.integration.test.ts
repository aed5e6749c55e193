import { createHash, randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { eicar, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateUnderTest, openGate, openUploads, quarantined, readable, streamed } from './gate.fixtures.ts'
import { isolate } from './isolation.ts'
import type { Refused } from './judge.ts'
import { connectionOf } from './storage.ts'

let under: GateUnderTest
beforeAll(async () => {
  under = await openGate()
})
afterAll(async () => {
  await under?.[Symbol.asyncDispose]()
})

let made = 0
const place = () => ({ bucket: readable, key: `t/${++made}`, tenantId: 't', maxBytes: 8_000_000 })
const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex')

async function stored(content: Buffer) {
  const accepted = await under.gate.accept(streamed(content), place())
  if (!accepted.promote) throw new Error(`refused: ${accepted.verdict.raw}`)
  return await accepted.promote({ contentType: 'text/x-test' })
}

async function refused(content: Buffer): Promise<Refused> {
  const accepted = await under.gate.accept(streamed(content), place())
  if (accepted.promote) throw new Error('expected a refusal')
  return accepted
}

describe('rescan', () => {
  it.each([0, 1, 70_000, 3_000_000])('looks at a readable object of %d bytes, and moves nothing', async (size) => {
    const content = randomBytes(size)
    const object = await stored(content)
    const before = await quarantined(under.storage)
    expect(await under.gate.rescan(object)).toMatchObject({
      size,
      sha256: digest(content),
      verdict: { verdict: 'clean', raw: 'stream: OK' },
    })
    expect((await buffer((await under.storage.read(object)).stream)).equals(content)).toBe(true)
    expect(await quarantined(under.storage)).toEqual(before)
  })

  it('judges by the rules of an upload: what clamd does not look into is unscannable', async () => {
    const archive = zipOf([{ name: 'big', content: randomBytes(2_000_000) }])
    const object = await stored(archive)
    await using strict = await openGate({ bucketPrefix: under.bucketPrefix, scanner: { maxFileBytes: 1_000_000 } })
    expect((await strict.gate.rescan(object)).verdict).toMatchObject({ verdict: 'unscannable', raw: 'stream: OK' })
    expect((await under.gate.rescan(object)).verdict.verdict).toBe('clean')
  })

  it('finds malware that nobody looked for when it came', async () => {
    const evil = await refused(eicar())
    const object = await under.gate.reinstate(evil)
    expect((await under.gate.rescan(object)).verdict).toMatchObject({ verdict: 'infected', signature: expect.stringMatching(/Eicar/) })
  })

  it('frees its place at the scanner when there is no object, and when it is stopped', async () => {
    await expect(under.gate.rescan({ bucket: readable, key: 't/none' })).rejects.toMatchObject({ code: 'resource.not-found' })
    const object = await stored(randomBytes(3_000_000))
    const stop = new AbortController()
    const scanning = under.gate.rescan(object, { signal: stop.signal })
    stop.abort()
    await expect(scanning).rejects.toMatchObject({ name: 'AbortError' })
    expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    await expect(under.gate.rescan({ bucket: 'quarantine', key: 'x' })).rejects.toThrow(TypeError)
  })
})

describe('isolate', () => {
  const head = (key: string) => under.storage.head({ bucket: 'quarantine', key })

  it('copies a readable object into quarantine with what was known of it, once', async () => {
    const content = randomBytes(50_000)
    const object = await stored(content)
    const copy = await under.gate.isolate({ from: object, key: 't/isolated' })
    expect(copy).toMatchObject({
      size: content.length,
      contentType: 'text/x-test',
      metadata: { sha256: digest(content), 'scan-reply': 'stream: OK' },
    })
    expect(await under.gate.isolate({ from: object, key: 't/isolated' })).toEqual(copy)
    expect(await under.storage.head(object)).toBeDefined()
    await under.storage.remove(object)
    expect(await under.gate.isolate({ from: object, key: 't/isolated' })).toEqual(copy)
  })

  it('makes good a copy that is not whole', async () => {
    const object = await stored(randomBytes(50_000))
    await under.gate.isolate({ from: await stored(Buffer.from('half')), key: 't/half' })
    expect((await under.gate.isolate({ from: object, key: 't/half' }))?.size).toBe(50_000)
  })

  it('finds nothing where nothing is, and takes nothing out of quarantine', async () => {
    expect(await under.gate.isolate({ from: { bucket: readable, key: 't/none' }, key: 't/nothing' })).toBeUndefined()
    expect(await head('t/nothing')).toBeUndefined()
    await expect(under.gate.isolate({ from: { bucket: 'quarantine', key: 't/half' }, key: 'x' })).rejects.toThrow(TypeError)
  })

  it('copies in parts what is too large for one copy', async () => {
    const content = randomBytes(7_000_000)
    const object = await stored(content)
    const copy = await isolate(connectionOf(under.storage), { from: object, key: 't/parts', copyBytes: 5 * 1_048_576 })
    expect(copy).toMatchObject({ size: content.length, metadata: { sha256: digest(content) } })
    expect(await openUploads(under.storage)).toBe(0)
  })
})

describe('reinstate', () => {
  it('makes readable what was refused, once, with what had been found in it', async () => {
    const evil = await refused(eicar())
    const object = await under.gate.reinstate(evil, { contentType: 'text/plain' })
    expect(object).toMatchObject({ ...evil.quarantine.target, size: eicar().length, sha256: evil.sha256, contentType: 'text/plain' })
    expect((await under.storage.head(object))?.metadata['scan-reply']).toMatch(/FOUND$/)
    expect(await quarantined(under.storage)).not.toContain(evil.quarantine.key)
    expect(await under.gate.reinstate(evil)).toMatchObject({ etag: object.etag })
    // A crash before the row says so is found by who resumes it.
    expect((await under.gate.resume(evil.quarantine)).promote).toBeDefined()
  })

  it('never makes readable what has no verdict', async () => {
    const evil = await refused(eicar())
    const silent = { ...evil, verdict: { ...evil.verdict, verdict: 'error' as const } }
    await expect(under.gate.reinstate(silent)).rejects.toThrow(TypeError)
    expect(await under.storage.head(evil.quarantine.target)).toBeUndefined()
  })
})
