import type { Readable } from 'node:stream'
import { ByteCursor } from './byte-cursor.ts'
import type { ArchiveReader } from './inspect.ts'
import { Refusal } from './refusal.ts'
import { endBytes, peekSignature, signature, takeCentralEntry, takeDirectoryEnd } from './zip-record.ts'

/** An end record with the longest comment, and the records of Zip64 in front of it. */
export const zipEndBytes = 22 + 65_535 + 76

/** A zip by its directory: what can be known without reading its members. */
export interface ZipLayout {
  /** Where it begins: behind 0 when other data stand in front of it. */
  readonly start: number
  /** Compressed sizes by the offset from `start`. */
  readonly sizes: ReadonlyMap<number, number>
}

/** An end record in the last bytes of some content, as readers look for it: from the end, and with a comment that fits. */
export interface ZipEnd {
  readonly at: number
  /** Nothing stands behind it. */
  readonly isLast: boolean
}

export function findZipEnd(tail: Buffer): ZipEnd | undefined {
  for (let at = tail.lastIndexOf(endBytes); at >= 0; at = at === 0 ? -1 : tail.lastIndexOf(endBytes, at - 1)) {
    if (at + 22 > tail.length) continue
    const after = at + 22 + tail.readUInt16LE(at + 20)
    if (after <= tail.length && hasDirectory(tail, at)) return { at, isLast: after === tail.length }
  }
  return undefined
}

/** Four bytes are soon met by chance; a directory in front of them is not. */
function hasDirectory(tail: Buffer, at: number): boolean {
  if (at >= 20 && tail.readUInt32LE(at - 20) === signature.locator64) return true
  const directoryAt = at - tail.readUInt32LE(at + 12)
  return directoryAt < 0 || directoryAt === at || tail.readUInt32LE(directoryAt) === signature.central
}

/** Reads the directory of the zip at the end of the content; undefined when there is none that makes sense. */
export async function zipLayout(reader: ArchiveReader, maxMembers: number): Promise<ZipLayout | undefined> {
  const tailStart = Math.max(0, reader.size - zipEndBytes)
  const tail = await reader.read(tailStart, reader.size)
  const at = findZipEnd(tail)?.at
  if (at === undefined) return undefined
  const isLarge = at >= 76 && tail.readUInt32LE(at - 20) === signature.locator64
  const from = isLarge ? at - 76 : at
  const end = await takeDirectoryEnd(new ByteCursor(once(tail.subarray(from))))
  const directoryAt = tailStart + from - (end?.size ?? 0)
  if (!end || directoryAt < 0) return undefined
  if (end.entries > maxMembers) throw tooMany(maxMembers)
  const sizes =
    end.size === 0 ? new Map<number, number>() : await directorySizes(await reader.stream(directoryAt, tailStart + from), maxMembers)
  // Offsets count from the beginning of the file or from that of the zip; the first member tells which.
  const first = Math.min(end.offset, ...sizes.keys())
  const start = directoryAt - (end.offset - first)
  return start < 0 ? undefined : { start, sizes: new Map([...sizes].map(([offset, size]) => [offset - first, size])) }
}

/** Counts for itself: a directory may have more entries than its end record says. */
async function directorySizes(directory: Readable, maxMembers: number): Promise<Map<number, number>> {
  try {
    const cursor = new ByteCursor(directory)
    const sizes = new Map<number, number>()
    for (let entries = 1; (await peekSignature(cursor)) === signature.central; entries++) {
      if (entries > maxMembers) throw tooMany(maxMembers)
      const { offset, compressed } = await takeCentralEntry(cursor)
      sizes.set(offset, compressed)
    }
    return sizes
  } finally {
    directory.destroy()
  }
}

function tooMany(maxMembers: number): Refusal {
  return new Refusal('limits', `it has more than ${maxMembers} members`)
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes
}
