import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { tarOf, zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { centralAt, endAt, patched, readerOf, streamedZipOf, tarWithSize, zip64Of } from './archive.fixtures.ts'
import { archiveLimits, inspectArchive } from './inspect.ts'

const maxFileBytes = 100_000
const limits = archiveLimits(maxFileBytes)
const inspect = (content: Buffer, changes = {}) => inspectArchive(readerOf(content, 65_536), { ...limits, ...changes })
const ok = { ok: true }
const refused = (detail: RegExp, reason = 'archive-member') => ({ ok: false, reason, detail: expect.stringMatching(detail) })
const plain = { name: 'a.txt', content: 'some text '.repeat(50) }
const zip = zipOf([plain, { name: 'b', content: randomBytes(2000) }])

/** What another writer makes: `write` is Python that fills the zip `z`. */
function pythonZip(write: string): Buffer {
  const path = join(tmpdir(), `slipway-${randomBytes(6).toString('hex')}.zip`)
  const program = `import sys,zipfile\nwith zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED) as z:\n  ${write}`
  try {
    execFileSync('python3', ['-c', program, path])
    return readFileSync(path)
  } finally {
    rmSync(path, { force: true })
  }
}

describe('Zip64', () => {
  it.each([
    ['more entries than there are', { entries: 3n }],
    ['another number of entries than the small record', { smallEntries: 1 }],
    ['a directory of no bytes', { size: 0n }],
    ['a directory larger than the file', { size: 1n << 40n }],
    ['a directory beyond 2^53', { size: (1n << 64n) - 1n }],
    ['a directory that begins behind the file', { offset: 1n << 62n }],
    ['a directory that begins elsewhere', { offset: 7n }],
  ])('is refused when it claims %s', async (_, claims) => {
    expect(await inspect(zip64Of(zip, claims))).toEqual(refused(/./))
    expect(await inspect(zipOf([{ name: 'i.zip', content: zip64Of(zip, claims) }]))).toEqual(refused(/./))
  })

  it('is refused when the size in the extra field is not that of the member', async () => {
    const content = pythonZip("f=z.open('a','w',force_zip64=True); f.write(b'x'*5000); f.close()")
    const extraAt = 30 + content.readUInt16LE(26)
    expect(await inspect(patched(content, extraAt + 4, [4999, 4]))).toEqual(refused(/./))
    // Without the field the size is what it stands for: 4 GiB less one byte.
    expect(await inspect(patched(content, extraAt, [9, 2]))).toEqual(refused(/./))
  })
})

describe('a directory', () => {
  const entry = zip.subarray(centralAt(zip), centralAt(zip) + 46 + 5)

  /** A zip whose end record says `claimed` entries, and whose directory has `count`. */
  function crowded(count: number, claimed: number): Buffer {
    const directory = Buffer.concat(Array.from({ length: count }, () => entry))
    const end = patched(zip.subarray(endAt(zip)), 12, [directory.length, 4])
    const counted = patched(patched(end, 8, [claimed, 2]), 10, [claimed, 2])
    return Buffer.concat([zip.subarray(0, centralAt(zip)), directory, counted])
  }

  it('is given up as soon as it has more entries than allowed, whatever its end says', async () => {
    const content = crowded(300_000, 1)
    let read = 0
    const reader = readerOf(content, 65_536)
    const counting = {
      ...reader,
      stream: async (start: number, end: number) => (await reader.stream(start, end)).on('data', (chunk: Buffer) => (read += chunk.length)),
    }
    expect(await inspectArchive(counting, limits)).toEqual(refused(/more than 10000 members/, 'limits'))
    expect(read).toBeLessThan(content.length / 4)
    expect(await inspect(crowded(4, 1), { maxMembers: 3 })).toEqual(refused(/more than 3 members/, 'limits'))
  })

  it('leaves no stream of the store open, however the look ends', async () => {
    const contents = [zip, crowded(300_000, 1), patched(zip, centralAt(zip) + 28, [0xffff, 2]), patched(zip, centralAt(zip) + 51, [0, 4])]
    for (const content of contents) {
      const opened: { destroyed: boolean }[] = []
      const reader = readerOf(content, 100)
      const watching = {
        ...reader,
        stream: async (start: number, end: number) => {
          const stream = await reader.stream(start, end)
          opened.push(stream)
          return stream
        },
      }
      await inspectArchive(watching, limits)
      expect(opened.length).toBeGreaterThan(0)
      expect(opened.every((stream) => stream.destroyed)).toBe(true)
    }
  })
})

describe('members', () => {
  it('may have names as long as the format allows, and are named in few words', async () => {
    const name = 'n'.repeat(65_535)
    expect(await inspect(zipOf([{ name, content: 'x' }]))).toEqual(ok)
    const inspection = await inspect(zipOf([{ name, content: Buffer.alloc(maxFileBytes + 1) }]))
    expect(inspection).toEqual(refused(/has more than 100000 bytes/))
    expect(JSON.stringify(inspection).length).toBeLessThan(400)
  })

  it('that overlap are refused: an entry that points into the data of another', async () => {
    const inner = zipOf([{ name: 'inner', content: 'hidden', stored: true }])
    const content = Buffer.concat([Buffer.from('text'), inner.subarray(0, centralAt(inner))])
    const outer = zipOf([{ name: 'outer', content, stored: true }, plain])
    const second = outer.lastIndexOf('PK\x01\x02', undefined, 'latin1')
    expect(await inspect(outer)).toEqual(ok)
    expect(await inspect(patched(outer, second + 42, [39, 4]))).toEqual(refused(/does not agree/))
  })

  it('with sizes of 4 GiB less one byte, or ones that would be negative, are refused', async () => {
    for (const size of [0xffffffff, 0x80000000, 0x7fffffff]) {
      for (const at of [18, 22, centralAt(zip) + 20, centralAt(zip) + 24]) {
        expect(await inspect(patched(zip, at, [size, 4]))).toEqual(refused(/./))
      }
    }
  })

  it('are refused when the descriptor behind the data gives another packed size', async () => {
    const content = streamedZipOf([{ name: 's', content: Buffer.from('text '.repeat(100)) }])
    const at = content.indexOf('PK\x07\x08', 0, 'latin1')
    expect(await inspect(content)).toEqual(ok)
    expect(await inspect(patched(content, at + 8, [content.readUInt32LE(at + 8) + 1, 4]))).toEqual(refused(/not as long as it says/))
    expect(await inspect(content.subarray(0, at + 6))).toEqual(refused(/./))
  })

  it('are counted at all depths together, and nest no deeper than allowed', async () => {
    let matryoshka = zipOf([plain])
    for (let level = 2; level <= limits.maxDepth; level++) matryoshka = zipOf([{ name: `${level}.zip`, content: matryoshka }])
    expect(await inspect(matryoshka)).toEqual(ok)
    expect(await inspect(gzipSync(matryoshka))).toEqual(refused(/nested too deep/, 'limits'))
    const ten = zipOf(Array.from({ length: 10 }, (_, index) => ({ name: `${index}`, content: 'x' })))
    const hundred = zipOf(Array.from({ length: 10 }, (_, index) => ({ name: `${index}.zip`, content: ten })))
    expect(await inspect(hundred, { maxMembers: 110 })).toEqual(ok)
    expect(await inspect(hundred, { maxMembers: 109 })).toEqual(refused(/more than 109 members/, 'limits'))
  })

  it('of no bytes are padding, in any number up to the limit', async () => {
    const padding = Array.from({ length: 500 }, (_, index) => ({ name: `folder ${index}/`, content: '', stored: true }))
    expect(await inspect(zipOf([...padding, plain]))).toEqual(ok)
    expect(await inspect(zipOf([...padding, plain]), { maxMembers: 500 })).toEqual(refused(/members/, 'limits'))
  })
})

describe('damage', () => {
  it('of any single byte never ends in anything but a verdict', async () => {
    const small = zipOf([
      { name: 'a', content: 'text '.repeat(10) },
      { name: 'b', content: 'x', stored: true },
    ])
    for (let at = 0; at < small.length; at++) {
      for (const value of [0, 0xff, (small[at] ?? 0) ^ 1]) {
        const inspection = await inspect(patched(small, at, [value, 1]))
        expect(inspection).toEqual(inspection.ok ? ok : refused(/./, inspection.reason))
      }
    }
  })

  it('by cutting is always refused, wherever it cuts, once the content is a zip', async () => {
    const small = zipOf([{ name: 'a', content: 'text '.repeat(10) }])
    for (let length = 4; length < small.length; length++) expect(await inspect(small.subarray(0, length))).toEqual(refused(/./))
  })
})

describe('tar', () => {
  const tar = tarOf([
    { name: 'a', content: 'text' },
    { name: 'b', content: 'more' },
  ])

  it.each([
    ['negative, in octal', '-0000000010\0'],
    ['negative, in base 256', Buffer.alloc(12, 0xff)],
    ['no number', 'x'.repeat(11)],
    ['empty', ''],
    ['larger than the file', '77777777777\0'],
    ['so large that it swallows the next header', '00000001010\0'],
  ])('is refused when the size of a member is %s', async (_, size) => {
    expect(await inspect(tarWithSize(tar, size))).toEqual(refused(/./))
    expect(await inspect(gzipSync(tarWithSize(tar, size)))).toEqual(refused(/./))
  })

  it('is refused when a negative size would put the next header where other readers have none', async () => {
    const first = tarWithSize(tar, '-0000000010\0').subarray(0, 512)
    expect(await inspect(Buffer.concat([first, Buffer.alloc(8, 'x'), tar]))).toEqual(refused(/size/))
  })

  it('is refused when it ends within a member, or is followed by what is none', async () => {
    expect(await inspect(tar.subarray(0, 514))).toEqual(refused(/ends in the middle/))
    expect(await inspect(Buffer.concat([tar, Buffer.from('not a header')]))).toEqual(refused(/./))
  })
})
