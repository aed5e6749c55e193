import { ByteCursor, type Chunks } from './byte-cursor.ts'
import { type Format, formatBytes, formatOf } from './format.ts'
import { gunzip } from './inflate.ts'
import { Refusal } from './refusal.ts'
import { quietUntil } from './signature-search.ts'
import { Tail } from './tail.ts'
import { type TarWalk, walkTar } from './tar-walk.ts'
import { findZipEnd, zipEndBytes } from './zip-end.ts'
import { walkZip, type ZipWalk } from './zip-walk.ts'

export interface ArchiveLimits {
  /** clamd's MaxFileSize. Of a larger zip member it scans the beginning and answers OK. */
  maxFileBytes: number
  /** Sum over all members at all depths. */
  maxTotalBytes: number
  maxMembers: number
  maxDepth: number
  /** What it may unpack to for each byte of it, beyond `freeBytes`. */
  maxRatio: number
  freeBytes: number
}

/** What is spent of the limits so far, shared by all depths. */
export interface Budget {
  readonly limits: ArchiveLimits
  readonly signal: AbortSignal | undefined
  bytes: number
  members: number
  /** Size of the whole, as far as it is known. */
  packed(): number
}

interface Place {
  depth: number
  /** Names from the outermost archive inwards. */
  path: readonly string[]
  budget: Budget
}

/** Looks into the content of one member, whatever it is, to its end; gives its size. */
export async function lookAt(content: Chunks, place: Place): Promise<number> {
  const tail = new Tail(zipEndBytes)
  const cursor = new ByteCursor(counted(content, { ...place, tail }))
  const format = formatOf(await cursor.peek(formatBytes))
  await lookInto(cursor, { format, ...place })
  for await (const _rest of cursor.chunks()) continue
  // Here the beginning of such a zip has gone by: it cannot be looked into any more.
  if (zipBehind(format, tail.bytes()) !== 'none') throw new Refusal('archive-member', `${nameOf(place)} has a zip behind it`)
  return tail.total
}

/**
 * Whether some content ends in a zip, which readers find although it begins as something else. clamd finds it as well (`seen`: installers
 * that unpack themselves, images with an archive behind them), but not behind a format that it takes for the whole (`unseen`). A tar is
 * read to its end, and its last member may be a zip.
 */
export function zipBehind(format: Format, tail: Buffer): 'none' | 'seen' | 'unseen' {
  if (format === 'zip' || format === 'tar') return 'none'
  const end = findZipEnd(tail)
  if (end && ['gzip', 'bzip2', 'ignored'].includes(format)) return 'unseen'
  return end?.isLast ? 'seen' : 'none'
}

/** Looks into the members of what is at the cursor, if it has any. */
export async function lookInto(
  cursor: ByteCursor,
  place: Place & { format: Format; zip?: Partial<ZipWalk>; tar?: Partial<TarWalk> },
): Promise<void> {
  const look = inner(place)
  if (place.format === 'zip') await walkZip(cursor, { ...place.zip, look })
  else if (place.format === 'tar') await walkTar(cursor, { ...place.tar, look })
  else if (place.format === 'gzip') await look(gunzip(cursor.chunks()), 'its content')
  else if (place.format === 'bzip2') await quietBzip2(cursor)
  else if (place.format === 'opaque') throw new Refusal('archive-member', `${nameOf(place)} is compressed in a way that cannot be scanned`)
}

/** How the members one level further in are looked at. */
function inner({ depth, path, budget }: Place): ZipWalk['look'] {
  return async (content, name) => {
    const place = { depth: depth + 1, path: [...path, name], budget }
    budget.members++
    if (budget.members > budget.limits.maxMembers) throw new Refusal('limits', `it has more than ${budget.limits.maxMembers} members`)
    if (place.depth > budget.limits.maxDepth) throw new Refusal('limits', `${nameOf(place)} is nested too deep`)
    return await lookAt(content, place)
  }
}

async function* counted(content: Chunks, { budget, tail, ...place }: Place & { tail: Tail }): AsyncGenerator<Buffer, void, undefined> {
  const { maxFileBytes, maxTotalBytes, maxRatio, freeBytes } = budget.limits
  for await (const chunk of content) {
    budget.signal?.throwIfAborted()
    budget.bytes += chunk.length
    tail.add(chunk)
    if (tail.total > maxFileBytes) throw new Refusal('archive-member', `${nameOf(place)} has more than ${maxFileBytes} bytes`)
    if (budget.bytes > maxTotalBytes) throw new Refusal('limits', `it unpacks to more than ${maxTotalBytes} bytes`)
    if (budget.bytes > freeBytes && budget.bytes > maxRatio * budget.packed())
      throw new Refusal('limits', `it unpacks to more than ${maxRatio} times its size`)
    yield chunk
  }
}

/** clamd unpacks the first stream only; Node.js none, so a second one is found by how it begins. */
async function quietBzip2(cursor: ByteCursor): Promise<void> {
  await cursor.take(10)
  const streams = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => Buffer.from(`BZh${level}1AY&SY`, 'latin1'))
  await quietUntil(cursor, { stop: [], forbidden: streams })
}

function nameOf({ path }: Pick<Place, 'path'>): string {
  return path.length === 0 ? 'the content' : path.join(' › ').slice(-200)
}
