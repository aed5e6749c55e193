import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { problem } from '@slipway/problem'
import { Tail, zipEndBytes } from '@slipway/scanner'
import type { Guest } from './crowd.ts'

/** Enough for every signature that a content type is sniffed by. */
export const headBytes = 4100

export interface Received {
  readonly size: number
  /** In hex. */
  readonly sha256: string
  /** The first bytes, at most 4100, to sniff the content type from. */
  readonly head: Buffer
}

export interface ReceivedWithTail extends Received {
  /** The last bytes: with the first ones enough to tell that most content is no archive. */
  readonly tail: Buffer
}

/** What is worth keeping. */
export function withoutTail<Kind extends ReceivedWithTail>(received: Kind): Omit<Kind, 'tail'> {
  const { tail: _, ...rest } = received
  return rest
}

export interface ReceiveOptions {
  scan: Writable
  /** Takes a copy of the chunk, at the pace of the store. */
  store?: (chunk: Buffer) => Promise<void>
  /** Takes the chunk for as long as it likes, and nobody waits for it. */
  look?: (chunk: Buffer) => void
  maxBytes: number
  onProgress?: ((bytes: number) => void) | undefined
  /** Learns when the source is waited for. */
  guest?: Guest
}

/** Reads `source` once, chunk by chunk: the next one is read when clamd and the store have both taken this one. */
export async function receive(
  source: Readable,
  { scan, store, look, maxBytes, onProgress, guest }: ReceiveOptions,
): Promise<ReceivedWithTail> {
  const hash = createHash('sha256')
  const head: Buffer[] = []
  const tail = new Tail(zipEndBytes)
  guest?.asks()
  for await (const data of source) {
    const chunk = Buffer.isBuffer(data) ? data : Buffer.from(data)
    guest?.gets(chunk.length)
    if (tail.total < headBytes) head.push(Buffer.from(chunk.subarray(0, headBytes - tail.total)))
    tail.add(chunk)
    if (tail.total > maxBytes) throw tooLarge(maxBytes)
    hash.update(chunk)
    look?.(chunk)
    await Promise.all([write(scan, chunk), store?.(chunk)])
    onProgress?.(tail.total)
    guest?.asks()
  }
  guest?.ends()
  return { size: tail.total, sha256: hash.digest('hex'), head: Buffer.concat(head), tail: tail.bytes() }
}

function write(writable: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    writable.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function tooLarge(limit: number) {
  return problem('file.too-large', { detail: `the file has more than ${limit} bytes, the most that is accepted`, limit })
}
