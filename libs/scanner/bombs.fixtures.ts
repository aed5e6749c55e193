import { Readable } from 'node:stream'
import { constants, deflateRawSync } from 'node:zlib'
import { tarOf, zipOf } from '@slipway/testing'
import { type ArchiveReader, archiveLimits, inspectArchive } from './inspect.ts'

const kibibyte = 1024
const mebibyte = kibibyte ** 2
const gibibyte = kibibyte ** 3

/** Content that exists only while it is read. */
export interface Generated {
  readonly size: number
  /** From the beginning, in chunks. */
  readonly chunks: () => Iterable<Buffer>
}

/** What a bomb is read through: parts that are skipped are made and thrown away. */
export function readerOfGenerated({ size, chunks }: Generated): ArchiveReader & { given: number } {
  function* range(start: number, end: number) {
    let at = 0
    for (const chunk of chunks()) {
      const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at))
      at += chunk.length
      if (part.length > 0) {
        reader.given += part.length
        yield part
      }
      if (at >= end) return
    }
  }
  const reader = {
    size,
    given: 0,
    read: async (start: number, end: number) => Buffer.concat([...range(start, end)]),
    stream: async (start: number, end: number) => Readable.from(range(start, end)),
  }
  return reader
}

function sized(chunks: () => Iterable<Buffer>): Generated {
  let size = 0
  for (const chunk of chunks()) size += chunk.length
  return { size, chunks }
}

/** A MiB of zeros as deflate data that others may stand behind: about a thousandth. */
const zeros = deflateRawSync(Buffer.alloc(mebibyte), { finishFlush: constants.Z_FULL_FLUSH })

/** A zip with one member of so many MiB of zeros. Sizes beyond 4 GiB wrap around, as the format has no more digits. */
export function zerosZip(mebibytes: number): Generated {
  const last = deflateRawSync(Buffer.alloc(0))
  const packed = zeros.length * mebibytes + last.length
  const frame = zipOf([{ name: 'zeros', content: '' }])
  const [local, rest] = [Buffer.from(frame.subarray(0, 35)), Buffer.from(frame.subarray(37))]
  const unpacked = (mebibytes * mebibyte) % 2 ** 32
  for (const [header, at] of [
    [local, 18],
    [rest, 20],
  ] as const) {
    header.writeUInt32LE(packed, at)
    header.writeUInt32LE(unpacked, at + 4)
  }
  rest.writeUInt32LE(35 + packed, rest.length - 6)
  return {
    size: local.length + packed + rest.length,
    *chunks() {
      yield local
      for (let index = 0; index < mebibytes; index++) yield zeros
      yield last
      yield rest
    },
  }
}

/** A zip of so many empty members. */
export function crowdedZip(members: number): Generated {
  const frame = zipOf([{ name: '0000000', content: '', stored: true }])
  const [local, central] = [frame.subarray(0, 37), frame.subarray(37, -22)]
  const end = Buffer.from(frame.subarray(-22))
  const named = (record: Buffer, at: number, index: number) => {
    const copy = Buffer.from(record)
    copy.write(String(index).padStart(7, '0'), at)
    return copy
  }
  end.writeUInt32LE(central.length * members, 12)
  end.writeUInt32LE(local.length * members, 16)
  for (const at of [8, 10]) end.writeUInt16LE(members % 65_536, at)
  return {
    size: (local.length + central.length) * members + end.length,
    *chunks() {
      for (let index = 0; index < members; index++) yield named(local, 30, index)
      for (let index = 0; index < members; index++) {
        const entry = named(central, 46, index)
        entry.writeUInt32LE(index * local.length, 42)
        yield entry
      }
      yield end
    },
  }
}

/** A tar of so many empty members. */
export function crowdedTar(members: number): Generated {
  const tar = tarOf([{ name: 'empty', content: '' }])
  const thousand = Buffer.concat(Array.from({ length: 1000 }, () => tar.subarray(0, 512)))
  return sized(function* () {
    for (let index = 0; index < members; index += 1000) yield thousand
    yield tar.subarray(512)
  })
}

/** Zips in zips, each with the same one several times: as 42.zip, whose 106 petabytes are zeros 16 wide and six deep. */
export function nestedZip(width: number, depth: number): Buffer {
  let zip = zipOf([{ name: 'zeros', content: Buffer.alloc(16 * mebibyte) }])
  for (let level = 1; level < depth; level++) {
    const content = zip
    zip = zipOf(Array.from({ length: width }, (_, index) => ({ name: `${index}.zip`, content })))
  }
  return zip
}

/** One member that all entries of the directory share, as the quoted-overlap of D. Fifield has it in its simplest form. */
export function overlappingZip(entries: number): Buffer {
  const frame = zipOf([{ name: 'kernel', content: Buffer.alloc(4 * mebibyte) }])
  const centralAt = frame.indexOf('PK\x01\x02', 0, 'latin1')
  const entry = frame.subarray(centralAt, -22)
  const end = Buffer.from(frame.subarray(-22))
  for (const at of [8, 10]) end.writeUInt16LE(entries, at)
  end.writeUInt32LE(entry.length * entries, 12)
  return Buffer.concat([frame.subarray(0, centralAt), ...Array.from({ length: entries }, () => entry), end])
}

const inMemory = (content: Buffer): Generated => ({ size: content.length, chunks: () => [content] })

export const bombs: Record<string, () => Generated> = {
  'ten GiB of zeros in a zip': () => zerosZip(10 * kibibyte),
  'a million members in a zip': () => crowdedZip(1_000_000),
  'a million members in a tar': () => crowdedTar(1_000_000),
  'zips in zips': () => inMemory(nestedZip(16, 6)),
  'zips in zips, too deep': () => inMemory(nestedZip(1, 20)),
  'members that overlap': () => inMemory(overlappingZip(5000)),
}

/** Prints what the look into a bomb ends with, how much of it was read, and by how many bytes the process grew at most. */
async function measure(name: string): Promise<void> {
  const reader = readerOfGenerated(bombs[name]?.() ?? inMemory(Buffer.alloc(0)))
  const limits = archiveLimits(2 * gibibyte)
  await inspectArchive(readerOfGenerated(inMemory(zipOf([{ name: 'a', content: 'warm' }]))), limits)
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const peak = { rss: before }
  const watch = setInterval(() => {
    peak.rss = Math.max(peak.rss, process.memoryUsage().rss)
  }, 5)
  const inspection = await inspectArchive(reader, limits)
  clearInterval(watch)
  process.stdout.write(JSON.stringify({ inspection, size: reader.size, given: reader.given, growth: peak.rss - before }))
}

const [, script, name] = process.argv
if (script?.endsWith('bombs.fixtures.ts') && name) await measure(name)
