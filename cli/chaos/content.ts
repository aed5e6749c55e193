import { createHash, randomBytes, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { eicar } from '@slipway/stack'

export interface Content {
  readonly bytes: Buffer
  readonly sha256: string
  readonly isInfected: boolean
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** More than one part of what the gate sends to the store, which has 8 MiB. */
export const partedSize = 9 * 1_048_576

/** Unlike any other. */
export function cleanContent(size: number): Content {
  return contentOf(randomBytes(size), false)
}

const archiveMembers = 60

/** Of many members, each of which is looked at. */
export function cleanArchive(): Content {
  return contentOf(storedZip(others()), false)
}

function others(): Member[] {
  return Array.from({ length: archiveMembers }, (_, n) => ({ name: `${n}.bin`, bytes: randomBytes(1024) }))
}

export function smallSize(): number {
  return randomInt(2048, 32 * 1024)
}

/**
 * By turns: the EICAR file itself, the last of many members of an archive, in an archive beside many bytes. Among other bytes it is by agreement not found, so it
 * stands alone or in an archive.
 * @param beside bytes of the other member
 */
export function infectedContent(turn: number, beside: number): Content {
  // Blanks may follow the 68 characters, up to 128 in all: they tell one file from the next.
  if (turn % 3 === 0) return contentOf(Buffer.concat([eicar(), Buffer.alloc(turn % 60, ' ')]), true)
  const member = { name: `${turn}.com`, bytes: eicar() }
  if (turn % 3 === 1) return contentOf(storedZip([...others(), member]), true)
  return contentOf(storedZip([{ name: `${turn}.bin`, bytes: randomBytes(beside) }, member]), true)
}

function contentOf(bytes: Buffer, isInfected: boolean): Content {
  return { bytes, sha256: sha256Of(bytes), isInfected }
}

interface Member {
  readonly name: string
  readonly bytes: Buffer
}

/** A zip whose members are not compressed (APPNOTE.TXT 6.3.10, §4.3). */
export function storedZip(members: readonly Member[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, bytes } of members) {
    const label = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(crc32(bytes), 10)
    common.writeUInt32LE(bytes.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(label.length, 22)
    const local = Buffer.concat([signature(0x04034b50), common, label, bytes])
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([signature(0x02014b50), Buffer.from([20, 0]), common, place, label]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(members.length, 4)
  end.writeUInt16LE(members.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, signature(0x06054b50), end])
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
