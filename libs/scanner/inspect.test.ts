import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { tarGzOf, tarOf, zipOf } from '@slipway/testing'
import { describe, expect, it } from 'vitest'
import { centralAt, endAt, movedBy, patched, readerOf, streamedZipOf } from './archive.fixtures.ts'
import { disguisedTars, tarMember, zip64s } from './disguise.fixtures.ts'
import { archiveLimits, inspectArchive } from './inspect.ts'

const maxFileBytes = 100_000
const limits = archiveLimits(maxFileBytes)
const large = Buffer.alloc(maxFileBytes + 1)
const inspect = (content: Buffer, changes = {}) => inspectArchive(readerOf(content), { ...limits, ...changes })
const ok = { ok: true }
const refused = (detail: RegExp | string, reason = 'archive-member') => ({
  ok: false,
  reason,
  detail: expect.stringMatching(detail),
})

/** A name and content, for archives that have nothing wrong with them. */
const plain = { name: 'a.txt', content: 'some text '.repeat(50) }
const noise = { name: 'noise', content: randomBytes(3000) }

describe('ordinary content', () => {
  it('is not read at all when it is no archive', async () => {
    for (const content of [Buffer.alloc(0), Buffer.from('hi'), randomBytes(200_000), Buffer.from('%PDF-1.7\nhello')]) {
      const reader = readerOf(content)
      expect(await inspectArchive(reader, limits)).toEqual(ok)
      expect(reader.opened).toEqual([])
    }
  })

  it('passes as zip, stored or deflated, empty, with a comment, in zip, in tar, in gzip', async () => {
    const zip = zipOf([plain, { ...noise, stored: true }, { name: 'empty', content: '' }, { name: 'folder/', content: '' }])
    const comment = Buffer.concat([patched(zip, zip.length - 2, [5, 2]), Buffer.from('hello')])
    const nested = zipOf([
      { name: 'i.zip', content: zip },
      { name: 's.zip', content: zip, stored: true },
    ])
    const archives = [zip, comment, zipOf([]), nested, tarOf([plain, { name: 'i.zip', content: zip }]), gzipSync(zip)]
    for (const archive of [...archives, tarGzOf([noise, { name: 'i.zip', content: nested }]), gzipSync(gzipSync('x'))]) {
      expect(await inspect(archive)).toEqual(ok)
    }
  })

  it('passes as zip that was written to a pipe, with any form of data descriptor', async () => {
    for (const form of [{}, { wide: true }, { unsigned: true }, { wide: true, unsigned: true }, { stored: true }]) {
      const entries = [noise, { name: 'b', content: Buffer.from('text') }, { name: 'c', content: Buffer.alloc(0) }]
      expect(await inspect(streamedZipOf(entries.map((entry) => ({ ...entry, ...form }))))).toEqual(ok)
    }
  })

  it('passes as zip whose writer put a block of its own in front of the directory', async () => {
    const zip = zipOf([plain])
    const block = Buffer.from('APK Sig Block 42'.repeat(100))
    const at = centralAt(zip)
    const signed = Buffer.concat([zip.subarray(0, at), block, zip.subarray(at)])
    expect(await inspect(patched(signed, endAt(signed) + 16, [at + block.length, 4]))).toEqual(ok)
  })

  it('passes for every way that a stream may be cut into chunks', async () => {
    const archive = tarGzOf([{ name: 'i.zip', content: zipOf([plain, noise]) }])
    const zip = zipOf([plain, noise, { name: 'i.zip', content: zipOf([noise]) }])
    for (const chunk of [1, 2, 3, 5, 29, 30, 31, 511, 512, 513, 100_000]) {
      expect(await inspectArchive(readerOf(archive, chunk), limits)).toEqual(ok)
      expect(await inspectArchive(readerOf(zip, chunk), limits)).toEqual(ok)
    }
  })

  it('passes with data in front of a zip that clamd finds, whatever its offsets count from', async () => {
    const zip = zipOf([plain, noise])
    const stub = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])
    expect(await inspect(Buffer.concat([stub, zip]))).toEqual(ok)
    expect(await inspect(Buffer.concat([stub, movedBy(zip, stub.length)]))).toEqual(ok)
  })
})

describe('members beyond the limits of clamd', () => {
  const bomb = zipOf([plain, { name: 'big', content: large }])

  it('are found alone and in every nesting', async () => {
    const nested = zipOf([{ name: 'i.zip', content: bomb }])
    const stub = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])
    const all = [bomb, nested, tarOf([{ name: 'i.zip', content: nested }]), tarGzOf([{ name: 'i.zip', content: bomb }]), gzipSync(bomb)]
    for (const archive of [...all, Buffer.concat([stub, bomb])]) {
      expect(await inspect(archive)).toEqual(refused(/big has more than 100000 bytes/))
    }
  })

  it('are found when they lie about their size', async () => {
    for (const claimedSize of [0, 100, maxFileBytes]) {
      expect(await inspect(zipOf([{ name: 'big', content: large, claimedSize }]))).toEqual(refused(/big has more than/))
      expect(await inspect(streamedZipOf([{ name: 'big', content: large, claimedSize }]))).toEqual(refused(/big has more than/))
    }
  })

  it('are found by what is read, not by what is claimed', async () => {
    expect(await inspect(zipOf([{ name: 'small', content: 'x', claimedSize: 500_000 }]))).toEqual(refused(/not as long as it says/))
    expect(await inspect(zipOf([{ name: 'exact', content: large.subarray(1) }]))).toEqual(ok)
  })

  it('count together, at all depths', async () => {
    const part = { content: Buffer.alloc(60_000) }
    const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...part, name: `${index}` }))
    expect(await inspect(zipOf(many(6)))).toEqual(ok)
    expect(await inspect(zipOf(many(7)))).toEqual(refused('unpacks to more', 'limits'))
    expect(
      await inspect(
        zipOf([
          { name: 'i', content: zipOf(many(4)) },
          { name: 'j', content: zipOf(many(4)) },
        ]),
      ),
    ).toEqual(refused('unpacks to more', 'limits'))
  })

  it('are limited in number and depth', async () => {
    const many = zipOf(Array.from({ length: 4 }, (_, index) => ({ name: `${index}`, content: 'x' })))
    expect(await inspect(many, { maxMembers: 4 })).toEqual(ok)
    expect(await inspect(many, { maxMembers: 3 })).toEqual(refused('more than 3 members', 'limits'))
    expect(await inspect(gzipSync(many), { maxMembers: 3 })).toEqual(refused('more than 3 members', 'limits'))
    const deep = zipOf([{ name: '1.zip', content: zipOf([{ name: '2.zip', content: zipOf([plain]) }]) }])
    expect(await inspect(deep, { maxDepth: 3 })).toEqual(ok)
    expect(await inspect(deep, { maxDepth: 2 })).toEqual(refused('nested too deep', 'limits'))
  })

  it('end the look early instead of unpacking everything', async () => {
    const bombs = zipOf(Array.from({ length: 30 }, (_, index) => ({ name: `${index}`, content: randomBytes(200_000) })))
    let read = 0
    const reader = readerOf(bombs)
    const counting = { ...reader, stream: async (start: number, end: number) => (await reader.stream(start, end)).on('data', () => read++) }
    expect(await inspectArchive(counting, limits)).toEqual(refused(/has more than/))
    expect(read * 777).toBeLessThan(bombs.length / 2)
  })
})

describe('zips that say two things', () => {
  const zip = zipOf([{ name: 'a', content: 'visible '.repeat(20) }])
  const other = zipOf([{ name: 'b', content: 'hidden '.repeat(20) }])
  const local = other.subarray(0, centralAt(other))
  const central = centralAt(zip)
  const end = endAt(zip)

  it.each([
    ['has no directory', zip.subarray(0, central)],
    ['has a directory without end', zip.subarray(0, end)],
    ['stands in front of another', Buffer.concat([zip, other])],
    ['ends too far from the end', Buffer.concat([zip, Buffer.alloc(100_000)])],
    ['hides a member in front', Buffer.concat([local, zip])],
    ['hides a member in front, with offsets to match', shifted(Buffer.concat([local, zip]), local.length)],
    ['hides a member in front of the directory', inserted(zip, local)],
    ['hides a member behind its end', Buffer.concat([zip, local])],
    ['counts no entries', patched(patched(zip, end + 8, [0, 2]), end + 10, [0, 2])],
    ['counts too many', patched(zip, end + 10, [2, 2])],
    ['has its directory elsewhere', patched(zip, end + 16, [5, 4])],
    ['names a member elsewhere', patched(zip, central + 42, [1 << 30, 4])],
    ['gives a member two packed sizes', patched(zip, central + 20, [1, 4])],
    ['gives a member a packed size that cuts it', patched(zip, 18, [1, 4])],
    ['gives a member two sizes', patched(zip, central + 24, [1, 4])],
    ['gives a member two methods', patched(zip, central + 10, [0, 2])],
    ['has broken data', patched(zip, 31, [0xffff, 2])],
    ['is packed by an unknown method', patched(patched(zip, 8, [14, 2]), central + 10, [14, 2])],
  ])('is refused: it %s', async (_, content) => {
    expect(await inspect(content)).toEqual(refused(/./))
    expect(await inspect(zipOf([{ name: 'i.zip', content }]))).toEqual(refused(/./))
    expect(await inspect(tarGzOf([{ name: 'i.zip', content }]))).toEqual(refused(/./))
  })

  it('is refused when a member is encrypted, by either header', async () => {
    for (const at of [6, central + 8]) expect(await inspect(patched(zip, at, [1, 2]))).toEqual(refused('encrypted', 'encrypted'))
    expect(await inspect(zipOf([plain], { encrypted: true }))).toEqual(refused('a.txt is encrypted', 'encrypted'))
  })

  it('is refused when two entries share one member', async () => {
    const entry = zip.subarray(central, end)
    const twice = Buffer.concat([zip.subarray(0, end), entry, zip.subarray(end)])
    const counted = patched(patched(twice, endAt(twice) + 10, [2, 2]), endAt(twice) + 12, [2 * entry.length, 4])
    expect(await inspect(counted)).toEqual(refused('does not agree'))
  })

  it('is refused when its entries count from different places', async () => {
    const two = zipOf([noise, plain])
    const stub = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500)])
    const second = two.lastIndexOf('PK\x01\x02', undefined, 'latin1')
    const moved = movedBy(two, stub.length)
    expect(await inspect(Buffer.concat([stub, moved]))).toEqual(ok)
    const mixed = patched(moved, second + 42, [two.readUInt32LE(second + 42), 4])
    expect(await inspect(Buffer.concat([stub, mixed]))).toEqual(refused('counts from two places'))
  })

  it('is refused when bytes are hidden between the data of a member and its end', async () => {
    const gap = Buffer.from('hidden')
    const packed = zip.readUInt32LE(18)
    const at = central
    const grown = Buffer.concat([zip.subarray(0, at), gap, zip.subarray(at)])
    const sizes = patched(patched(grown, 18, [packed + gap.length, 4]), at + gap.length + 20, [packed + gap.length, 4])
    expect(await inspect(patched(sizes, endAt(sizes) + 16, [at + gap.length, 4]))).toEqual(refused('hidden behind'))
  })

  it('is refused in another archive when the length of a stored member cannot be known', async () => {
    const piped = streamedZipOf([{ ...noise, stored: true }])
    expect(await inspect(piped)).toEqual(ok)
    expect(await inspect(zipOf([{ name: 'i.zip', content: piped }]))).toEqual(refused('where noise ends cannot be known'))
  })

  function inserted(content: Buffer, extra: Buffer): Buffer {
    const grown = Buffer.concat([content.subarray(0, central), extra, content.subarray(central)])
    return patched(grown, endAt(grown) + 16, [central + extra.length, 4])
  }

  function shifted(content: Buffer, by: number): Buffer {
    const at = content.lastIndexOf('PK\x01\x02', undefined, 'latin1')
    return patched(patched(content, at + 42, [by, 4]), endAt(content) + 16, [at, 4])
  }
})

describe('what clamd takes for the whole', () => {
  const zip = zipOf([plain])

  it.each([
    ['gzip', gzipSync('hello')],
    ['bzip2', Buffer.from('BZh91AY&SY and so on')],
    ['MP3', Buffer.from('ID3\x03 and so on')],
    ['Ogg', Buffer.from('OggS and so on')],
    ['SQLite', Buffer.from('SQLite format 3\0 and so on')],
    ['tar', tarOf([plain])],
  ])('is refused with a zip behind it: %s', async (_, front) => {
    expect(await inspect(front)).toEqual(ok)
    expect(await inspect(Buffer.concat([front, zip]))).toEqual(refused(/./))
  })

  it('is refused in an archive with a zip behind it, where its beginning cannot be gone back to', async () => {
    const content = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(500), zip])
    expect(await inspect(content)).toEqual(ok)
    expect(await inspect(zipOf([{ name: 'setup.exe', content }]))).toEqual(refused('setup.exe has a zip behind it'))
  })

  it('is refused as bzip2 of several streams, of which clamd unpacks the first', async () => {
    expect(await inspect(Buffer.from('BZh91AY&SY one BZh61AY&SY two'))).toEqual(refused(/hidden/))
  })

  it('is refused when compressed in ways that clamd does not know, also as a member', async () => {
    const zstd = zstdCompressSync('x'.repeat(1000))
    const lzma = Buffer.concat([Buffer.from('5d00008000ffffffffffffffff', 'hex'), randomBytes(100)])
    for (const content of [zstd, lzma, Buffer.from('LZIP\x01abc'), Buffer.concat([zstd, zip])]) {
      expect(await inspect(content)).toEqual(refused('cannot be scanned'))
      expect(await inspect(tarOf([{ name: 'c', content }]))).toEqual(refused(/./))
    }
  })

  it.each([...disguisedTars(), ...zip64s()])('is refused as an archive that clamd reads otherwise: %s', async (_, content) => {
    expect(await inspect(content)).toMatchObject({ ok: false, reason: 'archive-member' })
    expect(await inspect(gzipSync(content))).toMatchObject({ ok: false })
  })

  it('is believed as tar with an extended header that tells the same size, and with padding', async () => {
    const pax = tarMember({ name: 'p', type: 'x', content: '10 size=4\n' })
    const tar = Buffer.concat([pax, tarMember({ name: 'a', content: 'text' }), Buffer.alloc(10_240)])
    expect(await inspect(tar)).toEqual(ok)
    expect(await inspect(Buffer.concat([gzipSync(tar), Buffer.alloc(100)]))).toEqual(ok)
    expect(await inspect(Buffer.concat([gzipSync(tar), Buffer.alloc(100), gzipSync(tar)]))).toEqual(refused('padding'))
    const forAll = tarMember({ name: 'p', type: 'g', content: '10 size=4\n' })
    expect(await inspect(Buffer.concat([forAll, tar]))).toEqual(refused('all of its members'))
  })

  it('is refused as gzip that is cut off or broken', async () => {
    const gzip = gzipSync(noise.content)
    expect(await inspect(gzip.subarray(0, 1000))).toEqual(refused('broken'))
    expect(await inspect(patched(gzip, 500, [0xffffffff, 4]))).toEqual(refused('broken'))
  })
})

describe('inspectArchive', () => {
  it('does not call a fault of the reader a fault of the archive', async () => {
    const zip = zipOf([plain, noise])
    const lost = { ...readerOf(zip), stream: () => Promise.reject(new Error('the store is gone')) }
    await expect(inspectArchive(lost, limits)).rejects.toThrow('the store is gone')
  })

  it('stops with the signal', async () => {
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await expect(inspectArchive(readerOf(zipOf([plain])), limits, { signal: stop.signal })).rejects.toThrow('enough')
  })
})
