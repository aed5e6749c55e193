import type { IncomingMessage } from 'node:http'
import { problem } from '@slipway/problem'
import type { Exchange } from './exchange.ts'

/** How slowly a body may come in: at least `bytes` (or its end) in every `seconds` that we wait for the client. */
export interface Pace {
  readonly seconds: number
  readonly bytes: number
}

/** 16 KiB in 30 s: slower than any mobile network, fast enough that a connection held open costs the attacker something. */
export const defaultPace: Pace = { seconds: 30, bytes: 16 * 1024 }

/** The client closed the connection before its request was complete: nobody is left to tell. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'

  constructor() {
    super('The client closed the connection before its request was complete')
  }
}

export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * Pulls the body of a request, chunk by chunk. Only the time that the client makes us wait counts, not that of whoever reads here, so
 * an upload may take hours. Stopping early leaves the connection as it is, so that an answer can still be sent.
 */
export class BodySource implements Disposable {
  readonly #exchange: Exchange
  readonly #request: IncomingMessage
  readonly #pace: Pace
  #waited = 0
  #received = 0
  #wake: (() => void) | null = null
  #closed = false

  constructor(exchange: Exchange, pace: Pace) {
    this.#exchange = exchange
    this.#request = exchange.request
    this.#pace = pace
    for (const event of events) this.#request.on(event, this.#onEvent)
    exchange.invite()
  }

  /**
   * The next bytes, or null at the end of a complete body and once this source was disposed of.
   * @throws request.timeout, ClientGone
   */
  async read(): Promise<Buffer | null> {
    while (!this.#closed) {
      const chunk: Buffer | null = this.#request.read()
      if (chunk !== null) return this.#count(chunk)
      if (this.#request.readableEnded) return this.#end()
      if (this.#request.destroyed) throw new ClientGone()
      await this.#more()
    }
    return null
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const event of events) this.#request.off(event, this.#onEvent)
    this.#wake?.()
  }

  readonly #onEvent = () => this.#wake?.()

  #count(chunk: Buffer): Buffer {
    this.#exchange.workingSince = performance.now()
    this.#received += chunk.length
    if (this.#received >= this.#pace.bytes) this.#received = this.#waited = 0
    return chunk
  }

  #end(): null {
    if (!this.#request.complete) throw new ClientGone()
    return null
  }

  async #more(): Promise<void> {
    const began = performance.now()
    this.#exchange.workingSince = null
    const timely = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, this.#pace.seconds * 1000 - this.#waited))
      this.#wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
    this.#wake = null
    this.#exchange.workingSince = performance.now()
    this.#waited += performance.now() - began
    if (timely) return
    throw problem('request.timeout', { detail: `fewer than ${this.#pace.bytes} bytes of the body came in ${this.#pace.seconds} s` })
  }
}

const events = ['readable', 'end', 'close', 'error'] as const
