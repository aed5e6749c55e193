import type { ByteCursor, Chunks } from './byte-cursor.ts'
import { isTarHeader } from './format.ts'
import { damaged } from './refusal.ts'

const block = 512

/** Gives every member of a tar file to `look`, and then whatever stands behind the last one. */
export async function walkTar(cursor: ByteCursor, look: (content: Chunks, name: string) => Promise<number>): Promise<void> {
  for (;;) {
    const header = await cursor.peek(block)
    if (header.length === 0) return
    if (header.every((byte) => byte === 0)) cursor.advance(header.length)
    else if (isTarHeader(header)) await walkMember(cursor, look)
    else throw damaged('behind its members stands what is none')
  }
}

async function walkMember(cursor: ByteCursor, look: (content: Chunks, name: string) => Promise<number>): Promise<void> {
  const header = await cursor.take(block)
  const size = memberSize(header)
  const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '')
  await look(cursor.chunks(size), name)
  const padding = (block - (size % block)) % block
  cursor.advance((await cursor.peek(padding)).length)
}

/** Octal digits, or base 256 for what is larger than 8 GiB (GNU). Links have a size that is not theirs. */
function memberSize(header: Buffer): number {
  const type = header.toString('latin1', 156, 157)
  if (/[1-6]/.test(type)) return 0
  if ((header[124] ?? 0) & 0x80) return Number(header.readBigUInt64BE(128))
  const size = Number.parseInt(header.toString('latin1', 124, 136), 8)
  if (Number.isNaN(size)) throw damaged('a member has no size')
  return size
}
