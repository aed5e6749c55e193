import type { ByteCursor } from './byte-cursor.ts'
import { Refusal } from './refusal.ts'

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

export interface LocalHeader extends ZipMember {
  /** Its fixed part. */
  readonly fixed: Buffer
  readonly rawName: Buffer
}

export interface CentralEntry extends ZipMember {
  readonly offset: number
}

/** The end of the central directory. */
export interface DirectoryEnd {
  readonly entries: number
  readonly size: number
  readonly offset: number
}

/** In place of a size or an offset: the true one stands in a field of Zip64. */
const unknown32 = 0xffffffff

export function isEncrypted(member: ZipMember): boolean {
  return (member.flags & 0x2041) !== 0
}

/** Sizes stand behind the data, in a data descriptor. */
export function hasDescriptor(member: ZipMember): boolean {
  return (member.flags & 0x8) !== 0
}

/** The sizes of a member with a descriptor are not believed, so they may be those of Zip64 here. */
export async function takeLocalHeader(cursor: ByteCursor): Promise<LocalHeader> {
  const fixed = await cursor.take(30)
  const rawName = await cursor.take(fixed.readUInt16LE(26))
  await cursor.take(fixed.readUInt16LE(28))
  const [flags, method, compressed, size] = [fixed.readUInt16LE(6), fixed.readUInt16LE(8), fixed.readUInt32LE(18), fixed.readUInt32LE(22)]
  const member = { fixed, rawName, name: rawName.toString(), flags, method, compressed, size }
  if (!hasDescriptor(member)) refuseZip64(compressed, size)
  return member
}

export async function takeCentralEntry(cursor: ByteCursor): Promise<CentralEntry> {
  const fixed = await cursor.take(46)
  const name = await cursor.take(fixed.readUInt16LE(28))
  await cursor.take(fixed.readUInt16LE(30))
  await cursor.take(fixed.readUInt16LE(32))
  const [flags, method, offset] = [fixed.readUInt16LE(8), fixed.readUInt16LE(10), fixed.readUInt32LE(42)]
  const [compressed, size] = [fixed.readUInt32LE(20), fixed.readUInt32LE(24)]
  refuseZip64(compressed, size, offset)
  return { name: name.toString(), flags, method, compressed, size, offset }
}

/** The record behind the central directory; undefined when it is not there. */
export async function takeDirectoryEnd(cursor: ByteCursor): Promise<DirectoryEnd | undefined> {
  const found = await peekSignature(cursor)
  if (found === signature.end64 || found === signature.locator64) throw zip64()
  if (found !== signature.end) return undefined
  const record = await cursor.take(22)
  await cursor.take(record.readUInt16LE(20))
  return { entries: record.readUInt16LE(10), size: record.readUInt32LE(12), offset: record.readUInt32LE(16) }
}

/** clamd 1.4 does not read Zip64: it answers OK to members and directories that need it, however small they are. */
function refuseZip64(...values: number[]): void {
  if (values.includes(unknown32)) throw zip64()
}

function zip64(): Refusal {
  return new Refusal('archive-member', 'it is a Zip64, which cannot be scanned')
}

export async function peekSignature(cursor: ByteCursor): Promise<number | undefined> {
  const bytes = await cursor.peek(4)
  return bytes.length === 4 ? bytes.readUInt32LE() : undefined
}

/** Sizes above 2^53 do not exist; as a float they still differ from every true size. */
export function number64(buffer: Buffer, at: number): number {
  return at + 8 <= buffer.length ? Number(buffer.readBigUInt64LE(at)) : Number.NaN
}
