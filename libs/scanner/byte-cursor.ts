import { damaged } from './refusal.ts'

export type Chunks = AsyncIterable<Buffer>

/** Reads a stream of chunks by count of bytes, once and forward. */
export class ByteCursor {
  readonly #chunks: AsyncIterator<Buffer>
  #buffer: Buffer = Buffer.alloc(0)
  readonly #onTaken: ((bytes: Buffer) => void) | undefined
  /** Bytes taken so far. */
  position = 0

  /** `onTaken` is told all bytes that are taken, in their order and as they were. */
  constructor(chunks: Chunks, onTaken?: (bytes: Buffer) => void) {
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#onTaken = onTaken
  }

  /** The next `length` bytes without taking them; fewer at the end. */
  async peek(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) {
      const next = await this.#chunks.next()
      if (next.done) break
      this.#buffer = this.#buffer.length === 0 ? next.value : Buffer.concat([this.#buffer, next.value])
    }
    return this.#buffer.subarray(0, length)
  }

  /** The next bytes at hand, up to `most`, without taking them; empty at the end. */
  async some(most = Number.POSITIVE_INFINITY): Promise<Buffer> {
    await this.peek(1)
    return this.#buffer.subarray(0, most)
  }

  async take(length: number): Promise<Buffer> {
    const bytes = await this.peek(length)
    if (bytes.length < length) throw damaged('it ends in the middle of a record')
    this.advance(length)
    return bytes
  }

  /** Takes bytes that have been peeked at. */
  advance(length: number): void {
    this.#onTaken?.(this.#buffer.subarray(0, length))
    this.#buffer = this.#buffer.subarray(length)
    this.position += length
  }

  /** The next `length` bytes, or all that are left, as they come. */
  async *chunks(length = Number.POSITIVE_INFINITY): AsyncGenerator<Buffer, void, undefined> {
    for (let left = length; left > 0; ) {
      const chunk = await this.some(left)
      if (chunk.length === 0) {
        if (left !== Number.POSITIVE_INFINITY) throw damaged('it ends in the middle of a member')
        return
      }
      this.advance(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }
}
