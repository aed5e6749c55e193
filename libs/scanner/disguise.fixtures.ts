import { crc32 } from 'node:zlib'
import { eicar, tarOf, zipOf } from '@slipway/testing'
import { centralAt, endAt, zip64Of } from './archive.fixtures.ts'

const block = 512

interface TarHeader {
  name: string
  type?: string
  /** The field as it is written. */
  size?: string
  content: Buffer | string
}

/** One member of a tar, with what the header says of it. */
export function tarMember({ name, type = '0', size, content }: TarHeader): Buffer {
  const bytes = Buffer.from(content)
  const member = tarOf([{ name, content: bytes }]).subarray(0, block + Math.ceil(bytes.length / block) * block)
  if (size !== undefined) member.fill(0, 124, 136).write(size, 124, 'latin1')
  member.write(type, 156)
  member.fill(' ', 148, 156)
  const sum = member.subarray(0, block).reduce((total, byte) => total + byte, 0)
  member.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return member
}

const end = Buffer.alloc(2 * block)
const first = tarMember({ name: 'a', content: 'hi' })
const evil = tarMember({ name: 'evil', content: eicar() })
const junk = Buffer.alloc(block, 'J')
const octal = (size: number) => `${size.toString(8).padStart(11, '0')}\0`
/** What some readers take for a member, and others for the content of another. */
const covered = Buffer.concat([tarMember({ name: 'cover', size: octal(3 * block), content: junk }), evil])

/** Tars that GNU tar or Python unpack to EICAR, and that clamd calls OK. */
export function disguisedTars(): [how: string, content: Buffer][] {
  const base256 = `\x80${'\0'.repeat(10)}\x44`
  const pax = (record: string) => tarMember({ name: 'p', type: 'x', content: record })
  return [
    ...['A', 'E', 'I', 'N'].map((type): [string, Buffer] => [
      `of type ${type}`,
      Buffer.concat([first, tarMember({ name: 'b', type, content: eicar() }), end]),
    ]),
    ['with a size in base 256', Buffer.concat([tarMember({ name: 'b', size: base256, content: eicar() }), end])],
    ['behind a block of zeros', Buffer.concat([first, Buffer.alloc(block), evil, end])],
    ['behind the end', Buffer.concat([first, end, evil, end])],
    ['behind a member without a name', Buffer.concat([tarMember({ name: '', content: 'hi' }), evil, end])],
    [
      'behind a size in an extended header',
      Buffer.concat([pax('12 size=512\n'), tarMember({ name: 'a', size: octal(3 * block), content: junk }), evil, end]),
    ],
    ['in the content of a link', Buffer.concat([tarMember({ name: 'l', type: '2', size: octal(2 * block), content: '' }), covered, end])],
    ['in the content of a folder', Buffer.concat([tarMember({ name: 'd', type: '5', size: octal(2 * block), content: '' }), covered, end])],
    [
      'with holes',
      Buffer.concat([
        pax('22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n27 GNU.sparse.realsize=68\n'),
        tarMember({ name: 'a', content: Buffer.concat([sparseMap(), eicar()]) }),
        end,
      ]),
    ],
  ]
}

function sparseMap(): Buffer {
  const map = Buffer.alloc(block)
  map.write(`1\n0\n${eicar().length}\n`)
  return map
}

/** Zips that need Zip64, by its extra field or its end record. */
export function zip64s(): [how: string, content: Buffer][] {
  const content = eicar()
  const plain = zipOf([{ name: 'e', content, stored: true }])
  return [
    ['by the sizes of a member', wideMember(content)],
    ['by its end record', zip64Of(plain)],
  ]
}

function wideMember(content: Buffer): Buffer {
  const plain = zipOf([{ name: 'e', content, stored: true }])
  const extra = Buffer.alloc(20)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(16, 2)
  extra.writeBigUInt64LE(BigInt(content.length), 4)
  extra.writeBigUInt64LE(BigInt(content.length), 12)
  const local = Buffer.from(plain.subarray(0, 31))
  local.fill(0xff, 18, 26).writeUInt16LE(extra.length, 28)
  local.writeUInt32LE(crc32(content), 14)
  const tail = Buffer.from(plain.subarray(31))
  tail.writeUInt32LE(centralAt(plain) + extra.length, endAt(plain) - 31 + 16)
  return Buffer.concat([local, extra, tail])
}
