import { randomBytes, randomInt } from 'node:crypto'
import { zipOf } from '@slipway/testing'

const kibibyte = 1024
const letters = 'etaoinshrdlucmfwypvbgkjqxz'
/** Words of which the first ones are by far the most frequent, as in languages: such text deflates to about a third. */
const words = Array.from({ length: 8000 }, () =>
  Array.from({ length: randomInt(2, 11) }, () => letters[Math.min(randomInt(26), randomInt(26))]).join(''),
)

function textOf(bytes: number): Buffer {
  const parts: string[] = []
  for (let length = 0; length < bytes; ) {
    const word = words[Math.floor(words.length * Math.random() ** 4)] ?? ''
    parts.push(word)
    length += word.length + 1
  }
  return Buffer.from(parts.join(' ')).subarray(0, bytes)
}

/** Short sequences that come again, and others in between, as in machine code: deflates to about two thirds. */
function programOf(bytes: number): Buffer {
  const sequences = Array.from({ length: 4000 }, () => randomBytes(randomInt(2, 13)))
  const parts: Buffer[] = []
  for (let length = 0; length < bytes; ) {
    const part = Math.random() < 0.8 ? sequences[randomInt(sequences.length)] : randomBytes(3)
    if (!part) continue
    parts.push(part)
    length += part.length
  }
  return Buffer.concat(parts).subarray(0, bytes)
}

/** Deflated, half of the members text and half binary, as `bytes` each on average. Never the same twice: clamd remembers what it has seen. */
export function mixedZip(members: number, bytes = 48 * kibibyte): Buffer {
  const sizes = Array.from({ length: members }, () => Math.round(bytes * (0.25 + 1.5 * Math.random())))
  return zipOf(sizes.map((size, index) => ({ name: `folder/${index}`, content: index % 2 === 0 ? textOf(size) : programOf(size) })))
}
