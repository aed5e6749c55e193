import { randomBytes } from 'node:crypto'

let lastMillisecond = 0
let counter = 0

/** A UUIDv7 (RFC 9562 §5.7) whose 12 bits after the time count up, so that ids of one process sort in the order of their making. */
export function newId(now: () => number = Date.now): string {
  const bytes = randomBytes(16)
  advance(now(), bytes.readUInt16BE(6))
  bytes.writeUIntBE(lastMillisecond, 0, 6)
  bytes.writeUInt16BE(0x7000 | counter, 6)
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Each millisecond starts at a random number in the lower half of the counter; a full counter borrows from the next millisecond. */
function advance(millisecond: number, random: number): void {
  if (millisecond > lastMillisecond) {
    lastMillisecond = millisecond
    counter = random & 0x7ff
  } else if (++counter > 0xfff) {
    lastMillisecond++
    counter = random & 0x7ff
  }
}
