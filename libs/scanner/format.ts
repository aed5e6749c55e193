import { isOldCompression } from './old-compression.ts'

/** What the first bytes of some content say of it; names and types are not believed. */
export type Format =
  | 'zip'
  | 'gzip'
  | 'tar'
  | 'bzip2'
  /** Compressed in a way that clamd does not unpack. */
  | 'opaque'
  /** Types that clamd 1.4 does not look into at all: CL_TYPE_IGNORED in its table of file types. */
  | 'ignored'
  | 'other'

/** Bytes that are needed to tell. */
export const formatBytes = 512

/**
 * What clamd has no reader for, or not everywhere: zstd, lz4, lzip, lzop; ar (so .deb), RPM, SquashFS,
 * WIM; RAR, whose reader is not free and left out by distributions; a zip that begins as one of several parts.
 */
const opaque = [
  ['\x28\xb5\x2f\xfd', '\x04\x22\x4d\x18', 'LZIP', '\x89LZO'],
  ['!<arch>\n', '\xed\xab\xee\xdb', 'hsqs', 'sqsh', 'MSWIM\0\0\0', 'Rar!\x1a\x07', 'RE~^', 'PK00PK\x03\x04'],
].flat()
/** RealMedia, MP3, Ogg, SIP logs, Symantec data, SQLite with its journals. */
const ignored = [
  '.RMF',
  'ID3',
  '\xff\xfb\x90',
  'OggS',
  'SIP-HIT (SIP/H',
  'SYMC\x01\x00',
  'SQLite format 3\0',
  '\x37\x7f\x06\x82\x00\x2d\xe2\x18',
  '\x37\x7f\x06\x83\x00\x2d\xe2\x18',
  '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7',
]

/** A block, and the end of a stream. */
const bzip2 = ['1AY&SY', '\x17rE8P\x90']

export function formatOf(head: Buffer): Format {
  const text = head.toString('latin1')
  // An empty zip is its end record only.
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return 'zip'
  // RFC 1952: method 8, and no flag that is not defined; some readers do not mind such a flag.
  if (text.startsWith('\x1f\x8b\x08')) return ((head[3] ?? 0) & 0xe0) === 0 ? 'gzip' : 'opaque'
  // Its first stream may be empty, and ends then where its first block would begin.
  if (/^BZh[1-9]/.test(text) && bzip2.some((magic) => text.startsWith(magic, 4))) return 'bzip2'
  if (opaque.some((magic) => text.startsWith(magic)) || isOldCompression(head) || isBareLzma(head)) return 'opaque'
  if (ignored.some((magic) => text.startsWith(magic))) return 'ignored'
  return isTarHeader(head) || text.startsWith('ustar', 257) ? 'tar' : 'other'
}

/** The `.lzma` of old, as xz tells it: properties, a dictionary of 2^n or 2^n + 2^(n-1), the size or -1 for unknown, and then always a zero. */
function isBareLzma(head: Buffer): boolean {
  // 0x5d are the properties that nearly all of them have.
  if (head.length < 13 || (head[0] !== 0x5d && !((head[0] ?? 255) < 9 * 5 * 5 && head[13] === 0))) return false
  const dictionary = head.readUInt32LE(1)
  const size = head.readBigUInt64LE(5)
  const bits = dictionary.toString(2)
  const isUsual = dictionary === 0xffff_ffff || (dictionary >= 4096 && /^11?0+$/.test(bits))
  return isUsual && (size === 0xffff_ffff_ffff_ffffn || (size > 0n && size < 1n << 38n))
}

/**
 * A tar header is told by its checksum: the sum of its 512 bytes with blanks in place of the sum (POSIX pax, ustar). Old programs took
 * bytes as signed numbers, and all readers accept that.
 */
export function isTarHeader(header: Buffer): boolean {
  const stated = /^ *([0-7]+)[\0 ]*$/.exec(header.toString('latin1', 148, 156))?.[1]
  if (header.length < 512 || stated === undefined) return false
  const summed = Buffer.concat([header.subarray(0, 148), Buffer.alloc(8, ' '), header.subarray(156, 512)])
  const sum = summed.reduce((total, byte) => total + byte, 0)
  const signed = summed.reduce((total, byte) => total + ((byte << 24) >> 24), 0)
  return [sum, signed].includes(Number.parseInt(stated, 8))
}
