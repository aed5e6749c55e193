import { ByteCursor, type Chunks } from './byte-cursor.ts'
import { inflateRaw } from './inflate.ts'
import { damaged, Refusal } from './refusal.ts'
import { quietUntil } from './signature-search.ts'
import {
  type CentralEntry,
  centralBytes,
  type DirectoryEnd,
  endBytes,
  hasDescriptor,
  isEncrypted,
  type LocalHeader,
  localBytes,
  number64,
  peekSignature,
  signature,
  takeCentralEntry,
  takeDirectoryEnd,
  takeLocalHeader,
  type ZipMember,
} from './zip-record.ts'

export interface ZipWalk {
  /** Looks into the content of a member, to its end, and gives its size. */
  look: (content: Chunks, name: string) => Promise<number>
  /** Where this zip begins in a larger file whose offsets its directory may count from. */
  base?: number
  /** Compressed sizes by offset, from a directory that was read before: for stored members whose own header lacks it. */
  sizes?: ReadonlyMap<number, number>
  /** Told around each member: in front of its header, and behind the last byte that belongs to it. */
  onBegin?: () => void
  onEnd?: (header: LocalHeader, found: Found) => void
}

/** A member as it really is, found by reading. */
export interface Found {
  method: number
  compressed: number
  size: number
}

/**
 * Reads a zip from its first byte to its last, and holds it to one meaning: members one behind the other, then a directory that names each
 * of them as it is, then the end. Readers differ in what they make of any other zip, and clamd answers OK for what its own way leaves out.
 */
export async function walkZip(cursor: ByteCursor, walk: ZipWalk): Promise<void> {
  const start = cursor.position
  const members = new Map<number, Found>()
  while ((await peekSignature(cursor)) === signature.local) {
    const offset = cursor.position - start
    members.set(offset, await walkMember(cursor, { ...walk, offset }))
  }
  // Between members and directory others may put what is no member: the signatures of an Android package.
  const seen = await quietUntil(cursor, { stop: [centralBytes, endBytes], forbidden: [localBytes] })
  if (!seen) throw damaged('it has no directory')
  await walkDirectory(cursor, { start, members, base: walk.base ?? 0 })
  await quietUntil(cursor, { stop: [], forbidden: [localBytes, endBytes] })
}

async function walkMember(cursor: ByteCursor, walk: ZipWalk & { offset: number }): Promise<Found> {
  walk.onBegin?.()
  const header = await takeLocalHeader(cursor)
  if (isEncrypted(header)) throw new Refusal('encrypted', `${header.name} is encrypted`)
  const begin = cursor.position
  const size = await walk.look(memberContent(cursor, header, walk), header.name)
  const found = { method: header.method, compressed: cursor.position - begin, size }
  if (hasDescriptor(header)) await takeDescriptor(cursor, { header, found })
  else if (header.compressed !== found.compressed || header.size !== size) throw damaged(`${header.name} is not as long as it says`)
  walk.onEnd?.(header, found)
  return found
}

function memberContent(cursor: ByteCursor, header: ZipMember, walk: ZipWalk & { offset: number }): Chunks {
  const { method, name, compressed } = header
  if (method === 8) return hasDescriptor(header) ? inflateRaw(cursor) : inflateWithin(cursor, compressed)
  if (method !== 0) throw new Refusal('archive-member', `${name} is packed by method ${method}: only deflate can be looked into`)
  const length = hasDescriptor(header) ? walk.sizes?.get(walk.offset) : compressed
  if (length === undefined) throw new Refusal('archive-member', `where ${name} ends cannot be known`)
  return cursor.chunks(length)
}

/** The deflate data has to fill the place that its header gives it. */
async function* inflateWithin(cursor: ByteCursor, compressed: number): AsyncGenerator<Buffer, void, undefined> {
  const own = new ByteCursor(cursor.chunks(compressed))
  yield* inflateRaw(own)
  for await (const _rest of own.chunks()) throw damaged('bytes are hidden behind the data of a member')
}

/** CRC, compressed size, size: with or without a signature in front, of 4 or 8 bytes each (APPNOTE.TXT 4.3.9). */
async function takeDescriptor(cursor: ByteCursor, { header, found }: { header: ZipMember; found: Found }): Promise<void> {
  for (const at of [4, 0]) {
    for (const wide of [false, true]) {
      const bytes = await cursor.peek(at + (wide ? 20 : 12))
      if (at === 4 && (bytes.length < 4 || bytes.readUInt32LE() !== signature.descriptor)) continue
      if (bytes.length < at + (wide ? 20 : 12)) continue
      const compressed = wide ? number64(bytes, at + 4) : bytes.readUInt32LE(at + 4)
      const size = wide ? number64(bytes, at + 12) : bytes.readUInt32LE(at + 8)
      if (compressed !== found.compressed || size !== found.size) continue
      return cursor.advance(bytes.length)
    }
  }
  throw damaged(`${header.name} is not as long as it says`)
}

interface Directory {
  start: number
  members: Map<number, Found>
  base: number
}

async function walkDirectory(cursor: ByteCursor, { start, members, base }: Directory): Promise<void> {
  const at = cursor.position - start
  const shifts = new Set<number>()
  let entries = 0
  for (; (await peekSignature(cursor)) === signature.central; entries++) {
    shifts.add(claim(members, await takeCentralEntry(cursor), base))
  }
  const size = cursor.position - start - at
  const end = await takeDirectoryEnd(cursor)
  if (!end || !agrees(end, { entries, size, offsets: [at, at + base] })) throw damaged('its directory is not where or what it says')
  if (shifts.size > 1) throw damaged('its directory counts from two places')
  // Empty ones are padding, of which no directory has to tell.
  if ([...members.values()].some((member) => member.compressed > 0)) throw damaged('it has a member that its directory leaves out')
}

/** Finds the member of an entry, each once, and gives what its offset counts from. */
function claim(members: Map<number, Found>, entry: CentralEntry, base: number): number {
  const shift = members.has(entry.offset) ? 0 : base
  const member = members.get(entry.offset - shift)
  members.delete(entry.offset - shift)
  const agrees = member?.method === entry.method && member.compressed === entry.compressed && member.size === entry.size
  if (isEncrypted(entry)) throw new Refusal('encrypted', `${entry.name} is encrypted`)
  if (!agrees) throw damaged(`its directory does not agree with its member ${entry.name}`)
  return shift
}

function agrees(end: DirectoryEnd, actual: { entries: number; size: number; offsets: number[] }): boolean {
  return end.entries === actual.entries && end.size === actual.size && actual.offsets.includes(end.offset)
}
