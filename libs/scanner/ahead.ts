import { ByteCursor } from './byte-cursor.ts'
import { ChunkQueue } from './chunk-queue.ts'
import { type ArchiveLimits, lookInto } from './content.ts'
import { formatBytes, formatOf } from './format.ts'
import type { Places } from './member-batch.ts'
import { MemberBatches } from './member-batches.ts'

export interface AheadOptions {
  scanner: Places
  limits: ArchiveLimits
  signal: AbortSignal
  /** Packed bytes of members that are scanned together. */
  batchBytes?: number
}

/**
 * Scans the members of a zip or a tar while the rest of it is still on its way. It decides nothing: the verdict is that of the scan of the
 * whole, which comes after it, and for which clamd remembers members that it found clean.
 */
export interface Ahead {
  /** The next bytes of the content; it never waits. The chunk is kept, not copied. */
  readonly add: (chunk: Buffer) => void
  /** That was the last byte. Resolves with whether all of it was walked through and nothing in it was refused; never rejects. */
  readonly finish: () => Promise<boolean>
  /** Resolves when all that was added has been walked over, and none of it is being scanned. */
  readonly settled: () => Promise<void>
  /** Ends everything at once. */
  readonly stop: () => void
  /** Members that clamd has found clean. */
  readonly members: number
}

/** As much as fits into a scan of about a tenth of a second: what is under way when the last byte comes is not worth more. */
const defaultBatchBytes = 262_144
/** An upload that is faster than the walk through it has nothing to gain. */
const maxBehindBytes = 2 * 1_048_576

export function scanAhead({ scanner, limits, signal, batchBytes = defaultBatchBytes }: AheadOptions): Ahead {
  const queue = new ChunkQueue()
  const stopped = new AbortController()
  const either = AbortSignal.any([signal, stopped.signal])
  const stop = () => stopped.abort()
  let batches: MemberBatches | undefined
  const cursor = new ByteCursor(queue, (bytes) => batches?.take(bytes))
  let added = 0
  const end = () => {
    queue.clear()
    batches?.stop()
  }
  if (either.aborted) end()
  else either.addEventListener('abort', end, { once: true })

  /** Gives whether it was an archive, of which nothing was refused. @throws {Refusal} */
  async function walk(): Promise<boolean> {
    const format = formatOf(await cursor.peek(formatBytes))
    if ((format !== 'zip' && format !== 'tar') || either.aborted) return false
    const made = new MemberBatches(format, { scanner, batchBytes, signal: either, onRefused: stop })
    batches = made
    if (queue.isEnded) made.close()
    const watch = { onBegin: made.onBegin, onEnd: made.onEnd }
    // The size is not known yet, so its ratio is that of what has come.
    const budget = { limits, signal: either, bytes: 0, members: 0, packed: () => cursor.position + queue.bytes }
    await lookInto(cursor, { format, depth: 0, path: [], budget, zip: watch, tar: watch })
    return !either.aborted
  }

  const walked = walk()
    .catch(() => {
      batches?.leave()
      return false
    })
    .finally(() => queue.clear())
  return {
    add(chunk) {
      added += chunk.length
      queue.push(chunk)
      // What was sent goes on.
      if (queue.bytes > maxBehindBytes) queue.clear()
    },
    async finish() {
      queue.end()
      batches?.close()
      // What was let go may have stopped where an archive can end.
      return (await walked) && cursor.position === added
    },
    async settled() {
      await queue.idle()
      await batches?.settled()
    },
    stop,
    get members() {
      return batches?.members ?? 0
    },
  }
}
