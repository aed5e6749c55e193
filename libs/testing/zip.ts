import { randomBytes } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'
import { encryptMember } from './zip-crypto.ts'

export interface ArchiveEntry {
  name: string
  content: Buffer | string
}

export interface ZipEntry extends ArchiveEntry {
  /** Kept as it is instead of deflated. */
  stored?: boolean
  /** What the headers claim as uncompressed size, where that should be a lie. */
  claimedSize?: number
}

export interface ZipOptions {
  /** Password for the traditional encryption (ZipCrypto), or true for any. */
  encrypted?: boolean | string
}

interface Member {
  local: Buffer
  central: Buffer
}

const storedMethod = 0
const deflatedMethod = 8
const encryptedFlag = 1
const utf8Flag = 0x0800
/** 1 January 2026, 00:00 in the format of MS-DOS. */
const date = ((2026 - 1980) << 9) | (1 << 5) | 1

/** A zip archive as in PKWARE's APPNOTE.TXT: local headers with data, central directory, end record. No zip64. */
export function zipOf(entries: readonly ZipEntry[], options: ZipOptions = {}): Buffer {
  let offset = 0
  const members = entries.map((entry) => {
    const member = memberOf(entry, { offset, encrypted: options.encrypted ?? false })
    offset += member.local.length
    return member
  })
  const directory = Buffer.concat(members.map((member) => member.central))
  return Buffer.concat([...members.map((member) => member.local), directory, endRecord(members.length, directory.length, offset)])
}

function memberOf(entry: ZipEntry, place: { offset: number; encrypted: boolean | string }): Member {
  const content = Buffer.from(entry.content)
  const name = Buffer.from(entry.name)
  const packed = entry.stored ? content : deflateRawSync(content)
  const checksum = crc32(content)
  const password = place.encrypted === true ? randomBytes(8).toString('hex') : place.encrypted
  const data = password ? encryptMember(packed, password, checksum) : packed
  const fields = memberFields({ entry, name, data, checksum, size: entry.claimedSize ?? content.length, encrypted: password !== false })
  return {
    local: Buffer.concat([bytes([0x04034b50, 4]), fields, bytes([0, 2]), name, data]),
    central: Buffer.concat([
      bytes([0x02014b50, 4], [20, 2]),
      fields,
      // Lengths of extra field and comment, disk, internal and external attributes, offset of the local header.
      bytes([0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [place.offset, 4]),
      name,
    ]),
  }
}

interface Fields {
  entry: ZipEntry
  name: Buffer
  data: Buffer
  checksum: number
  size: number
  encrypted: boolean
}

/** From "version needed" to "file name length": the same in both headers. */
function memberFields({ entry, name, data, checksum, size, encrypted }: Fields): Buffer {
  const flags = utf8Flag | (encrypted ? encryptedFlag : 0)
  const method = entry.stored ? storedMethod : deflatedMethod
  return bytes([20, 2], [flags, 2], [method, 2], [0, 2], [date, 2], [checksum, 4], [data.length, 4], [size, 4], [name.length, 2])
}

function endRecord(count: number, directorySize: number, directoryOffset: number): Buffer {
  return bytes([0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [directorySize, 4], [directoryOffset, 4], [0, 2])
}

/** Little-endian numbers of two or four bytes. */
function bytes(...numbers: [value: number, size: 2 | 4][]): Buffer {
  return Buffer.concat(
    numbers.map(([value, size]) => {
      const buffer = Buffer.alloc(size)
      buffer.writeUIntLE(value, 0, size)
      return buffer
    }),
  )
}
