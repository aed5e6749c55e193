import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type ClamdPart, removeHome, startClamd } from '@slipway/stack'
import { tarGzOf, zipOf } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createScanner, type Scanner } from './index.ts'

const limit = 1024 * 1024

/** A clamd as the stack starts it, only smaller: what it lets through decides what the gate has to find itself. */
describe('clamd with MaxScanSize equal to MaxFileSize', () => {
  let home: string
  let clamd: ClamdPart
  let scanner: Scanner
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'slipway-limits-'))
    clamd = await startClamd({ home, maxFileBytes: limit, signatures: 'test' })
    scanner = createScanner({ host: clamd.host, port: clamd.port, connections: 1, queueSeconds: 5, idleSeconds: 30, maxFileBytes: limit })
  })
  afterAll(async () => {
    await scanner?.[Symbol.asyncDispose]()
    await clamd?.stop()
    await removeHome(home)
  })
  const scan = (content: Buffer) => scanner.scan(Readable.from([content]))
  const huge = Buffer.alloc(limit + 64 * 1024)

  it.each([
    ['a zip member', () => zipOf([{ name: 'huge', content: huge }])],
    ['a member of a nested zip', () => zipOf([{ name: 'inner.zip', content: zipOf([{ name: 'huge', content: huge }]) }])],
    ['a tar.gz member', () => tarGzOf([{ name: 'huge', content: huge }])],
  ])('says of %s above its limits that it was not scanned', async (_name, make) => {
    expect(await scan(make())).toMatchObject({ verdict: 'unscannable', reason: 'limits' })
  })

  /** Zeros behind something that clamd takes for the head of an archive: random bytes may hold another one. */
  const behind = (head: string, bytes: number) => Buffer.concat([Buffer.alloc(16, 1), Buffer.from(head, 'hex'), Buffer.alloc(bytes)])

  // What `clamd.room` of `slipway doctor` warns of, tried with 1.4.6.
  it.each([
    ['ARJ', '60ea010203040506070002'],
    ['zip', `504b0304${'ff'.repeat(26)}`],
  ])('needs room twice for what follows bytes that look like %s', async (_name, head) => {
    expect(await scan(behind(head, 0.6 * limit))).toMatchObject({ verdict: 'unscannable', reason: 'limits' })
    expect(await scan(behind(head, 0.5 * limit - 100))).toMatchObject({ verdict: 'clean' })
    expect(await scan(behind(head.repeat(20), 0.4 * limit))).toMatchObject({ verdict: 'clean' })
    expect(await scan(behind('', 0.6 * limit))).toMatchObject({ verdict: 'clean' })
  })

  it('still finds small archives clean', async () => {
    expect(await scan(zipOf([{ name: 'small', content: Buffer.alloc(1000) }]))).toMatchObject({ verdict: 'clean' })
  })
})
