import { gzipSync } from 'node:zlib'
import type { ArchiveEntry } from './zip.ts'

const block = 512

/** A gzipped tar archive in the ustar format of POSIX.1-1988. Names have 100 bytes at most. */
export function tarGzOf(entries: readonly ArchiveEntry[]): Buffer {
  return gzipSync(tarOf(entries))
}

export function tarOf(entries: readonly ArchiveEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(({ name, content }) => member(name, Buffer.from(content))), Buffer.alloc(2 * block)])
}

function member(name: string, content: Buffer): Buffer[] {
  return [header(name, content.length), content, Buffer.alloc((block - (content.length % block)) % block)]
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`"${name}" is too long for a ustar header`)
  const fields = Buffer.alloc(block)
  fields.write(name, 0)
  fields.write('0000644\0', 100)
  fields.write('0000000\0', 108)
  fields.write('0000000\0', 116)
  fields.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  fields.write('00000000000\0', 136)
  fields.write('        ', 148)
  fields.write('0', 156)
  fields.write('ustar\x0000', 257)
  const sum = fields.reduce((total, byte) => total + byte, 0)
  fields.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return fields
}
