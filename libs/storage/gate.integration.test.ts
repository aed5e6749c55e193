import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { freePort, startClamd } from '@slipway/stack'
import { eicar, scannerLimits, tarGzOf, tarOf, testScanner, testStorage, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultyStore, type GateUnderTest, openGate, openUploads, proxyTo, quarantined, readable, streamed } from './gate.fixtures.ts'
import type { Clean, Refused } from './judge.ts'

const { maxFileBytes } = testScanner()
const mebibyte = 1_048_576
/** Two parts. */
const large = randomBytes(9 * mebibyte)

let under: GateUnderTest
beforeAll(async () => {
  under = await openGate()
})
afterAll(() => under[Symbol.asyncDispose]())

const place = (key: string = randomUUID()) => ({ bucket: readable, key, tenantId: 'tenant-1', maxBytes: maxFileBytes })

async function acceptClean(content: Buffer, key?: string): Promise<Clean> {
  const accepted = await under.gate.accept(streamed(content), place(key))
  if (!accepted.promote) throw new Error(`expected a clean verdict, got ${JSON.stringify(accepted.verdict)}`)
  return accepted
}

async function acceptRefused(content: Buffer): Promise<Refused> {
  const accepted = await under.gate.accept(streamed(content), place())
  if (accepted.promote) throw new Error('expected a refusal')
  return accepted
}

async function contentOf({ storage }: GateUnderTest, key: string): Promise<Buffer> {
  return await buffer((await storage.read({ bucket: readable, key })).stream)
}

/** A clamd of its own, to be mistreated. */
async function ownClamd() {
  const home = await mkdtemp(join(tmpdir(), 'slipway-clamd-'))
  const part = await startClamd({ home, signatures: 'test', ...scannerLimits })
  return {
    part,
    async [Symbol.asyncDispose]() {
      await part.stop()
      await rm(home, { recursive: true })
    },
  }
}

/** Whether nothing is left anywhere: no place taken, no object, no open upload. */
async function expectNothing({ storage, scanner }: GateUnderTest, key?: string) {
  expect(scanner.load()).toEqual({ busy: 0, waiting: 0 })
  expect(await quarantined(storage)).toEqual([])
  expect(await openUploads(storage)).toBe(0)
  if (key) expect(await storage.head({ bucket: readable, key })).toBeUndefined()
}

describe('clean content', () => {
  it.each([
    ['of no bytes', Buffer.alloc(0)],
    ['of one byte', Buffer.from('x')],
    ['of one part', randomBytes(8 * mebibyte)],
    ['of several parts', large],
  ])('%s is promoted as it came', async (_, content) => {
    const key = randomUUID()
    const sha256 = createHash('sha256').update(content).digest('hex')
    const accepted = await acceptClean(content, key)
    expect(accepted).toMatchObject({ pending: false, size: content.length, sha256, verdict: { verdict: 'clean', raw: 'stream: OK' } })
    expect(accepted.head.equals(content.subarray(0, 4100))).toBe(true)
    expect(await under.storage.head({ bucket: readable, key })).toBeUndefined()

    const stored = await accepted.promote({ contentType: 'text/x-test' })
    expect(stored).toEqual({ bucket: readable, key, size: content.length, sha256, etag: expect.any(String), contentType: 'text/x-test' })
    expect((await contentOf(under, key)).equals(content)).toBe(true)
    expect(await under.storage.head(accepted.quarantine)).toBeUndefined()
  })

  it('passes in archives', async () => {
    const archive = tarGzOf([{ name: 'i.zip', content: zipOf([{ name: 'a', content: randomBytes(200_000) }]) }])
    await acceptClean(archive)
  })

  it('tells its progress', async () => {
    const progress: number[] = []
    await under.gate.accept(streamed(Buffer.alloc(200_000)), { ...place(), onProgress: (bytes) => progress.push(bytes) })
    expect(progress).toEqual([65_536, 131_072, 196_608, 200_000])
  })
})

describe('content that is refused', () => {
  const text = eicar()
  const zip = zipOf([{ name: 'a.txt', content: text }])

  it.each([
    ['EICAR', text],
    ['EICAR in zip', zip],
    ['EICAR in nested zip', zipOf([{ name: 'i.zip', content: zip }])],
    ['EICAR in tar.gz', tarGzOf([{ name: 'a', content: text }])],
  ])('is infected: %s', async (_, content) => {
    const accepted = await acceptRefused(content)
    expect(accepted.verdict).toMatchObject({ verdict: 'infected', signature: expect.stringContaining('Eicar') })
    // It stays as evidence until it is discarded.
    expect((await under.storage.head(accepted.quarantine))?.size).toBe(content.length)
    expect(await under.storage.head(accepted.quarantine.target)).toBeUndefined()
    await under.gate.discard(accepted.quarantine)
    expect(await under.storage.head(accepted.quarantine)).toBeUndefined()
  })

  it.each([
    ['encrypted', 'encrypted', zipOf([{ name: 'a', content: 'b' }], { encrypted: true })],
    ['with a member that clamd skips', 'archive-member', zipOf([{ name: 'big', content: Buffer.alloc(maxFileBytes + 1) }])],
    ['a zip that clamd reads in another way', 'archive-member', Buffer.concat([zipOf([{ name: 'c', content: 'd' }]), zip])],
    [
      'too large to be kept in memory, with a member that clamd skips',
      'archive-member',
      zipOf([
        { name: 'noise', content: randomBytes(mebibyte) },
        { name: 'big', content: Buffer.alloc(maxFileBytes + 1) },
      ]),
    ],
  ])('is unscannable: %s', async (_, reason, content) => {
    const { verdict } = await acceptRefused(content)
    expect(verdict).toMatchObject({ verdict: 'unscannable', reason })
  })

  it('is not there to be read', async () => {
    const { quarantine } = await acceptRefused(text)
    await expect(under.storage.read(quarantine)).rejects.toThrow('quarantine is not readable')
    await expect(under.storage.read(quarantine.target)).rejects.toMatchObject({ code: 'resource.not-found' })
  })
})

describe('an upload that fails', () => {
  it('is too large as soon as the limit is crossed, and leaves nothing', async () => {
    await using own = await openGate()
    let given = 0
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536, ++given)
      })(),
    )
    const upload = own.gate.accept(endless, { ...place(), maxBytes: 9 * mebibyte })
    await expect(upload).rejects.toMatchObject({ code: 'file.too-large', extensions: { limit: 9 * mebibyte } })
    expect(given).toBeLessThan(9 * 16 + 20)
    await expectNothing(own)
  })

  it.each([
    ['before the first byte', 0],
    ['in the first part', 1],
    ['behind the first part', 140],
  ])('leaves nothing when the client goes %s, whether by signal or by its stream', async (_, chunks) => {
    await using own = await openGate()
    const gone = new AbortController()
    const stalling = () => {
      let given = 0
      return new Readable({
        read() {
          if (given++ < chunks) this.push(Buffer.alloc(65_536))
          else this.emit('stalled')
        },
      })
    }
    const bySignal = stalling()
    bySignal.on('stalled', () => gone.abort(new Error('the client is gone')))
    await expect(own.gate.accept(bySignal, { ...place(), signal: gone.signal })).rejects.toThrow('the client is gone')
    expect(bySignal.destroyed).toBe(true)
    const byStream = stalling()
    byStream.on('stalled', () => byStream.destroy(new Error('premature close')))
    await expect(own.gate.accept(byStream, place())).rejects.toThrow('premature close')
    await expectNothing(own)
  })

  it('leaves nothing when the client is gone already, or goes while it waits for its turn', async () => {
    await using own = await openGate({ scanner: { connections: 1 } })
    const upload = own.gate.accept(streamed(large), { ...place(), signal: AbortSignal.abort(new Error('gone')) })
    await expect(upload).rejects.toThrow('gone')
    const first = await own.scanner.open()
    const leaving = new AbortController()
    const waiting = own.gate.accept(streamed(large), { ...place(), signal: leaving.signal })
    expect(own.scanner.load()).toEqual({ busy: 1, waiting: 1 })
    leaving.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
    first.destroy()
    await expectNothing(own)
  })

  it('is unavailable without clamd, and leaves nothing', async () => {
    await using own = await openGate({ scanner: { port: await freePort() } })
    const source = streamed(large)
    await expect(own.gate.accept(source, place())).rejects.toMatchObject({ code: 'scanner.unavailable', retryAfter: 5 })
    expect(source.destroyed).toBe(true)
    await expectNothing(own)
  })

  it('is unavailable when clamd dies in the middle, and leaves nothing', async () => {
    await using clamd = await ownClamd()
    await using own = await openGate({ scanner: { port: clamd.part.port } })
    const kill = (bytes: number) => bytes > 8.5 * mebibyte && process.kill(clamd.part.pid, 'SIGKILL')
    await expect(own.gate.accept(streamed(large), { ...place(), onProgress: kill })).rejects.toMatchObject({ code: 'scanner.unavailable' })
    await expectNothing(own)
  })

  it('is unavailable when clamd dies while the client is silent', async () => {
    await using clamd = await ownClamd()
    await using own = await openGate({ scanner: { port: clamd.part.port } })
    let given = 0
    const silent = new Readable({
      read() {
        if (given++ === 0) this.push(Buffer.alloc(65_536))
        else process.kill(clamd.part.pid, 'SIGKILL')
      },
    })
    await expect(own.gate.accept(silent, place())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(silent.destroyed).toBe(true)
    await expectNothing(own)
  })

  it.each([100, large.length])('is unavailable when clamd hangs after %d bytes are in, and leaves nothing', async (size) => {
    await using clamd = await ownClamd()
    await using own = await openGate({ scanner: { port: clamd.part.port, idleSeconds: 2 } })
    const sleep = (bytes: number) => bytes === size - 1 && process.kill(clamd.part.pid, 'SIGSTOP')
    const content = large.subarray(0, size)
    const chunks = Readable.from([content.subarray(0, -1), content.subarray(-1)])
    await expect(own.gate.accept(chunks, { ...place(), onProgress: sleep })).rejects.toMatchObject({ code: 'scanner.unavailable' })
    process.kill(clamd.part.pid, 'SIGCONT')
    await expectNothing(own)
  })

  it('is unavailable when clamd hangs from the beginning, and leaves nothing', async () => {
    await using clamd = await ownClamd()
    await using own = await openGate({ scanner: { port: clamd.part.port, idleSeconds: 0.5 } })
    process.kill(clamd.part.pid, 'SIGSTOP')
    await expect(own.gate.accept(streamed(large), place())).rejects.toMatchObject({ code: 'scanner.unavailable' })
    process.kill(clamd.part.pid, 'SIGCONT')
    await expectNothing(own)
  })

  it('is unavailable without the store, frees its place, and what is left is swept', async () => {
    await using proxy = await proxyTo((await testStorage()).config.endpoint)
    await using own = await openGate({ endpoint: proxy.endpoint })
    const source = streamed(large)
    const upload = own.gate.accept(source, { ...place(), onProgress: (bytes) => bytes > 8.5 * mebibyte && proxy.cut() })
    await expect(upload).rejects.toMatchObject({ code: 'storage.unavailable', status: 503, retryAfter: 5 })
    expect(own.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    await expect(own.storage.ready()).rejects.toMatchObject({ code: 'storage.unavailable' })
    proxy.restore()
    await own.storage.ready()
    await openUploads(own.storage)
    await expectNothing(own)
  })

  it('is overloaded when its turn does not come', async () => {
    await using own = await openGate({ scanner: { connections: 1, queueSeconds: 0 } })
    const first = await own.scanner.open()
    await expect(own.gate.accept(streamed(large), place())).rejects.toMatchObject({ code: 'service.overloaded' })
    first.destroy()
  })

  it('may not have quarantine as its target', async () => {
    await expect(under.gate.accept(streamed(large), { ...place(), bucket: 'quarantine' })).rejects.toThrow('no target')
  })
})

describe('50 uploads at once', () => {
  it('take turns, and each gets its own bytes and verdict', async () => {
    const uploads = Array.from({ length: 50 }, async (_, index) => {
      const content = index % 10 === 0 ? eicar() : Buffer.from(`content ${index} `.repeat(2000))
      const accepted = await under.gate.accept(streamed(content), place(`many/${index}`))
      if (accepted.promote) await accepted.promote()
      return accepted.verdict.verdict
    })
    const verdicts = await Promise.all(uploads)
    expect(verdicts.map((verdict) => verdict === 'infected')).toEqual(verdicts.map((_, index) => index % 10 === 0))
    expect((await contentOf(under, 'many/7')).toString()).toContain('content 7 ')
    expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })
})

describe('promotion', () => {
  it('twice gives the same object, also at the same time', async () => {
    const accepted = await acceptClean(large)
    const [first, second] = await Promise.all([accepted.promote(), accepted.promote()])
    expect(second).toEqual(first)
    expect(await accepted.promote()).toEqual(first)
  })

  it('never replaces other content', async () => {
    const key = randomUUID()
    await (await acceptClean(Buffer.from('first'), key)).promote()
    await expect((await acceptClean(Buffer.from('other'), key)).promote()).rejects.toMatchObject({ code: 'resource.conflict' })
    expect((await contentOf(under, key)).toString()).toBe('first')
  })

  it('is of the very object that was scanned', async () => {
    const accepted = await acceptClean(Buffer.from('scanned'))
    await under.gate.discard(accepted.quarantine)
    await expect(accepted.promote()).rejects.toMatchObject({ code: 'resource.not-found' })
  })
})

describe('an archive that comes slowly', () => {
  const places = { connections: 12 }
  const noise = () => randomBytes(150_000)
  const members = (...last: { name: string; content: Buffer }[]) => [
    ...Array.from({ length: 12 }, (_, index) => ({ name: `${index}`, content: noise() })),
    ...last,
  ]

  /** `begun` resolves when the first upload of a scanner has members scanned ahead: its second scan. */
  function scansAhead() {
    const { promise: begun, resolve } = Promise.withResolvers<void>()
    let scans = 0
    const onOpen = () => {
      if (++scans === 2) resolve()
    }
    return { begun, scanner: { ...places, onOpen } }
  }

  /** The last chunk comes when something goes ahead. */
  async function* slowly(content: Buffer, begun?: Promise<void>) {
    for (let at = 0; at < content.length; at += 65_536) {
      if (at + 65_536 >= content.length) await begun
      yield content.subarray(at, at + 65_536)
      // Turns in which it may begin.
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it.each([
    ['zip', (entries: ReturnType<typeof members>) => zipOf(entries)],
    ['tar', (entries: ReturnType<typeof members>) => tarOf(entries)],
  ])('has its members scanned ahead, and is read from the store no more: %s', async (_, pack) => {
    await using store = await faultyStore((await testStorage()).config.endpoint)
    const { begun, scanner } = scansAhead()
    await using own = await openGate({ endpoint: store.endpoint, scanner })
    let reads = 0
    store.fault = ({ method }) => {
      if (method === 'GET') reads++
      return 'pass'
    }
    const content = pack(members())
    const accepted = await own.gate.accept(Readable.from(slowly(content, begun)), place())
    expect(accepted).toMatchObject({ verdict: { verdict: 'clean', raw: 'stream: OK' } })
    expect(reads).toBe(0)
    expect(own.scanner.load()).toEqual({ busy: 0, waiting: 0 })
    expect((await accepted.promote?.())?.size).toBe(content.length)
  })

  it('gets the same verdicts', async () => {
    await using own = await openGate({ scanner: places })
    const bad = { name: 'a', content: eicar() }
    const cases: [Buffer, object][] = [
      [zipOf([bad, ...members()]), { verdict: 'infected' }],
      [zipOf(members(bad)), { verdict: 'infected' }],
      [tarOf(members({ name: 'i.zip', content: zipOf([bad]) })), { verdict: 'infected' }],
      [Buffer.concat([zipOf(members()), zipOf([bad])]), { verdict: 'unscannable', reason: 'archive-member' }],
      [zipOf(members(), { encrypted: true }), { verdict: 'unscannable', reason: 'encrypted' }],
      [zipOf(members({ name: 'big', content: Buffer.alloc(maxFileBytes + 1) })), { verdict: 'unscannable', reason: 'archive-member' }],
    ]
    for (const [content, verdict] of cases) {
      const accepted = await own.gate.accept(Readable.from(slowly(content)), place())
      expect(accepted.verdict).toMatchObject(verdict)
    }
    expect(own.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('leaves nothing when the client goes or clamd dies while members are scanned', async () => {
    await using clamd = await ownClamd()
    const content = zipOf(members())
    async function* until(begun: Promise<void>, stop: () => void) {
      yield* slowly(content.subarray(0, content.length / 2), begun)
      yield content.subarray(content.length / 2, content.length - 100_000)
      stop()
      yield content.subarray(-100_000)
    }
    const open = ({ scanner }: ReturnType<typeof scansAhead>) => openGate({ scanner: { ...scanner, port: clamd.part.port } })
    const [first, second] = [scansAhead(), scansAhead()]
    await using left = await open(first)
    const gone = new AbortController()
    const source = Readable.from(until(first.begun, () => gone.abort(new Error('the client is gone'))))
    await expect(left.gate.accept(source, { ...place(), signal: gone.signal })).rejects.toThrow('the client is gone')
    await expectNothing(left)
    await using lost = await open(second)
    const cut = Readable.from(until(second.begun, () => process.kill(clamd.part.pid, 'SIGKILL')))
    await expect(lost.gate.accept(cut, place())).rejects.toMatchObject({ code: 'scanner.unavailable', status: 503 })
    await expectNothing(lost)
  })
})

describe('a large upload', () => {
  it('is answered when its bytes are in, and judged afterwards, also when the client is gone', async () => {
    const client = new AbortController()
    const pending = await under.gate.accept(streamed(large), { ...place(), syncBytes: mebibyte, signal: client.signal })
    if (!pending.pending) throw new Error('expected a pending answer')
    client.abort()
    expect(pending).toMatchObject({ size: large.length, sha256: createHash('sha256').update(large).digest('hex') })
    expect((await pending.verdict).verdict).toBe('clean')
    const accepted = await pending.accepted
    expect((await accepted.promote?.())?.size).toBe(large.length)
  })

  it('is answered with its verdict up to the limit', async () => {
    const accepted = await under.gate.accept(streamed(Buffer.from('small')), { ...place(), syncBytes: 5 })
    expect(accepted.pending).toBe(false)
  })

  it('stays in quarantine when the process ends before the verdict, and is judged by resume', async () => {
    await using clamd = await ownClamd()
    await using other = await openGate({ scanner: { port: clamd.part.port } })
    // A clamd that sleeps takes bytes into its socket buffers only: the last ones have to be few.
    const sleep = (bytes: number) => bytes === large.length - 1 && process.kill(clamd.part.pid, 'SIGSTOP')
    const chunks = Readable.from([large.subarray(0, -1), large.subarray(-1)])
    const pending = await other.gate.accept(chunks, { ...place(), syncBytes: mebibyte, onProgress: sleep })
    if (!pending.pending) throw new Error('expected a pending answer')
    const lost = expect(pending.accepted).rejects.toMatchObject({ name: 'AbortError' })
    await other.scanner[Symbol.asyncDispose]()
    await lost
    process.kill(clamd.part.pid, 'SIGCONT')

    await using next = await openGate({ scanner: { port: clamd.part.port }, bucketPrefix: other.bucketPrefix })
    const resumed = await next.gate.resume(pending.quarantine)
    expect(resumed).toMatchObject({ sha256: pending.sha256, verdict: { verdict: 'clean' } })
    expect((await resumed.promote?.())?.size).toBe(large.length)
  })
})

describe('resume', () => {
  /** What a row would keep. */
  const kept = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

  it('judges again, by all the rules, from what a row has kept', async () => {
    const good = await acceptClean(large)
    const again = await under.gate.resume(kept(good.quarantine))
    expect(again).toMatchObject({ pending: false, size: good.size, sha256: good.sha256, verdict: { verdict: 'clean' } })
    expect(again.head.equals(good.head)).toBe(true)
    expect((await again.promote?.())?.sha256).toBe(good.sha256)
    for (const content of [eicar(), zipOf([{ name: 'big', content: Buffer.alloc(maxFileBytes + 1) }])]) {
      const refused = await acceptRefused(content)
      expect((await under.gate.resume(kept(refused.quarantine))).verdict.verdict).toBe(refused.verdict.verdict)
    }
  })

  it('finds what had been promoted before the crash, with its verdict', async () => {
    const accepted = await acceptClean(large)
    const stored = await accepted.promote({ contentType: 'text/x-test' })
    const again = await under.gate.resume(kept(accepted.quarantine))
    expect(again).toMatchObject({ sha256: accepted.sha256, verdict: { ...accepted.verdict, milliseconds: 0 } })
    expect(again.head.equals(large.subarray(0, 4100))).toBe(true)
    expect(await again.promote?.()).toEqual(stored)
  })

  it('does not find what is nowhere', async () => {
    const accepted = await acceptRefused(eicar())
    await under.gate.discard(accepted.quarantine)
    await expect(under.gate.resume(accepted.quarantine)).rejects.toMatchObject({ code: 'resource.not-found' })
    expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('stops with its signal', async () => {
    const { quarantine } = await acceptClean(large)
    const stop = new AbortController()
    const resuming = under.gate.resume(quarantine, { signal: stop.signal })
    stop.abort()
    await expect(resuming).rejects.toMatchObject({ name: 'AbortError' })
    expect(under.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })
})
