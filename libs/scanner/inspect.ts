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

export type Inspection = { ok: true } | { ok: false; reason: Reason; detail: string }

/** Depth and members as clamd has them by default (MaxRecursion, MaxFiles). */
export function archiveLimits(maxFileBytes: number): ArchiveLimits {
  return { maxFileBytes, maxTotalBytes: 4 * maxFileBytes, maxMembers: 10_000, maxDepth: 16 }
}

/**
 * Looks for what clamd skips and yet calls OK: zip members above its MaxFileSize, at any depth of zip, gzip and tar; zips whose parts tell
 * different things; members packed in ways that it does not know; data behind what it takes for the whole. Reads archives once, everything
 * else not at all. It finds no malware and takes no verdict back: it only says whether a clean one may be believed.
 *
 * @throws what the reader throws, and the reason of the signal
 */
export async function inspectArchive(reader: ArchiveReader, limits: ArchiveLimits, signal?: AbortSignal): Promise<Inspection> {
  try {
    await inspect(reader, { limits, signal, bytes: 0, members: 0 })
    return { ok: true }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.reason, detail: error.message }
    throw error
  }
}

async function inspect(reader: ArchiveReader, budget: Budget): Promise<void> {
  if (reader.size === 0) return
  const format = formatOf(await reader.read(0, Math.min(formatBytes, reader.size)))
  const behind = zipBehind(format, await reader.read(Math.max(0, reader.size - zipEndBytes), reader.size))
  if (behind === 'unseen') throw new Refusal('archive-member', 'the content has a zip behind it that clamd does not see')
  if (format === 'zip' || (behind === 'seen' && format !== 'opaque')) return await inspectZip(reader, { format, budget })
  if (format === 'other' || format === 'ignored') return
  await inspectFrom(reader, 0, (cursor) => lookInto(cursor, { format, depth: 0, path: [], budget }))
}

async function inspectZip(reader: ArchiveReader, { format, budget }: { format: Format; budget: Budget }): Promise<void> {
  const layout = await zipLayout(reader, budget.limits.maxMembers)
  if (!layout) throw damaged('it has no directory at its end')
  if (format === 'zip' && layout.start > 0) throw damaged('another zip stands in front of the one that its directory tells of')
  const zip: Partial<ZipWalk> = { base: layout.start, sizes: layout.sizes }
  await inspectFrom(reader, layout.start, (cursor) => lookInto(cursor, { format: 'zip', zip, depth: 0, path: [], budget }))
}

async function inspectFrom(reader: ArchiveReader, start: number, look: (cursor: ByteCursor) => Promise<void>): Promise<void> {
  const stream = await reader.stream(start, reader.size)
  try {
    await look(new ByteCursor(stream))
  } finally {
    stream.destroy()
  }
}
