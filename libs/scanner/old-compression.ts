/**
 * Compression of old that gzip still unpacks and clamd does not: compress (LZW), pack (Huffman), LZH, and gzip before 1.0. Each begins with
 * two bytes only, as one in 16,000 files does by chance, so that what follows has to make sense to the one reader there is, gzip.
 */
export function isOldCompression(head: Buffer): boolean {
  if (head[0] !== 0x1f) return false
  if (head[1] === 0x9d) return startsWithLzw(head.subarray(2))
  if (head[1] === 0x1e) return startsWithHuffmanTree(head.subarray(2))
  if (head[1] === 0xa0) return startsWithLzh(head.subarray(2))
  // The method is the same as in gzip of today, and there was no other.
  return head[1] === 0x9e && (head.length < 3 || head[2] === 8)
}

/** Codes that are looked at: after these, 16 bytes or so of content, one random file in 10,000 still passes. */
const lzwCodes = 16
/** What LZW begins with; in block mode the first free code is one further, for the clearing of the table. */
const lzwBits = 9
const literals = 256

/** The bits of the codes at most, and codes that can be: the first one a literal, each later one at most the next that is free. */
function startsWithLzw(bytes: Buffer): boolean {
  const [flags = 0] = bytes
  if ((flags & 0x1f) > 16) return false
  const isBlockMode = (flags & 0x80) !== 0
  let free = literals + (isBlockMode ? 1 : 0)
  const read = bitsUpwards(bytes.subarray(1))
  for (let count = 0; count < lzwCodes; count++) {
    const code = read(lzwBits)
    if (code === null) return true
    if (code > (count === 0 ? literals - 1 : free)) return false
    // The table is cleared, and codes go on elsewhere: enough for a doubt.
    if (isBlockMode && code === literals) return true
    if (count > 0) free++
  }
  return true
}

/** Four bytes of length, the depth of the tree, and how many leaves there are at each depth: never more than nodes. */
function startsWithHuffmanTree(bytes: Buffer): boolean {
  const depth = bytes[4]
  if (depth === undefined) return true
  if (depth === 0 || depth > 25) return false
  return [1, 2, 3].every((level) => level > depth || (bytes[4 + level] ?? 0) <= 2 ** level)
}

const lzhSymbols = 19

/**
 * Sixteen bits of block size, then the lengths of the codes by which lengths are coded: together they have to fill the space of codes,
 * which gzip counts in 16 bits.
 */
function startsWithLzh(bytes: Buffer): boolean {
  const read = bitsDownwards(bytes)
  read(16)
  const count = read(5)
  if (count === null || count === 0) return true
  if (count > lzhSymbols) return false
  let space = 0
  for (let symbol = 0; symbol < count; symbol++) {
    const length = codeLength(read)
    if (length === null) return true
    if (length > 16) return false
    if (length > 0) space += 2 ** (16 - length)
    // After the third length, two bits say how many are passed over.
    if (symbol === 2) symbol += read(2) ?? 0
  }
  return space % 2 ** 16 === 0
}

/** Three bits; seven goes on with a one for each further bit of length. */
function codeLength(read: Bits): number | null {
  let length = read(3)
  if (length !== 7) return length
  for (let bit = read(1); bit === 1; bit = read(1)) length++
  return length
}

/** The next so many bits as a number; null at the end. */
type Bits = (count: number) => number | null

function bitsUpwards(bytes: Buffer): Bits {
  return bitReader(bytes, (byte, index) => (byte >> index) & 1, true)
}

function bitsDownwards(bytes: Buffer): Bits {
  return bitReader(bytes, (byte, index) => (byte >> (7 - index)) & 1, false)
}

function bitReader(bytes: Buffer, bitOf: (byte: number, index: number) => number, lowestFirst: boolean): Bits {
  let at = 0
  return (count) => {
    if (at + count > bytes.length * 8) return null
    let value = 0
    for (let index = 0; index < count; index++, at++) {
      const bit = bitOf(bytes[at >> 3] ?? 0, at & 7)
      value = lowestFirst ? value | (bit << index) : (value << 1) | bit
    }
    return value
  }
}
