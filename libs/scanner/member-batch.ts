import type { Excerpt } from './excerpt.ts'
import type { ScanStream } from './scan-stream.ts'
import type { Scanner } from './scanner.ts'
import type { ScanResult } from './verdict.ts'

export type Places = Pick<Scanner, 'open' | 'load' | 'places'>

/** What may wait for a clamd that takes it slowly. */
const maxUnsentBytes = 2 * 1_048_576

/**
 * Some members of an archive on their way to clamd, as an archive of their own. It is kept in memory until there is enough for a scan, and
 * goes to clamd as it comes from then on.
 */
export class MemberBatch {
  readonly #excerpt: Excerpt
  #held: Buffer[] = []
  #stream: Promise<ScanStream> | undefined
  #unsent = 0
  #isLost = false
  bytes = 0
  members = 0

  constructor(excerpt: Excerpt) {
    this.#excerpt = excerpt
  }

  get isSent(): boolean {
    return this.#stream !== undefined
  }

  get isLost(): boolean {
    return this.#isLost
  }

  take(bytes: Buffer): void {
    this.bytes += bytes.length
    if (this.#isLost) return
    if (!this.#stream) return void this.#held.push(bytes)
    this.#write(bytes)
  }

  add(...member: Parameters<Excerpt['add']>): void {
    this.members++
    this.#excerpt.add(...member)
  }

  /** From here on it goes to clamd as it comes. */
  send(places: Places, signal: AbortSignal): void {
    const stream = places.open(signal)
    this.#stream = stream
    // Told by `end`.
    stream.catch(() => undefined)
    for (const bytes of this.#held.splice(0)) this.#write(bytes)
  }

  /** Ends the archive. Resolves with what clamd says of it, if it does; never rejects. */
  async end(): Promise<ScanResult | undefined> {
    if (this.#isLost || !this.#stream) return undefined
    try {
      const stream = await this.#stream
      stream.end(this.#excerpt.end())
      return await stream.result()
    } catch {
      return undefined
    }
  }

  /** Without its end clamd scans nothing of it. */
  lose(): void {
    this.#isLost = true
    this.#held = []
    this.#stream?.then((stream) => stream.destroy()).catch(() => undefined)
  }

  #write(bytes: Buffer): void {
    this.#unsent += bytes.length
    if (this.#unsent > maxUnsentBytes) return this.lose()
    const sent = () => {
      this.#unsent -= bytes.length
    }
    // In the order of the calls: all wait for the same promise.
    this.#stream?.then((stream) => stream.write(bytes, sent)).catch(() => undefined)
  }
}
