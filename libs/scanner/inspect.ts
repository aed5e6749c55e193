import type { Readable } from 'node:stream'
import { ByteCursor } from './byte-cursor.ts'
import { type ArchiveLimits, type Budget, lookInto, zipBehind } from './content.ts'
import { type Format, formatBytes, formatOf } from './format.ts'
import { damaged, Refusal } from './refusal.ts'
import type { Reason } from './verdict.ts'
import { zipEndBytes, zipLayout } from './zip-end.ts'
import type { ZipWalk } from './zip-walk.ts'

/** Content by random access: `start` inclusive, `end` exclusive, never an empty range. */
export interface ArchiveReader {
  readonly size: number
  read(start: number, end: number): Promise<Buffer>
  stream(start: number, end: number): Promise<Readable>
}

export interface InspectOptions {
  /** `scanAhead` has walked through all of it, which is not done again. */
  isWalked?: boolean | undefined
  signal?: AbortSignal | undefined
}

export type Inspection = { ok: true } | { ok: false; reason: Reason; detail: string }

/**
 * Depth and members as clamd has them by default (MaxRecursion, MaxFiles). The ratio is the one of Apache POI (ZipSecureFile: not below 0.01
 * packed to unpacked); deflate can do 1032, and nothing that people send comes near 100, except in files that are small.
 */
export function archiveLimits(maxFileBytes: number): ArchiveLimits {
  const ratio = { maxRatio: 100, freeBytes: 64 * 1_048_576 }
  return { maxFileBytes, maxTotalBytes: 4 * maxFileBytes, maxMembers: 10_000, maxDepth: 16, ...ratio }
}

/**
 * Looks for what clamd skips and yet calls OK: zip members above its MaxFileSize, at any depth of zip, gzip and tar; zips whose parts tell
 * different things; members packed in ways that it does not know; data behind what it takes for the whole. Reads archives once, everything
 * else not at all. It finds no malware and takes no verdict back: it only says whether a clean one may be believed.
 *
 * @throws what the reader throws, and the reason of the signal
 */
export async function inspectArchive(reader: ArchiveReader, limits: ArchiveLimits, options: InspectOptions = {}): Promise<Inspection> {
  const { isWalked = false, signal } = options
  try {
    await inspect(reader, isWalked, { limits, signal, bytes: 0, members: 0, packed: () => reader.size })
    return { ok: true }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason, detail: error.message }
    throw error
  }
}

async function inspect(reader: ArchiveReader, isWalked: boolean, budget: Budget): Promise<void> {
  if (reader.size === 0) return
  const format = formatOf(await reader.read(0, Math.min(formatBytes, reader.size)))
  const behind = zipBehind(format, await reader.read(Math.max(0, reader.size - zipEndBytes), reader.size))
  if (behind === 'unseen') throw new Refusal('archive-member', 'the content has a zip behind it that clamd does not see')
  if (format === 'zip' || (behind === 'seen' && format !== 'opaque')) return await inspectZip(reader, { format, budget, isWalked })
  if (isWalked || format === 'other' || format === 'ignored') return
  await inspectFrom(reader, 0, (cursor) => lookInto(cursor, { format, depth: 0, path: [], budget }))
}

async function inspectZip(reader: ArchiveReader, zip: { format: Format; isWalked: boolean; budget: Budget }): Promise<void> {
  const { format, isWalked, budget } = zip
  const layout = await zipLayout(reader, budget.limits.maxMembers)
  if (!layout) throw damaged('it has no directory at its end')
  if (format === 'zip' && layout.start > 0) throw damaged('another zip stands in front of the one that its directory tells of')
  if (isWalked) return
  const walk: Partial<ZipWalk> = { base: layout.start, sizes: layout.sizes }
  await inspectFrom(reader, layout.start, (cursor) => lookInto(cursor, { format: 'zip', zip: walk, depth: 0, path: [], budget }))
}

async function inspectFrom(reader: ArchiveReader, start: number, look: (cursor: ByteCursor) => Promise<void>): Promise<void> {
  const stream = await reader.stream(start, reader.size)
  try {
    await look(new ByteCursor(stream))
  } finally {
    stream.destroy()
  }
}
