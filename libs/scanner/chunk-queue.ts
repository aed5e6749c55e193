/** Chunks for a reader that may be slower than their source, which does not wait for it. */
export class ChunkQueue implements AsyncIterable<Buffer> {
  #chunks: Buffer[] = []
  #isEnded = false
  #wake: (() => void) | undefined
  /** That wait for the reader. */
  bytes = 0

  /** The chunk is kept, not copied. */
  push(chunk: Buffer): void {
    if (this.#isEnded) return
    this.#chunks.push(chunk)
    this.bytes += chunk.length
    this.#wake?.()
  }

  end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  /** Forgets what waits. */
  clear(): void {
    this.#chunks = []
    this.bytes = 0
    this.end()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.bytes -= chunk.length
        yield chunk
      } else if (this.#isEnded) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
