import { createHash } from 'node:crypto'

const mebibyte = 1_048_576
const chunkBytes = 65_536
/** Repeated from there on: making content takes longer than passing it on. */
const baseMebibytes = 16

let made: Buffer | undefined

/**
 * Content of no type in particular, half like machine code (short sequences that come again) and half like text, by turns of 64 KiB. It
 * differs by its nonce alone, so that two scans of it are the same work.
 */
export function* contentOf(mebibytes: number, nonce: Buffer): Generator<Buffer> {
  made ??= makeBase()
  const total = mebibytes * mebibyte
  for (let at = 0; at < total; at += chunkBytes) {
    const chunk = made.subarray(at % made.length, (at % made.length) + chunkBytes)
    yield at === 0 ? Buffer.concat([Buffer.from([0, 1, 2, 3]), nonce, chunk.subarray(4 + nonce.length)]) : chunk
  }
}

function makeBase(): Buffer {
  const base = Buffer.alloc(baseMebibytes * mebibyte)
  const random = randomNumbers('content')
  const sequences = Array.from({ length: 4000 }, (_, index) => bytesOf(`sequence ${index}`).subarray(0, 2 + random(11)))
  const words = Array.from({ length: 8000 }, (_, index) =>
    Buffer.from(`${bytesOf(`word ${index}`).toString('base64url', 0, 2 + random(7))} `),
  )
  for (let at = 0; at < base.length; ) {
    const from = Math.floor(at / chunkBytes) % 2 === 0 ? sequences : words
    at += (from[random(from.length)] ?? Buffer.alloc(1)).copy(base, at)
  }
  return base
}

function bytesOf(text: string): Buffer {
  return createHash('sha512').update(text).digest()
}

/** Always the same ones: what is scanned should not differ from run to run. */
function randomNumbers(seed: string): (below: number) => number {
  let bytes = bytesOf(seed)
  let at = 0
  return (below) => {
    if (at + 4 > bytes.length) {
      bytes = createHash('sha512').update(bytes).digest()
      at = 0
    }
    at += 4
    return bytes.readUInt32LE(at - 4) % below
  }
}
