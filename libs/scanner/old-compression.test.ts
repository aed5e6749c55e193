import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatOf } from './format.ts'
import { isOldCompression } from './old-compression.ts'

/** The one reader of all of them. */
const gunzip = (content: Buffer) => execFileSync('gzip', ['-dc'], { input: content, stdio: ['pipe', 'pipe', 'ignore'] })

/** LZW as compress writes it, with literals only: what comes of it is what it was made of. */
function compressed(content: string, flags = 0x90): Buffer {
  return Buffer.concat([
    Buffer.from([0x1f, 0x9d, flags]),
    packBits(
      [...Buffer.from(content)].map((code) => ({ code, bits: 9 })),
      'upwards',
    ),
  ])
}

function packBits(codes: { code: number; bits: number }[], order: 'upwards' | 'downwards'): Buffer {
  const all = codes.flatMap(({ code, bits }) => {
    const own = Array.from({ length: bits }, (_, index) => (code >> index) & 1)
    return order === 'upwards' ? own : own.toReversed()
  })
  const bytes = Buffer.alloc(Math.ceil(all.length / 8))
  for (const [at, bit] of all.entries()) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (bit << (order === 'upwards' ? at & 7 : 7 - (at & 7)))
  return bytes
}

describe('what gzip unpacks', () => {
  const content = 'malware would stand here, or it would not'

  it('of compress is told, in block mode and without', () => {
    for (const flags of [0x90, 0x10, 0x8c]) {
      const file = compressed(content, flags)
      expect(gunzip(file).toString()).toBe(content)
      expect(isOldCompression(file), String(flags)).toBe(true)
      expect(formatOf(file)).toBe('opaque')
    }
  })

  it('of compress is told where it repeats itself, and however little of it there is', () => {
    const repeated = packBits(
      [97, 257, 258, 259].map((code) => ({ code, bits: 9 })),
      'upwards',
    )
    const file = Buffer.concat([Buffer.from([0x1f, 0x9d, 0x90]), repeated])
    expect(gunzip(file).toString()).toBe('a'.repeat(10))
    expect(isOldCompression(file)).toBe(true)
    expect(isOldCompression(compressed('a'))).toBe(true)
    expect(isOldCompression(Buffer.from([0x1f, 0x9d]))).toBe(true)
  })

  it('of compress is told when its table is cleared at once', () => {
    const file = Buffer.concat([
      Buffer.from([0x1f, 0x9d, 0x90]),
      packBits(
        [97, 256, 0, 0, 0, 0, 0, 0, ...Buffer.from(content)].map((code) => ({ code, bits: 9 })),
        'upwards',
      ),
    ])
    expect(gunzip(file).toString()).toBe(`a${content}`)
    expect(isOldCompression(file)).toBe(true)
  })

  it('of gzip before 1.0 is told', () => {
    const file = gzipSync(content)
    file[1] = 0x9e
    expect(gunzip(file).toString()).toBe(content)
    expect(isOldCompression(file)).toBe(true)
  })

  it('of pack is told', () => {
    // Two symbols, a and b, and the end: a tree of depth two, whose last count leaves out two.
    const tree = Buffer.from([0x1f, 0x1e, 0, 0, 0, 4, 2, 1, 0, 0x61, 0x62])
    const codes = [1, 1, 1, 1].map((code) => ({ code, bits: 1 }))
    const file = Buffer.concat([tree, packBits([...codes, { code: 1, bits: 2 }], 'downwards')])
    expect(gunzip(file).toString()).toBe('aaaa')
    expect(isOldCompression(file)).toBe(true)
  })
})

describe('what begins like it by chance is let alone', () => {
  it.each([
    ['compress', 0x9d],
    ['pack', 0x1e],
    ['LZH', 0xa0],
    ['old gzip', 0x9e],
  ])('%s: fewer than one in twenty', (_, second) => {
    const count = 4000
    const told = Array.from({ length: count }, () => Buffer.concat([Buffer.from([0x1f, second]), randomBytes(510)])).filter(
      isOldCompression,
    )
    expect(told.length).toBeLessThan(count / 20)
  })

  it('and nothing that gzip would unpack is among it', () => {
    for (let index = 0; index < 300; index++) {
      const second = [0x9d, 0x1e, 0xa0, 0x9e][index % 4] ?? 0
      const file = Buffer.concat([Buffer.from([0x1f, second]), randomBytes(300)])
      if (isOldCompression(file)) continue
      // A message of corrupt input comes with a status, and what was written until then is next to nothing.
      let written: Buffer = Buffer.alloc(0)
      try {
        written = gunzip(file)
      } catch (error) {
        written = (error as { stdout: Buffer }).stdout
      }
      expect(written.length).toBeLessThan(64)
    }
  })
})
