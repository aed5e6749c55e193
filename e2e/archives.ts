import { crc32, deflateRawSync, gzipSync } from 'node:zlib'

/** The harmless file that every virus scanner calls malware. Put together here: its text stands in no file. */
export function eicar(): Buffer {
  const [first, second] = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*']
  return Buffer.from(first + second, 'latin1')
}

export interface Entry {
  readonly name: string
  readonly content: Buffer
}

interface ZipOptions {
  /** Marks the entries as encrypted; what is in them is noise then, as it is to everybody without the password. */
  readonly encrypted?: boolean
}

/** A zip file (APPNOTE.TXT 6.3, §4.3): a local header and the deflated bytes per entry, the central directory, its end. */
export function zip(entries: readonly Entry[], { encrypted = false }: ZipOptions = {}): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content } of entries) {
    const local = localEntry({ name, content }, encrypted)
    directory.push(directoryEntry(local, offset))
    locals.push(local.bytes)
    offset += local.bytes.length
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0)
  return Buffer.concat([...locals, ...directory, directoryEnd(entries.length, size, offset)])
}

interface LocalEntry {
  readonly name: Buffer
  readonly fields: Buffer
  readonly bytes: Buffer
}

/** `fields`: what local header and directory have in common, from the flags to the length of the extra field. */
function localEntry({ name, content }: Entry, encrypted: boolean): LocalEntry {
  const packed = encrypted ? Buffer.alloc(content.length + 12, 0xa5) : deflateRawSync(content)
  const nameBytes = Buffer.from(name)
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(encrypted ? 1 : 0, 2)
  fields.writeUInt16LE(encrypted ? 0 : 8, 4)
  fields.writeUInt32LE(crc32(content), 10)
  fields.writeUInt32LE(packed.length, 14)
  fields.writeUInt32LE(content.length, 18)
  fields.writeUInt16LE(nameBytes.length, 22)
  return { name: nameBytes, fields, bytes: Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, nameBytes, packed]) }
}

function directoryEntry({ name, fields }: LocalEntry, offset: number): Buffer {
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(offset, 10)
  const madeBy = Buffer.from([20, 0])
  return Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), madeBy, fields, rest, name])
}

function directoryEnd(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return end
}

const block = 512

/** A gzipped tar file with one entry per file (POSIX ustar). */
export function tarGz(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ name, content }) => [
    tarHeader(name, content.length),
    content,
    Buffer.alloc(-content.length & (block - 1)),
  ])
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]))
}

function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(block)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
