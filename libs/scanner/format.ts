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

/** zstd, lz4, lzip, lzop, compress. */
const opaque = ['\x28\xb5\x2f\xfd', '\x04\x22\x4d\x18', 'LZIP', '\x89LZO', '\x1f\x9d']
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

export function formatOf(head: Buffer): Format {
  const text = head.toString('latin1')
  // An empty zip is its end record only.
  if (text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')) return 'zip'
  // RFC 1952: method 8, and no flag that is not defined.
  if (text.startsWith('\x1f\x8b\x08') && ((head[3] ?? 0) & 0xe0) === 0) return 'gzip'
  if (/^BZh[1-9]1AY&SY/.test(text)) return 'bzip2'
  if (opaque.some((magic) => text.startsWith(magic)) || isBareLzma(head)) return 'opaque'
  if (ignored.some((magic) => text.startsWith(magic))) return 'ignored'
  return isTarHeader(head) ? 'tar' : 'other'
}

/** The `.lzma` of old: default properties, a dictionary of a power of two, the size or -1 for unknown. */
function isBareLzma(head: Buffer): boolean {
  if (head.length < 13 || head[0] !== 0x5d) return false
  const dictionary = head.readUInt32LE(1)
  const size = head.readBigUInt64LE(5)
  const isPower = dictionary >= 4096 && (dictionary & (dictionary - 1)) === 0
  return isPower && (size === 0xffff_ffff_ffff_ffffn || size < 1n << 40n)
}

/** A tar header is told by its checksum: the sum of its 512 bytes with blanks in place of the sum (POSIX pax, ustar). */
export function isTarHeader(header: Buffer): boolean {
  if (header.length < 512 || header[0] === 0) return false
  const stated = Number.parseInt(header.toString('latin1', 148, 156).replace(/[\0 ]+$/, ''), 8)
  let sum = 8 * 32
  for (const [at, byte] of header.subarray(0, 512).entries()) if (at < 148 || at >= 156) sum += byte
  return sum === stated
}
