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

/** At a time, for one archive: the whole waits for a core for as long as what was begun before its last byte takes. */
const maxBatches = 2
/** Ten times what a batch takes: clamd has more to do than it can. */
const slowMilliseconds = 1000
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
  #isClosed = false
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
      if (this.#batch.isSent) this.#run(this.#batch)
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

  /** Begins no other batch: the scan of the whole would meet the same members at the same time. */
  close(): void {
    this.#isClosed = true
    if (!this.#batch?.isSent) this.leave()
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

  #send(batch: MemberBatch): void {
    const { scanner, signal } = this.#options
    if (this.#mayScan()) batch.send(scanner, signal)
    else this.leave()
  }

  /** Half of the places, and what others wait for, are not for what may as well be scanned later. */
  #mayScan(): boolean {
    const { places, load } = this.#options.scanner
    const { busy, waiting } = load()
    return !this.#isClosed && this.#running.size < maxBatches && waiting === 0 && busy < places / 2
  }

  #run(batch: MemberBatch): void {
    this.#batch = undefined
    this.#running.set(batch, this.#end(batch))
  }

  async #end(batch: MemberBatch): Promise<void> {
    const result = await batch.end()
    this.#running.delete(batch)
    if (result?.verdict !== 'clean') return this.#options.onRefused()
    this.members += batch.members
    if (result.milliseconds > slowMilliseconds) this.close()
  }
}
