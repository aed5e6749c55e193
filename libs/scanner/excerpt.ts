import { centralBytes, endBytes, type LocalHeader } from './zip-record.ts'
import type { Found } from './zip-walk.ts'

/** Makes an archive of some members of another, which are taken over as they are: only what stands behind the last one is new. */
export interface Excerpt {
  /** A member whose record took so many bytes, its header included. */
  add(bytes: number, zip?: { header: LocalHeader; found: Found }): void
  /** What has to follow the last member. */
  end(): Buffer
}

export function tarExcerpt(): Excerpt {
  return { add: () => undefined, end: () => Buffer.alloc(1024) }
}

/** No entry has its extra field or comment: they say nothing of the content. */
export function zipExcerpt(): Excerpt {
  const entries: Buffer[] = []
  let size = 0
  return {
    add(bytes, zip) {
      if (zip) entries.push(centralEntry(zip.header, zip.found, size))
      size += bytes
    },
    end() {
      const directory = Buffer.concat(entries)
      const end = Buffer.alloc(22)
      endBytes.copy(end)
      for (const at of [8, 10]) end.writeUInt16LE(entries.length, at)
      end.writeUInt32LE(directory.length, 12)
      end.writeUInt32LE(size, 16)
      return Buffer.concat([directory, end])
    },
  }
}

/** Fields from "version needed" to "length of the name" are the same in both headers (APPNOTE.TXT 4.3.7, 4.3.12); sizes as they were found. */
function centralEntry({ fixed, rawName }: LocalHeader, found: Found, offset: number): Buffer {
  const entry = Buffer.alloc(46)
  centralBytes.copy(entry)
  fixed.copy(entry, 4, 4, 6)
  fixed.copy(entry, 6, 4, 28)
  entry.writeUInt32LE(found.compressed, 20)
  entry.writeUInt32LE(found.size, 24)
  entry.writeUInt32LE(offset, 42)
  return Buffer.concat([entry, rawName])
}
