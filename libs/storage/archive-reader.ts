import { Readable } from 'node:stream'
import type { ArchiveReader } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import type { QuarantineRef } from './object.ts'
import { readBytes, readObject } from './reading.ts'
import type { ReceivedWithTail } from './receive.ts'

/** Random access to what waits in quarantine. Its first and last bytes are at hand: small content and what is no archive is not read again. */
export function archiveReader(
  connection: Connection,
  content: ReceivedWithTail & { quarantine: QuarantineRef },
  signal: AbortSignal,
): ArchiveReader {
  const { size, head, tail, quarantine } = content
  const options = (start: number, end: number) => ({ range: { start, end: end - 1 }, ifMatch: quarantine.etag, signal })

  function atHand(start: number, end: number): Buffer | undefined {
    if (end <= head.length) return head.subarray(start, end)
    const tailStart = size - tail.length
    return start >= tailStart ? tail.subarray(start - tailStart, end - tailStart) : undefined
  }

  return {
    size,
    read: async (start, end) => atHand(start, end) ?? (await readBytes(connection, quarantine, options(start, end))),
    async stream(start, end) {
      const bytes = atHand(start, end)
      return bytes ? Readable.from([bytes]) : (await readObject(connection, quarantine, options(start, end))).stream
    },
  }
}
