import { Readable } from 'node:stream'
import type { ArchiveReader } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import type { Stored } from './judge.ts'
import { readBytes, readObject } from './reading.ts'

/** Random access to what is stored. Its first and last bytes are at hand: small content and what is no archive is not read again. */
export function archiveReader(connection: Connection, { size, head, tail, at }: Stored, signal: AbortSignal): ArchiveReader {
  const options = (start: number, end: number) => ({ range: { start, end: end - 1 }, ifMatch: at.etag, signal })

  function atHand(start: number, end: number): Buffer | undefined {
    if (end <= head.length) return head.subarray(start, end)
    const tailStart = size - tail.length
    return start >= tailStart ? tail.subarray(start - tailStart, end - tailStart) : undefined
  }

  return {
    size,
    read: async (start, end) => atHand(start, end) ?? (await readBytes(connection, at, options(start, end))),
    async stream(start, end) {
      const bytes = atHand(start, end)
      return bytes ? Readable.from([bytes]) : (await readObject(connection, at, options(start, end))).stream
    },
  }
}
