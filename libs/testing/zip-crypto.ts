import { randomBytes } from 'node:crypto'

/** The table of CRC-32 (reflected polynomial 0xEDB88320), of which the cipher uses single steps. */
const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value >>> 0
})

function step(crc: number, byte: number): number {
  return ((table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)) >>> 0
}

/**
 * The traditional PKWARE encryption (APPNOTE.TXT 6.1): twelve random bytes, the last of them the high byte of the checksum, then the
 * data, as one stream.
 */
export function encryptMember(data: Buffer, password: string, checksum: number): Buffer {
  const header = randomBytes(12)
  header[11] = checksum >>> 24
  const cipher = new Cipher(password)
  return Buffer.from(Buffer.concat([header, data]).map((byte) => cipher.encrypt(byte)))
}

class Cipher {
  #keys: [number, number, number] = [0x12345678, 0x23456789, 0x34567890]

  constructor(password: string) {
    for (const byte of Buffer.from(password)) this.#update(byte)
  }

  encrypt(byte: number): number {
    const mixed = (this.#keys[2] | 2) & 0xffff
    const mask = (Math.imul(mixed, mixed ^ 1) >>> 8) & 0xff
    this.#update(byte)
    return byte ^ mask
  }

  #update(byte: number): void {
    const first = step(this.#keys[0], byte)
    const second = (Math.imul((this.#keys[1] + (first & 0xff)) >>> 0, 134_775_813) + 1) >>> 0
    this.#keys = [first, second, step(this.#keys[2], second >>> 24)]
  }
}
