import { type Excerpt, tarExcerpt, zipExcerpt } from './excerpt.ts'
import { MemberBatch, type Places } from './member-batch.ts'
import type { LocalHeader } from './zip-record.ts'
import type { Found } from './zip-walk.ts'

export interface MemberBatchesOptions {
  scanner: Places
  /** Packed bytes of members that are scanned together. */
  batchBytes: number
  signal: AbortSignal
  /** Something was found, or there is no verdict: the scan of the whole will tell. */
  onRefused: () => void
}

/** A larger member is left to the scan of the whole, which would often scan it a second time at the same time. */
const maxRecordBytes = 8 * 1_048_576

/** Sends the members of an archive to clamd as the walk through it meets them, as long as there are places that nobody needs. */
export class MemberBatches {
  readonly #options: MemberBatchesOptions
  readonly #makeExcerpt: () => Excerpt
  readonly #running = new Map<MemberBatch, Promise<void>>()
  #batch: MemberBatch | undefined
  /** Bytes of the member that is being walked over. */
  #record: number | undefined
  #sent = 0
  /** Found clean. */
  members = 0

  constructor(format: 'zip' | 'tar', options: MemberBatchesOptions) {
    this.#options = options
    this.#makeExcerpt = format === 'zip' ? zipExcerpt : tarExcerpt
  }

  readonly onBegin = (): void => {
    this.#batch ??= new MemberBatch(this.#makeExcerpt())
    this.#record = 0
  }

  readonly onEnd = (header?: LocalHeader, found?: Found): void => {
    if (this.#batch && this.#record !== undefined) {
      this.#batch.add(this.#record, header && found ? { header, found } : undefined)
      if (this.#batch.isSent) this.#close(this.#batch)
    }
    this.#record = undefined
  }

  /** Bytes as they are walked over. */
  take(bytes: Buffer): void {
    if (!this.#batch || this.#record === undefined) return
    this.#record += bytes.length
    this.#batch.take(bytes)
    if (this.#record > maxRecordBytes || this.#batch.isLost) this.leave()
    else if (!this.#batch.isSent && this.#batch.bytes >= this.#options.batchBytes) this.#send(this.#batch)
  }

  /** Sends what is left at the end, when others went before: by itself it is not worth it. */
  flush(): void {
    const last = this.#batch
    if (!last || this.#sent === 0) return
    this.#send(last)
    if (last.isSent) this.#close(last)
  }

  /** Forgets what has not been sent as a whole. */
  leave(): void {
    this.#batch?.lose()
    this.#batch = undefined
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  stop(): void {
    this.leave()
    for (const batch of this.#running.keys()) batch.lose()
  }

  /** Half of the places, and what others wait for, are not for what may as well be scanned later. */
  #send(batch: MemberBatch): void {
    const { scanner, signal } = this.#options
    const { busy, waiting } = scanner.load()
    if (waiting > 0 || busy >= scanner.places / 2) return this.leave()
    this.#sent++
    batch.send(scanner, signal)
  }

  #close(batch: MemberBatch): void {
    this.#batch = undefined
    this.#running.set(batch, this.#end(batch))
  }

  async #end(batch: MemberBatch): Promise<void> {
    if (await batch.end()) this.members += batch.members
    else this.#options.onRefused()
    this.#running.delete(batch)
  }
}
