import { type ArchiveLimits, type ArchiveReader, inspectArchive, type ScanResult } from '@slipway/scanner'
import { archiveReader } from './archive-reader.ts'
import type { Connection } from './connection.ts'
import { ask } from './error.ts'
import type { ObjectVersion, QuarantineRef, StoredObject } from './object.ts'
import { type CleanResult, promote } from './promotion.ts'
import type { Received, ReceivedWithTail } from './receive.ts'
import { removeObject } from './storage.ts'

export interface Content extends Received {
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

export interface Judged {
  scanned: Promise<ScanResult>
  /** Whether all of its members have been looked at on their way, and nothing was refused; never rejects. */
  walked?: Promise<boolean> | undefined
  signal: AbortSignal
}

/** Content that is stored somewhere, in this very version. */
export interface Stored extends ReceivedWithTail {
  readonly at: ObjectVersion
}

export type Judge = (stored: Stored, judged: Judged) => Promise<ScanResult>

/**
 * Turns clamd's verdict into ours: clean only when nothing in the content was hidden from clamd. The look into archives goes on while
 * clamd scans, and takes a fraction of its time.
 */
export function createJudge(connection: Connection, limits: ArchiveLimits): Judge {
  const inspect = async (reader: ArchiveReader, { walked, signal }: Pick<Judged, 'walked' | 'signal'>) =>
    await ask(inspectArchive(reader, limits, { isWalked: await walked, signal }))

  return async (stored, { scanned, walked, signal }) => {
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const inspecting = inspect(archiveReader(connection, stored, either), { walked, signal: either })
    inspecting.catch(() => {})
    try {
      const verdict = await scanned
      if (verdict.verdict !== 'clean') return verdict
      const inspection = await inspecting
      if (inspection.ok) return verdict
      const { reason, detail } = inspection
      return { ...verdict, verdict: 'unscannable', reason, detail }
    } finally {
      stop.abort()
    }
  }
}

/** The outcome of an upload: what may be done with its content follows from the verdict. */
export function accepted(connection: Connection, content: Content, result: ScanResult): Accepted {
  const { verdict } = result
  if (verdict === 'clean') return clean(connection, { ...content, verdict: { ...result, verdict } })
  return { ...content, pending: false, verdict: { ...result, verdict } }
}

/**
 * The order in `promote` is safe against a crash at any line: before the copy, `resume` scans again; after it, `promote` and `resume` find
 * the object at its target; what stays in quarantine then is known to no pending row and goes with `sweepQuarantine`.
 */
export function clean(connection: Connection, found: Content & { verdict: CleanResult }): Clean {
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
