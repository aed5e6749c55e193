import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  type ArchiveLimits,
  archiveLimits as defaultLimits,
  type Scanner,
  type ScanResult,
  type ScanStream,
  scanAhead,
} from '@slipway/scanner'
import { type Connection, quarantineBucket } from './connection.ts'
import type { Guest, Scarce } from './crowd.ts'
import { type Isolation, isolate } from './isolation.ts'
import { type Accepted, accepted, type Content, clean, createJudge, type PromoteOptions, type Refused } from './judge.ts'
import { type ObjectRef, type QuarantineRef, type StoredObject, tenantOf } from './object.ts'
import { promote } from './promotion.ts'
import { QuarantineUpload } from './quarantine-upload.ts'
import type { ObjectHead } from './reading.ts'
import { type Received, receive, withoutTail } from './receive.ts'
import { earlierPromotion } from './resume.ts'
import { startRun } from './run.ts'
import { scanStored } from './scan-stored.ts'
import { connectionOf, removeObject, type Storage } from './storage.ts'

/** The signal of whoever has none. */
const never = new AbortController().signal

export interface AcceptOptions extends ObjectRef {
  /** Bytes from which the upload is refused with `file.too-large`. */
  maxBytes: number
  tenantId: string
  /** Above this size `accept` answers as soon as the bytes are in; without it, it always waits for the verdict. */
  syncBytes?: number
  /** Aborts the upload; after a pending answer it has no effect any more. */
  signal?: AbortSignal
  /** Bytes received so far. */
  onProgress?: (bytes: number) => void
}

/** All bytes are in quarantine, and the scan goes on in this process. When the process ends before it does, `resume` does it again. */
export interface Pending extends Content {
  readonly pending: true
  /** Rejects with a problem when the scanner or the store failed: the content is still in quarantine. */
  readonly accepted: Promise<Accepted>
  readonly verdict: Promise<ScanResult>
  readonly promote?: never
}

/** What is found in content that had been clean, and that it is still the content that was accepted. */
export interface Rescanned extends Pick<Received, 'size' | 'sha256'> {
  readonly verdict: ScanResult
}

export interface ScanGate {
  /**
   * Takes an upload: one pass through hash, size limit, clamd and quarantine at the pace of the slowest. Owns `source`: it is destroyed when
   * this fails, and then nothing is left behind.
   * @throws `file.too-large`, `scanner.unavailable`, `service.overloaded`, `storage.unavailable`, or the reason of the signal
   */
  accept(source: Readable, options: AcceptOptions & { syncBytes: number }): Promise<Accepted | Pending>
  accept(source: Readable, options: AcceptOptions): Promise<Accepted>
  /**
   * Scans again what is in quarantine, for pending uploads whose process ended and for verdicts of `error`. An upload that had been promoted
   * before the crash is found at its target.
   * @throws `resource.not-found` when it is in neither place
   */
  resume(quarantine: QuarantineRef, options?: { signal?: AbortSignal }): Promise<Accepted>
  /** Removes content from quarantine, once no row needs it. */
  discard(quarantine: QuarantineRef): Promise<void>
  /**
   * Looks again at a readable object, by the rules of `accept`. Nothing is moved: what follows from the verdict is the caller's.
   * @throws `resource.not-found`, `scanner.unavailable`, `service.overloaded`, `storage.unavailable`
   */
  rescan(object: ObjectRef, options?: { signal?: AbortSignal }): Promise<Rescanned>
  /** Copies a readable object into quarantine; undefined when it is in neither place. The caller removes the readable one. */
  isolate(isolation: Isolation): Promise<ObjectHead | undefined>
  /**
   * The way into a readable bucket for what was refused and released by people all the same. Calling it again gives the same object.
   * @throws `TypeError` for a verdict of `error`, which nobody can release
   */
  reinstate(refused: Refused, options?: PromoteOptions): Promise<StoredObject>
}

export interface ScanGateOptions {
  storage: Storage
  scanner: Scanner
  archiveLimits?: Partial<ArchiveLimits>
}

export function createScanGate({ storage, scanner, archiveLimits = {} }: ScanGateOptions): ScanGate {
  const connection = connectionOf(storage)
  const limits = { ...defaultLimits(scanner.maxFileBytes), ...archiveLimits }
  const judge = createJudge(connection, limits)
  const parts = { connection, scanner, judge }

  async function take(source: Readable, options: AcceptOptions): Promise<Accepted | Pending> {
    if (options.bucket === quarantineBucket) throw new TypeError('quarantine is no target')
    using run = startRun(source, options.signal)
    let scan: ScanStream | undefined
    let upload: QuarantineUpload | undefined
    using stay = new Stay()
    const ahead = scanAhead({ scanner, limits, signal: run.signal })
    try {
      const owner = options.tenantId
      scan = await connection.crowd.wait({ what: 'scan', owner }, scanner.open(run.signal, owner))
      scan.result().catch(run.fail)
      const key = `${options.tenantId}/${options.bucket}/${options.key}/${randomUUID()}`
      const into = new QuarantineUpload(connection, { key, signal: run.signal })
      upload = into
      const { maxBytes, onProgress } = options
      const guest = connection.crowd.enter({ owner, has: () => stay.has(into), makeRoom: run.fail })
      stay.begin(guest, scan)
      const store = (chunk: Buffer) => into.append(chunk)
      const received = await receive(source, { scan, store, look: ahead.add, maxBytes, onProgress, guest })
      scan.end()
      const walked = ahead.finish()
      const etag = await into.complete(received.sha256)
      const target = { bucket: options.bucket, key: options.key }
      const content = { ...received, quarantine: { bucket: quarantineBucket, key, size: received.size, etag, target } as const }
      const judged = judge({ ...received, at: content.quarantine }, { scanned: scan.result(), walked, signal: run.signal })
      const outcome = judged.finally(ahead.stop).then((verdict) => accepted(connection, withoutTail(content), verdict))
      if (received.size <= (options.syncBytes ?? Number.POSITIVE_INFINITY)) return await outcome
      return pending(withoutTail(content), outcome)
    } catch (error) {
      run.fail(error)
      ahead.stop()
      scan?.destroy()
      await upload?.abort()
      throw run.signal.reason
    }
  }

  async function resume(quarantine: QuarantineRef, { signal = never }: { signal?: AbortSignal } = {}): Promise<Accepted> {
    const earlier = await earlierPromotion(connection, quarantine)
    if (earlier) return clean(connection, earlier)
    const { verdict, ...received } = await scanStored(parts, quarantine, { ifMatch: quarantine.etag, owner: tenantOf(quarantine), signal })
    return accepted(connection, { ...received, quarantine }, verdict)
  }

  return {
    // The result of the implementation is one of both; which one depends on whether there are `syncBytes`.
    accept: take as ScanGate['accept'],
    resume,
    discard: (quarantine) => removeObject(connection, quarantine),
    async rescan(object, { signal = never } = {}) {
      if (object.bucket === quarantineBucket) throw new TypeError('what is in quarantine is taken up by resume')
      const { size, sha256, verdict } = await scanStored(parts, object, { signal })
      return { size, sha256, verdict }
    },
    isolate: (isolation) => isolate(connection, isolation),
    reinstate: (refused, options) => reinstate(connection, refused, options),
  }
}

/** An upload is a guest until it has given back both its place at clamd, which it may have for longer than a request, and its memory. */
class Stay implements Disposable {
  #guest: Guest | undefined
  #isScanned = false
  #isOver = false

  begin(guest: Guest, scan: ScanStream): void {
    this.#guest = guest
    const scanned = () => {
      this.#isScanned = true
      this.#leave()
    }
    scan.result().then(scanned, scanned)
  }

  has({ hasPart }: QuarantineUpload): readonly Scarce[] {
    return [...(this.#isScanned ? [] : (['scan'] as const)), ...(hasPart ? (['part'] as const) : [])]
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#leave()
  }

  #leave(): void {
    if (this.#isScanned && this.#isOver) this.#guest?.[Symbol.dispose]()
  }
}

async function reinstate(connection: Connection, refused: Refused, options: PromoteOptions = {}): Promise<StoredObject> {
  const { quarantine, sha256, verdict } = refused
  if (verdict.verdict === 'error') throw new TypeError('content without a verdict cannot be released')
  const stored = await promote(connection, { quarantine, sha256, verdict: { ...verdict, verdict: 'clean' }, ...options })
  await removeObject(connection, quarantine).catch(() => {})
  return stored
}

function pending(content: Content, accepted: Promise<Accepted>): Pending {
  const verdict = accepted.then((outcome) => outcome.verdict)
  verdict.catch(() => {})
  return { ...content, pending: true, accepted, verdict }
}
