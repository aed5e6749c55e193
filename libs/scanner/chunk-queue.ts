/** Chunks for a reader that may be slower than their source, which does not wait for it. */
export class ChunkQueue implements AsyncIterable<Buffer> {
  #chunks: Buffer[] = []
  #wake: (() => void) | undefined
  #idle: (() => void)[] = []
  /** Nothing is taken any more. */
  isEnded = false
  /** That wait for the reader. */
  bytes = 0

  /** The chunk is kept, not copied. */
  push(chunk: Buffer): void {
    if (this.isEnded) return
    this.#chunks.push(chunk)
    this.bytes += chunk.length
    this.#wakeUp()
  }

  end(): void {
    this.isEnded = true
    this.#wakeUp()
  }

  /** Forgets what waits, and ends. */
  clear(): void {
    this.#chunks = []
    this.bytes = 0
    this.end()
    this.#tellIdle()
  }

  /** Resolves when the reader has read all there is and wants more. */
  async idle(): Promise<void> {
    const isIdle = this.#wake !== undefined || (this.isEnded && this.#chunks.length === 0)
    if (!isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk) {
        this.bytes -= chunk.length
        yield chunk
      } else if (this.isEnded) return
      else await this.#more()
    }
  }

  async #more(): Promise<void> {
    this.#tellIdle()
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #tellIdle(): void {
    for (const tell of this.#idle.splice(0)) tell()
  }
}
