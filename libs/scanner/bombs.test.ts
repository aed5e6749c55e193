import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { tarGzOf, zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { scanAhead } from './ahead.ts'
import { readerOf } from './archive.fixtures.ts'
import { bombs, nestedZip, readerOfGenerated, zerosZip } from './bombs.fixtures.ts'
import { archiveLimits, type Inspection, inspectArchive } from './inspect.ts'

const mebibyte = 1_048_576
const limits = archiveLimits(2048 * mebibyte)
const run = promisify(execFile)
/** Node.js collects the buffers that zlib fills when there are 64 MiB of them. */
const garbageBytes = 96 * mebibyte

interface Outcome {
  inspection: Inspection
  size: number
  given: number
  growth: number
}

/** In a process of its own, which is as large as it is for this bomb alone. */
async function inspectBomb(name: string): Promise<Outcome> {
  const script = fileURLToPath(new URL('bombs.fixtures.ts', import.meta.url))
  const { stdout } = await run(process.execPath, ['--expose-gc', script, name])
  return JSON.parse(stdout) as Outcome
}

describe('a bomb', () => {
  it.each([
    ['ten GiB of zeros in a zip', /100 times its size/],
    ['a million members in a zip', /more than 10000 members/],
    ['a million members in a tar', /more than 10000 members/],
    ['zips in zips', /100 times its size/],
    ['zips in zips, too deep', /nested too deep/],
  ])('is refused, and takes little memory: %s', async (name, detail) => {
    const { inspection, growth } = await inspectBomb(name)
    expect(inspection).toEqual({ ok: false, reason: 'limits', detail: expect.stringMatching(detail) })
    expect(growth).toBeLessThan(garbageBytes)
  })

  it('is refused when its members overlap', async () => {
    const { inspection, growth } = await inspectBomb('members that overlap')
    expect(inspection).toEqual({ ok: false, reason: 'archive-member', detail: expect.stringMatching(/does not agree/) })
    expect(growth).toBeLessThan(garbageBytes)
  })

  it('is given up long before its end', async () => {
    const { size, given } = await inspectBomb('a million members in a tar')
    expect(given).toBeLessThan(size / 10)
  })

  it.each(Object.keys(bombs))('is refused by the walk ahead as well, which sends none of it: %s', async (name) => {
    let opened = 0
    const scanner = {
      places: 12,
      load: () => ({ busy: 0, waiting: 0 }),
      open: () => Promise.reject(new Error(`opened ${++opened}`)),
    }
    // Members of no bytes fill a batch as well; here none is large enough.
    const ahead = scanAhead({ scanner, limits, signal: new AbortController().signal, batchBytes: 64 * mebibyte })
    for (const chunk of bombs[name]?.().chunks() ?? []) {
      for (let at = 0; at < chunk.length; at += mebibyte) {
        ahead.add(chunk.subarray(at, at + mebibyte))
        await ahead.settled()
      }
    }
    expect(await ahead.finish()).toBe(false)
    expect(opened).toBe(0)
  })
})

describe('the ratio', () => {
  const small = { ...limits, freeBytes: mebibyte }

  it('is one of the whole to all that it unpacks to, at all depths', async () => {
    const zeros = Buffer.alloc(4 * mebibyte)
    const packed = deflateRawSync(zeros).length
    const refused = { ok: false, reason: 'limits', detail: 'it unpacks to more than 100 times its size' }
    for (const content of [zipOf([{ name: 'z', content: zeros }]), gzipSync(zeros), tarGzOf([{ name: 'z', content: zeros }])])
      expect(await inspectArchive(readerOf(content, 65_536), small)).toEqual(refused)
    // Other members of it make up for it.
    const noise = Buffer.from(Array.from({ length: 60_000 }, () => Math.floor(Math.random() * 256)))
    const mixed = zipOf([
      { name: 'noise', content: noise },
      { name: 'z', content: zeros },
    ])
    expect(mixed.length).toBeGreaterThan(packed + noise.length)
    expect(await inspectArchive(readerOf(mixed, 65_536), small)).toEqual({ ok: true })
    expect(await inspectArchive(readerOf(nestedZip(3, 2), 65_536), small)).toEqual(refused)
  })

  it('is not looked at in what unpacks to little', async () => {
    expect(await inspectArchive(readerOfGenerated(zerosZip(60)), limits)).toEqual({ ok: true })
    expect(await inspectArchive(readerOfGenerated(zerosZip(70)), limits)).toMatchObject({ ok: false, reason: 'limits' })
  })
})
