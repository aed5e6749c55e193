import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  type ArchiveLimits,
  archiveLimits as defaultLimits,
  inspectArchive,
  type Scanner,
  type ScanResult,
  type ScanStream,
} from '@slipway/scanner'
import { archiveReader } from './archive-reader.ts'
import { type Connection, quarantineBucket } from './connection.ts'
import type { ObjectRef, QuarantineRef, StoredObject } from './object.ts'
import { type CleanResult, promote } from './promotion.ts'
import { QuarantineUpload } from './quarantine-upload.ts'
import { readObject } from './reading.ts'
import { type Received, receive } from './receive.ts'
import { earlierPromotion } from './resume.ts'
import { startRun } from './run.ts'
import { connectionOf, removeObject, type Storage } from './storage.ts'

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

interface Content extends Received {
  readonly quarantine: QuarantineRef
}

export interface PromoteOptions {
  /** What the content was found to be; without it `application/octet-stream`. */
  contentType?: string
}

/** The content is clean, and this value is the only way for it into a readable bucket. */
export interface Clean extends Content {
  readonly pending: false
  readonly verdict: CleanResult
  /** Copies it to its target and removes it from quarantine. Calling it again, also after a crash, gives the same object. */
  promote(options?: PromoteOptions): Promise<StoredObject>
}

/** The content stays in quarantine. An `error` may be scanned again with `resume`; the other verdicts are final. */
export interface Refused extends Content {
  readonly pending: false
  readonly verdict: ScanResult & { readonly verdict: 'infected' | 'unscannable' | 'error' }
  readonly promote?: never
}

export type Accepted = Clean | Refused

/** All bytes are in quarantine, and the scan goes on in this process. When the process ends before it does, `resume` does it again. */
export interface Pending extends Content {
  readonly pending: true
  /** Rejects with a problem when the scanner or the store failed: the content is still in quarantine. */
  readonly accepted: Promise<Accepted>
  readonly verdict: Promise<ScanResult>
  readonly promote?: never
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
}

export interface ScanGateOptions {
  storage: Storage
  scanner: Scanner
  archiveLimits?: Partial<ArchiveLimits>
}

export function createScanGate({ storage, scanner, archiveLimits = {} }: ScanGateOptions): ScanGate {
  const connection = connectionOf(storage)
  const judge = createJudge(connection, { ...defaultLimits(scanner.maxFileBytes), ...archiveLimits })

  async function take(source: Readable, options: AcceptOptions): Promise<Accepted | Pending> {
    if (options.bucket === quarantineBucket) throw new TypeError('quarantine is no target')
    using run = startRun(source, options.signal)
    let scan: ScanStream | undefined
    let upload: QuarantineUpload | undefined
    try {
      scan = await scanner.open(run.signal)
      scan.result().catch(run.fail)
      const key = `${options.tenantId}/${options.bucket}/${options.key}/${randomUUID()}`
      const into = new QuarantineUpload(connection, { key, signal: run.signal })
      upload = into
      const { maxBytes, onProgress } = options
      const received = await receive(source, { scan, store: (chunk) => into.append(chunk), maxBytes, onProgress })
      scan.end()
      const etag = await into.complete()
      const target = { bucket: options.bucket, key: options.key }
      const content = { ...received, quarantine: { bucket: quarantineBucket, key, size: received.size, etag, target } as const }
      const accepted = judge(content, scan.result())
      if (received.size <= (options.syncBytes ?? Number.POSITIVE_INFINITY)) return await accepted
      return pending(content, accepted)
    } catch (error) {
      run.fail(error)
      scan?.destroy()
      await upload?.abort()
      throw run.signal.reason
    }
  }

  async function resume(quarantine: QuarantineRef, { signal }: { signal?: AbortSignal } = {}): Promise<Accepted> {
    const earlier = await earlierPromotion(connection, quarantine)
    if (earlier) return clean(connection, earlier)
    const scan = await scanner.open(signal)
    try {
      const { stream } = await readObject(connection, quarantine, { ifMatch: quarantine.etag, ...(signal ? { signal } : {}) })
      const received = await receive(stream, { scan, maxBytes: quarantine.size })
      scan.end()
      return await judge({ ...received, quarantine }, scan.result())
    } finally {
      scan.destroy()
    }
  }

  return {
    // The result of the implementation is one of both; which one depends on whether there are `syncBytes`.
    accept: take as ScanGate['accept'],
    resume,
    discard: (quarantine) => removeObject(connection, quarantine),
  }
}

/** Turns clamd's verdict into ours: clean only when nothing in it was hidden from clamd. */
function createJudge(connection: Connection, limits: ArchiveLimits) {
  return async (content: Content, scanned: Promise<ScanResult>): Promise<Accepted> => {
    const verdict = await scanned
    if (verdict.verdict !== 'clean') return { ...content, pending: false, verdict: { ...verdict, verdict: verdict.verdict } }
    const inspection = await inspectArchive(archiveReader(connection, content.quarantine), limits)
    if (inspection.ok) return clean(connection, { ...content, verdict: { ...verdict, verdict: 'clean' } })
    const { reason, detail } = inspection
    return { ...content, pending: false, verdict: { ...verdict, verdict: 'unscannable', reason, detail } }
  }
}

/**
 * The order in `promote` is safe against a crash at any line: before the copy, `resume` scans again; after it, `promote` and `resume` find
 * the object at its target; what stays in quarantine then is known to no pending row and goes with `sweepQuarantine`.
 */
function clean(connection: Connection, found: Content & { verdict: CleanResult }): Clean {
  const { quarantine, sha256, verdict } = found
  return {
    ...found,
    pending: false,
    async promote(options) {
      const stored = await promote(connection, { quarantine, sha256, verdict, ...options })
      await removeObject(connection, quarantine).catch(() => {})
      return stored
    },
  }
}

function pending(content: Content, accepted: Promise<Accepted>): Pending {
  const verdict = accepted.then((outcome) => outcome.verdict)
  verdict.catch(() => {})
  return { ...content, pending: true, accepted, verdict }
}
