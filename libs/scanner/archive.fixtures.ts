import { Readable } from 'node:stream'
import { crc32, deflateRawSync } from 'node:zlib'
import type { ArchiveReader } from './inspect.ts'

/** Random access to bytes in memory, in chunks of an odd length so that records lie across their borders. */
export function readerOf(content: Buffer, chunkBytes = 777): ArchiveReader & { opened: number[] } {
  const opened: number[] = []
  function* chunks(start: number, end: number) {
    for (let at = start; at < end; at += chunkBytes) yield content.subarray(at, Math.min(at + chunkBytes, end))
  }
  return {
    opened,
    size: content.length,
    read: async (start, end) => content.subarray(start, end),
    async stream(start, end) {
      opened.push(start)
      return Readable.from(chunks(start, end))
    },
  }
}

/** A copy with a little-endian number written over some place. */
export function patched(content: Buffer, at: number, [value, size]: [value: number, size: 1 | 2 | 4]): Buffer {
  const copy = Buffer.from(content)
  copy.writeUIntLE(value, at, size)
  return copy
}

export const centralAt = (zip: Buffer) => zip.indexOf('PK\x01\x02', 0, 'latin1')
/** Moves every offset of a zip, as for a zip whose offsets count from the beginning of the file that it is appended to. */
export function movedBy(zip: Buffer, bytes: number): Buffer {
  let moved = patched(zip, endAt(zip) + 16, [centralAt(zip) + bytes, 4])
  for (let at = centralAt(zip); at >= 0; at = zip.indexOf('PK\x01\x02', at + 4, 'latin1')) {
    moved = patched(moved, at + 42, [zip.readUInt32LE(at + 42) + bytes, 4])
  }
  return moved
}

export const endAt = (zip: Buffer) => zip.lastIndexOf('PK\x05\x06', undefined, 'latin1')

interface StreamedEntry {
  name: string
  content: Buffer
  stored?: boolean
  /** Sizes of 8 bytes, as Zip64 has them. */
  wide?: boolean
  /** Leaves out the optional signature of the descriptor. */
  unsigned?: boolean
  claimedSize?: number
}

/** A zip as programs write it to a pipe: sizes stand behind the data (general purpose bit 3). */
export function streamedZipOf(entries: readonly StreamedEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const local = streamedMember(entry)
    parts.push(local.bytes)
    directory.push(centralEntry(entry, { ...local, offset }))
    offset += local.bytes.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

function streamedMember({ name, content, stored, wide, unsigned, claimedSize }: StreamedEntry) {
  const packed = stored ? content : deflateRawSync(content)
  const header = Buffer.alloc(30)
  header.write('PK\x03\x04', 'latin1')
  header.writeUInt16LE(8, 6)
  header.writeUInt16LE(stored ? 0 : 8, 8)
  header.writeUInt16LE(name.length, 26)
  const descriptor = Buffer.alloc(wide ? 24 : 16)
  descriptor.write('PK\x07\x08', 'latin1')
  descriptor.writeUInt32LE(crc32(content), 4)
  descriptor.writeUInt32LE(packed.length, 8)
  descriptor.writeUInt32LE(claimedSize ?? content.length, wide ? 16 : 12)
  const bytes = Buffer.concat([header, Buffer.from(name), packed, unsigned ? descriptor.subarray(4) : descriptor])
  return { bytes, compressed: packed.length }
}

function centralEntry(entry: StreamedEntry, { compressed, offset }: { compressed: number; offset: number }): Buffer {
  const fixed = Buffer.alloc(46)
  fixed.write('PK\x01\x02', 'latin1')
  fixed.writeUInt16LE(8, 8)
  fixed.writeUInt16LE(entry.stored ? 0 : 8, 10)
  fixed.writeUInt32LE(compressed, 20)
  fixed.writeUInt32LE(entry.claimedSize ?? entry.content.length, 24)
  fixed.writeUInt16LE(entry.name.length, 28)
  fixed.writeUInt32LE(offset, 42)
  return Buffer.concat([fixed, Buffer.from(entry.name)])
}

interface Claims {
  entries?: bigint
  size?: bigint
  offset?: bigint
  /** What the small end record says of the entries; 0xffff refers to the large one. */
  smallEntries?: number
}

/** The same zip with the end records of Zip64, which may claim what is not so. */
export function zip64Of(zip: Buffer, claims: Claims = {}): Buffer {
  const [at, end] = [centralAt(zip), endAt(zip)]
  const large = Buffer.alloc(56)
  large.write('PK\x06\x06', 'latin1')
  large.writeBigUInt64LE(44n, 4)
  for (const place of [24, 32]) large.writeBigUInt64LE(claims.entries ?? BigInt(zip.readUInt16LE(end + 10)), place)
  large.writeBigUInt64LE(claims.size ?? BigInt(end - at), 40)
  large.writeBigUInt64LE(claims.offset ?? BigInt(at), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(end), 8)
  locator.writeUInt32LE(1, 16)
  const small = Buffer.concat([zip.subarray(end, end + 8), Buffer.alloc(12, 0xff), Buffer.alloc(2)])
  for (const place of [8, 10]) small.writeUInt16LE(claims.smallEntries ?? 0xffff, place)
  return Buffer.concat([zip.subarray(0, end), large, locator, small])
}

/** A tar with a size written over that of its first member, and a checksum to match. */
export function tarWithSize(tar: Buffer, size: string | Buffer): Buffer {
  const copy = Buffer.from(tar)
  copy.fill(0, 124, 136)
  copy.write(typeof size === 'string' ? size : size.toString('latin1'), 124, 'latin1')
  copy.fill(' ', 148, 156)
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return copy
}
