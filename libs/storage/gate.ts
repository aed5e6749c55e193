import { randomUUID } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'
import {
  type ArchiveLimits,
  archiveLimits as defaultLimits,
  type Scanner,
  type ScanResult,
  type ScanStream,
  scanAhead,
} from '@slipway/scanner'
import { quarantineBucket } from './connection.ts'
import { ask } from './error.ts'
import { type Accepted, type Content, clean, createJudge } from './judge.ts'
import type { ObjectRef, QuarantineRef } from './object.ts'
import { QuarantineUpload } from './quarantine-upload.ts'
import { readObject } from './reading.ts'
import { type ReceivedWithTail, receive } from './receive.ts'
import { earlierPromotion } from './resume.ts'
import { startRun } from './run.ts'
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
  const limits = { ...defaultLimits(scanner.maxFileBytes), ...archiveLimits }
  const judge = createJudge(connection, limits)

  async function take(source: Readable, options: AcceptOptions): Promise<Accepted | Pending> {
    if (options.bucket === quarantineBucket) throw new TypeError('quarantine is no target')
    using run = startRun(source, options.signal)
    let scan: ScanStream | undefined
    let upload: QuarantineUpload | undefined
    const ahead = scanAhead({ scanner, limits, signal: run.signal })
    try {
      scan = await scanner.open(run.signal)
      scan.result().catch(run.fail)
      const key = `${options.tenantId}/${options.bucket}/${options.key}/${randomUUID()}`
      const into = new QuarantineUpload(connection, { key, signal: run.signal })
      upload = into
      const { maxBytes, onProgress } = options
      const received = await receive(source, { scan, store: (chunk) => into.append(chunk), look: ahead.add, maxBytes, onProgress })
      scan.end()
      const walked = ahead.finish()
      const etag = await into.complete()
      const target = { bucket: options.bucket, key: options.key }
      const content = { ...received, quarantine: { bucket: quarantineBucket, key, size: received.size, etag, target } as const }
      const accepted = judge(content, { scanned: scan.result(), walked, signal: run.signal }).finally(ahead.stop)
      if (received.size <= (options.syncBytes ?? Number.POSITIVE_INFINITY)) return await accepted
      return pending(content, accepted)
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
    const scan = await scanner.open(signal)
    try {
      const { stream } = await readObject(connection, quarantine, { ifMatch: quarantine.etag, signal })
      addAbortSignal(signal, stream)
      const received = await ask(receive(stream, { scan, maxBytes: quarantine.size }))
      scan.end()
      return await judge({ ...received, quarantine }, { scanned: scan.result(), signal })
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

function pending(received: Content & ReceivedWithTail, accepted: Promise<Accepted>): Pending {
  const { tail: _, ...content } = received
  const verdict = accepted.then((outcome) => outcome.verdict)
  verdict.catch(() => {})
  return { ...content, pending: true, accepted, verdict }
}
