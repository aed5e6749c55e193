import { Writable } from 'node:stream'
import type { EngineVersion } from './control.ts'
import { createPatience, type Patience } from './patience.ts'
import type { ReplySocket } from './reply-socket.ts'
import { type Judgement, judge, type ScanResult } from './verdict.ts'

/** Longest reply that is believed: a signature name has a few dozen bytes. */
const maxReplyBytes = 4096

export interface ScanStreamOptions {
  idleSeconds: number
  /** From the last byte to the verdict. */
  scanSeconds: number
  now: () => number
  version: () => Promise<EngineVersion>
  ping: () => Promise<void>
  /** Turns a broken connection into the problem that callers see. */
  failure: (cause: unknown) => Error
  /** Gives the connection's place back. */
  release: () => void
}

/**
 * One INSTREAM command: what is written goes to clamd as it comes, at clamd's pace. It finishes with the verdict, not with the last byte;
 * `destroy()` cancels and frees the connection at once. Errors also reject `result()`, so an `error` listener is not needed.
 */
export class ScanStream extends Writable {
  readonly #socket: ReplySocket
  readonly #options: ScanStreamOptions
  readonly #patience: Patience
  readonly #result = Promise.withResolvers<ScanResult>()
  #reply = ''
  #judged = false
  #endedAt: number | undefined
  /** Asked for just before clamd begins to scan, so never newer than what it scans with. */
  #version: EngineVersion | undefined
  /** The write, or the end, that waits for clamd. */
  #waiting: ((error?: Error) => void) | undefined

  constructor(socket: ReplySocket, options: ScanStreamOptions) {
    super()
    this.#socket = socket
    this.#options = options
    this.#patience = createPatience({
      idleSeconds: options.idleSeconds,
      totalSeconds: options.scanSeconds,
      ping: options.ping,
      onHung: (error) => this.destroy(options.failure(error)),
      onOver: () => this.#giveUp(),
    })
    this.#result.promise.catch(() => {})
    this.on('error', () => {})
    this.#listen()
    socket.write('zINSTREAM\0')
  }

  /** Resolves with the verdict, after `end()` or before when clamd has enough; rejects with a problem when clamd is lost. */
  result(): Promise<ScanResult> {
    return this.#result.promise
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // A frame of length zero would end the stream.
    if (this.#judged || chunk.length === 0) return callback()
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(chunk.length)
    this.#socket.cork()
    this.#socket.write(length)
    this.#socket.write(chunk)
    this.#socket.uncork()
    if (this.#socket.writableNeedDrain) this.#wait(callback)
    else callback()
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (this.#judged) return void this.#settled(callback)
    void this.#finish(callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const reason = error ?? new DOMException('The scan was cancelled', 'AbortError')
    this.#close()
    this.#result.reject(reason)
    this.#go(reason)
    callback(error)
  }

  async #finish(callback: (error?: Error | null) => void): Promise<void> {
    try {
      this.#version = await this.#options.version()
    } catch (error) {
      return callback(this.#options.failure(error))
    }
    if (this.destroyed || this.#judged) return await this.#settled(callback)
    this.#endedAt = this.#options.now()
    this.#wait(callback)
    this.#socket.write(Buffer.alloc(4))
  }

  /** With the verdict: a stream that finishes before would be destroyed, and its verdict with it. */
  async #settled(callback: (error?: Error | null) => void): Promise<void> {
    await this.#result.promise.catch(() => undefined)
    callback()
  }

  #wait(callback: (error?: Error) => void): void {
    this.#waiting = callback
    this.#patience.begin()
  }

  #go(error?: Error): void {
    const callback = this.#waiting
    this.#waiting = undefined
    this.#patience.end()
    callback?.(error)
  }

  #listen(): void {
    const lost = (cause: unknown) => {
      if (!this.#judged) this.destroy(this.#options.failure(cause))
    }
    this.#socket.on('drain', () => {
      if (this.#endedAt === undefined) this.#go()
    })
    this.#socket.on('data', (data: Buffer) => this.#read(data))
    this.#socket.on('error', lost)
    this.#socket.on('close', () => lost(new Error('the connection was closed without a verdict')))
  }

  #read(data: Buffer): void {
    this.#reply += data.toString('utf8')
    const end = this.#reply.indexOf('\0')
    if (end >= 0) void this.#settle(this.#reply.slice(0, end))
    else if (this.#reply.length > maxReplyBytes) void this.#settle(this.#reply.slice(0, maxReplyBytes))
  }

  /** clamd lives and is silent: there is no verdict, so it fails closed. */
  #giveUp(): void {
    void this.#settle('', { verdict: 'error', reason: 'timeout' })
  }

  async #settle(raw: string, judgement: Judgement = judge(raw)): Promise<void> {
    if (this.#judged) return
    this.#judged = true
    const milliseconds = Math.max(0, this.#options.now() - (this.#endedAt ?? this.#options.now()))
    this.#close()
    try {
      const { engine, database } = this.#version ?? (await this.#options.version())
      this.#result.resolve({ ...judgement, raw: raw.trim(), engine, database, milliseconds })
      this.#go()
    } catch (error) {
      this.destroy(this.#options.failure(error))
    }
  }

  #close(): void {
    this.#patience.end()
    this.#socket.destroy()
    this.#options.release()
  }
}
