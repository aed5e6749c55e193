import type { ArchiveReader } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import type { QuarantineRef } from './object.ts'
import { readBytes, readObject } from './reading.ts'

/** Random access to what waits in quarantine, for the look into archives. */
export function archiveReader(connection: Connection, quarantine: QuarantineRef): ArchiveReader {
  const options = (start: number, end: number) => ({ range: { start, end: end - 1 }, ifMatch: quarantine.etag })
  return {
    size: quarantine.size,
    read: (start, end) => readBytes(connection, quarantine, options(start, end)),
    stream: async (start, end) => (await readObject(connection, quarantine, options(start, end))).stream,
  }
}
