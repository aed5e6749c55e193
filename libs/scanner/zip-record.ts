import type { ByteCursor } from './byte-cursor.ts'
import { damaged } from './refusal.ts'

/** Signatures of the records of a zip file (APPNOTE.TXT 4.3), as they are read in little endian. */
export const signature = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  descriptor: 0x08074b50,
} as const

export const localBytes = Buffer.from('PK\x03\x04', 'latin1')
export const centralBytes = Buffer.from('PK\x01\x02', 'latin1')
export const endBytes = Buffer.from('PK\x05\x06', 'latin1')

/** What a local header, or the entry of the central directory, says of a member. */
export interface ZipMember {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly compressed: number
  readonly size: number
}

export interface CentralEntry extends ZipMember {
  readonly offset: number
}

/** The end of the central directory, from its own record and the ones of Zip64. */
export interface DirectoryEnd {
  readonly entries: number
  readonly size: number
  readonly offset: number
}

const unknown16 = 0xffff
const unknown32 = 0xffffffff

export function isEncrypted(member: ZipMember): boolean {
  return (member.flags & 0x2041) !== 0
}

/** Sizes stand behind the data, in a data descriptor. */
export function hasDescriptor(member: ZipMember): boolean {
  return (member.flags & 0x8) !== 0
}

export async function takeLocalHeader(cursor: ByteCursor): Promise<ZipMember> {
  const fixed = await cursor.take(30)
  const name = await cursor.take(fixed.readUInt16LE(26))
  const extra = await cursor.take(fixed.readUInt16LE(28))
  const [flags, method] = [fixed.readUInt16LE(6), fixed.readUInt16LE(8)]
  const [size, compressed] = zip64Values(extra, [fixed.readUInt32LE(22), fixed.readUInt32LE(18)])
  return { name: name.toString(), flags, method, compressed, size }
}

export async function takeCentralEntry(cursor: ByteCursor): Promise<CentralEntry> {
  const fixed = await cursor.take(46)
  const name = await cursor.take(fixed.readUInt16LE(28))
  const extra = await cursor.take(fixed.readUInt16LE(30))
  await cursor.take(fixed.readUInt16LE(32))
  const [flags, method] = [fixed.readUInt16LE(8), fixed.readUInt16LE(10)]
  const [size, compressed, offset] = zip64Values(extra, [fixed.readUInt32LE(24), fixed.readUInt32LE(20), fixed.readUInt32LE(42)])
  return { name: name.toString(), flags, method, compressed, size, offset }
}

/** The records behind the central directory; undefined when they are not there, or say two things. */
export async function takeDirectoryEnd(cursor: ByteCursor): Promise<DirectoryEnd | undefined> {
  const large = (await peekSignature(cursor)) === signature.end64 ? await takeEnd64(cursor) : undefined
  if ((await peekSignature(cursor)) === signature.locator64) await cursor.take(20)
  if ((await peekSignature(cursor)) !== signature.end) return undefined
  const record = await cursor.take(22)
  await cursor.take(record.readUInt16LE(20))
  const entries = select(record.readUInt16LE(10), large?.entries, unknown16)
  const size = select(record.readUInt32LE(12), large?.size, unknown32)
  const offset = select(record.readUInt32LE(16), large?.offset, unknown32)
  return entries === undefined || size === undefined || offset === undefined ? undefined : { entries, size, offset }
}

/** The value of Zip64 counts where the small one says so; otherwise both have to be the same. */
function select(small: number, large: number | undefined, unknown: number): number | undefined {
  if (large === undefined || small === large) return small
  return small === unknown ? large : undefined
}

async function takeEnd64(cursor: ByteCursor): Promise<DirectoryEnd> {
  const record = await cursor.take(56)
  const rest = number64(record, 4) - 44
  if (!(rest >= 0 && rest <= 65_536)) throw damaged('its end record has no sensible length')
  await cursor.take(rest)
  return { entries: number64(record, 32), size: number64(record, 40), offset: number64(record, 48) }
}

export async function peekSignature(cursor: ByteCursor): Promise<number | undefined> {
  const bytes = await cursor.peek(4)
  return bytes.length === 4 ? bytes.readUInt32LE() : undefined
}

/** Values that do not fit into 32 bits stand in the Zip64 field, in the same order (APPNOTE.TXT 4.5.3). */
function zip64Values<const T extends readonly number[]>(extra: Buffer, values: T): { [K in keyof T]: number } {
  const field = zip64Field(extra)
  let at = 0
  const read = (value: number) => {
    if (value !== unknown32 || !field || at + 8 > field.length) return value
    at += 8
    return number64(field, at - 8)
  }
  return values.map(read) as { [K in keyof T]: number }
}

function zip64Field(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2)
    if (extra.readUInt16LE(at) === 1) return extra.subarray(at + 4, end)
    at = end
  }
  return undefined
}

/** Sizes above 2^53 do not exist; as a float they still differ from every true size. */
export function number64(buffer: Buffer, at: number): number {
  return at + 8 <= buffer.length ? Number(buffer.readBigUInt64LE(at)) : Number.NaN
}
