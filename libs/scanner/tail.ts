/** Keeps the last bytes of a stream, and counts all of them. */
export class Tail {
  readonly #length: number
  readonly #chunks: Buffer[] = []
  #kept = 0
  total = 0

  constructor(length: number) {
    this.#length = length
  }

  /** The chunk is kept, not copied. */
  add(chunk: Buffer): void {
    this.total += chunk.length
    this.#chunks.push(chunk)
    this.#kept += chunk.length
    while (this.#kept - (this.#chunks[0]?.length ?? 0) >= this.#length) this.#kept -= this.#chunks.shift()?.length ?? 0
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#length)
  }
}
