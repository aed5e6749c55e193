import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { startClamd } from '@slipway/stack'
import { eicar, scannerLimits, tarGzOf, tarOf, testScanner, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { centralAt, endAt, patched, readerOf } from './archive.fixtures.ts'
import { disguisedTars, zip64s } from './disguise.fixtures.ts'
import { archiveLimits, inspectArchive } from './inspect.ts'
import { createScanner, type Scanner, type ScannerOptions } from './scanner.ts'

const { host, port, maxFileBytes } = testScanner()
const limits = { connections: 2, queueSeconds: 60, idleSeconds: 30, maxFileBytes }
const over = Buffer.alloc(maxFileBytes + 1)

let scanner: Scanner
beforeAll(() => {
  scanner = createScanner({ host, port, ...limits })
})
afterAll(() => scanner[Symbol.asyncDispose]())

const scan = (...chunks: Buffer[]) => scanner.scan(Readable.from(chunks))
const infected = { verdict: 'infected', signature: expect.stringContaining('Eicar'), raw: expect.stringMatching(/FOUND$/) }

/** A clamd of its own, to be mistreated. */
async function ownClamd(changes: Partial<ScannerOptions> = {}) {
  const home = await mkdtemp(join(tmpdir(), 'slipway-clamd-'))
  const clamd = await startClamd({ home, signatures: 'test', ...scannerLimits })
  const own = createScanner({ host: clamd.host, port: clamd.port, ...limits, ...changes })
  return {
    clamd,
    scanner: own,
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]()
      await clamd.stop()
      await rm(home, { recursive: true })
    },
  }
}

describe('EICAR', () => {
  const text = eicar()

  it('is found in chunks of one byte, and split at every place', async () => {
    expect(await scan(...Array.from(text, (_, at) => text.subarray(at, at + 1)))).toMatchObject(infected)
    for (let at = 1; at < text.length; at++) {
      expect(await scan(text.subarray(0, at), text.subarray(at))).toMatchObject(infected)
    }
  })

  it('is found in zip, nested zip and tar.gz', async () => {
    const zip = zipOf([{ name: 'a.txt', content: text }])
    const nested = zipOf([{ name: 'i.zip', content: zipOf([{ name: 'j.zip', content: zip }]) }])
    for (const archive of [zip, nested, tarGzOf([{ name: 'a', content: text }]), tarGzOf([{ name: 'i.zip', content: nested }])]) {
      expect(await scan(archive)).toMatchObject(infected)
    }
  })
})

describe('content', () => {
  it('is clean when it is clean, also without a byte', async () => {
    expect(await scan()).toMatchObject({ verdict: 'clean', raw: 'stream: OK', engine: expect.stringMatching(/^ClamAV 1\./), database: '' })
    expect(await scan(Buffer.from('hello'), Buffer.alloc(0), Buffer.from('world'))).toMatchObject({ verdict: 'clean' })
    expect(await scan(over.subarray(0, maxFileBytes))).toMatchObject({ verdict: 'clean' })
  })

  it('is unscannable when it is encrypted or over the limits', async () => {
    const encrypted = zipOf([{ name: 'a', content: 'secret' }], { encrypted: true })
    expect(await scan(encrypted)).toMatchObject({ verdict: 'unscannable', reason: 'encrypted' })
    expect(await scan(gzipSync(over))).toMatchObject({ verdict: 'unscannable', reason: 'limits' })
  })

  it('is unscannable beyond the stream limit, every time, although clamd closes while we still write', async () => {
    for (let i = 0; i < 30; i++) {
      expect(await scan(...Array.from({ length: 5 }, () => over))).toMatchObject({ verdict: 'unscannable', reason: 'size' })
    }
    expect(scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })
})

describe('what clamd calls OK although it has not looked at all of it', () => {
  const clean = { name: 'c', content: 'clean' }
  const hidden = zipOf([{ name: 'a', content: eicar() }])
  const other = zipOf([clean])
  const bomb = zipOf([{ name: 'big', content: over }])
  const noMethod = patched(patched(hidden, 8, [14, 2]), centralAt(hidden) + 10, [14, 2])

  it.each([
    ['a zip member above MaxFileSize', bomb],
    ['the same in a zip', zipOf([{ name: 'i.zip', content: bomb }])],
    ['the same in a tar', tarOf([{ name: 'i.zip', content: bomb }])],
    ['the same in a gzip', gzipSync(bomb)],
    ['the same with a lie about its size', zipOf([{ name: 'big', content: over, claimedSize: 10 }])],
    ['the same behind a program', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(1000), bomb])],
    ['a zip in front of another', Buffer.concat([other, hidden])],
    ['a zip behind another', Buffer.concat([hidden, other])],
    ['a zip without directory', hidden.subarray(0, centralAt(hidden))],
    ['a zip without end', hidden.subarray(0, endAt(hidden))],
    ['a zip whose directory is elsewhere', patched(hidden, endAt(hidden) + 16, [5, 4])],
    ['a zip with a method that is not known', noMethod],
    ['a zip behind a gzip', Buffer.concat([gzipSync('x'), hidden])],
    ['a zip behind an MP3', Buffer.concat([Buffer.from('ID3\x03'), Buffer.alloc(500), hidden])],
    ['a zip that begins as one of several parts', Buffer.concat([Buffer.from('PK00'), hidden])],
    ...zip64s().map(([how, content]): [string, Buffer] => [`a Zip64 ${how}`, content]),
    ...disguisedTars().map(([how, content]): [string, Buffer] => [`a tar member ${how}`, content]),
    ['a gzip behind the padding of another', Buffer.concat([gzipSync(''), Buffer.alloc(10), gzipSync(eicar())])],
    ['a bzip2 whose first stream is empty', Buffer.from('BZh9\x17rE8P\x90\0\0\0\0BZh91AY&SY', 'latin1')],
    ['an ar', Buffer.concat([Buffer.from('!<arch>\n'), eicar()])],
  ])('is refused by the look into archives: %s', async (_, content) => {
    expect(await scan(content)).toMatchObject({ verdict: 'clean' })
    expect(await inspectArchive(readerOf(content, 65_536), archiveLimits(maxFileBytes))).toMatchObject({ ok: false })
  })
})

describe('many at once', () => {
  it('take turns on the connections there are', async () => {
    let most = 0
    const watched = () =>
      Readable.from(
        (function* () {
          most = Math.max(most, scanner.load().busy)
          yield Buffer.from('hello')
        })(),
      )
    const results = await Promise.all(Array.from({ length: 50 }, () => scanner.scan(watched())))
    expect(results.every(({ verdict }) => verdict === 'clean')).toBe(true)
    expect(most).toBe(2)
    expect(scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })
})

describe('clamd in trouble', () => {
  it('is unavailable when it is killed in the middle of a stream, and available again afterwards', async () => {
    await using own = await ownClamd()
    const stream = await own.scanner.open()
    stream.write(Buffer.alloc(100_000))
    process.kill(own.clamd.pid, 'SIGKILL')
    await expect(stream.result()).rejects.toMatchObject({ code: 'scanner.unavailable' })
    await own.clamd.exited
    await expect(own.scanner.open()).rejects.toMatchObject({ code: 'scanner.unavailable' })
    expect(await own.scanner.state()).toMatchObject({ status: 'down' })
    expect(own.scanner.load()).toEqual({ busy: 0, waiting: 0 })
  })

  it('is unavailable while it hangs, and goes on when it wakes up', async () => {
    await using own = await ownClamd({ idleSeconds: 3 })
    const stream = await own.scanner.open()
    process.kill(own.clamd.pid, 'SIGSTOP')
    try {
      stream.end('hello')
      await expect(stream.result()).rejects.toMatchObject({ code: 'scanner.unavailable' })
      expect(await own.scanner.state()).toMatchObject({ status: 'down' })
    } finally {
      process.kill(own.clamd.pid, 'SIGCONT')
    }
    expect(await own.scanner.scan(Readable.from([eicar()]))).toMatchObject(infected)
  })

  it('is told by the state: one without an official database knows test signatures at most', async () => {
    await scanner.ping()
    expect(await scanner.state()).toEqual({ status: 'test-signatures', engine: expect.stringMatching(/^ClamAV/), database: '' })
  })
})
