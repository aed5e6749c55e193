import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import type { Digest } from '@slipway/storage/backup'

/** Reads a stream to its end. */
export async function digestOf(source: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of source) {
    hash.update(chunk)
    size += chunk.length
  }
  return { size, sha256: hash.digest('hex') }
}

/** Hashes what goes through. */
export function digestThrough(): { through: Transform; result: () => Digest } {
  const hash = createHash('sha256')
  let size = 0
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  return { through, result: () => ({ size, sha256: hash.digest('hex') }) }
}

/** As many at a time as told; results in the order of the items. The first failure ends it, once those that run have ended. */
export async function inParallel<T, R>(items: readonly T[], most: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const turns = items.entries()
  const lane = async () => {
    for (const [index, item] of turns) results[index] = await work(item)
  }
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(most, items.length) }, lane))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return results
}

const least = 1024

/**
 * SHA-256 digests by their first 64 bits, in 16 to 32 bytes each: a million of them must not cost a hundred megabytes. Two that share
 * these bits count as one, for which users have to be on the safe side.
 */
export class DigestSet {
  #keys = new BigUint64Array(least)
  #marks = new Uint8Array(least)
  #size = 0
  #marked = 0

  get size(): number {
    return this.#size
  }

  get unmarked(): number {
    return this.#size - this.#marked
  }

  add(sha256: string): void {
    if (this.#size * 2 >= this.#keys.length) this.#grow()
    const place = this.#placeOf(keyOf(sha256))
    if (this.#keys[place] !== 0n) return
    this.#keys[place] = keyOf(sha256)
    this.#size++
  }

  has(sha256: string): boolean {
    return this.#keys[this.#placeOf(keyOf(sha256))] !== 0n
  }

  /** Remembers that this one was seen, if it is in the set. */
  mark(sha256: string): void {
    const place = this.#placeOf(keyOf(sha256))
    if (this.#keys[place] === 0n || this.#marks[place] === 1) return
    this.#marks[place] = 1
    this.#marked++
  }

  #placeOf(key: bigint): number {
    const mask = this.#keys.length - 1
    let place = Number(key & BigInt(mask))
    while (this.#keys[place] !== 0n && this.#keys[place] !== key) place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const [keys, marks] = [this.#keys, this.#marks]
    this.#keys = new BigUint64Array(keys.length * 2)
    this.#marks = new Uint8Array(keys.length * 2)
    for (const [index, key] of keys.entries()) {
      if (key === 0n) continue
      const place = this.#placeOf(key)
      this.#keys[place] = key
      this.#marks[place] = marks[index] ?? 0
    }
  }
}

/** 0 stands for a free place. */
function keyOf(sha256: string): bigint {
  return BigInt(`0x${sha256.slice(0, 16)}`) || 1n
}
