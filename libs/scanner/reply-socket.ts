import { Socket } from 'node:net'

/**
 * A socket whose failed writes do not close it. When clamd has enough (its stream limit is passed) it answers and closes while we still
 * write; an ordinary socket is destroyed by the EPIPE of that write before the answer in its receive buffer is read. Here the write side just
 * goes deaf, and the read side tells how it ended: with the answer, or with `close`.
 */
export class ReplySocket extends Socket {
  #deaf = false

  override _write(chunk: unknown, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#deaf) return callback()
    super._write(chunk, encoding, this.#forgive(callback))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: (error?: Error | null) => void): void {
    if (this.#deaf) return callback()
    super._writev?.(chunks, this.#forgive(callback))
  }

  #forgive(callback: () => void) {
    return (error?: Error | null) => {
      if (error) this.#deaf = true
      callback()
    }
  }
}
