import type { Database } from '@slipway/db'
import type { Assembler, ScanGate, Storage } from '@slipway/storage'
import type { Downloads } from './domain/downloads.ts'
import type { Quota } from './domain/quota.ts'
import type { ReadCounter } from './domain/read-counter.ts'
import type { Rescans } from './domain/rescans.ts'
import type { UploadLocks } from './domain/resumable-lock.ts'
import type { RetentionLimits } from './domain/retention.ts'
import type { Settler } from './domain/settler.ts'

export interface FilesLimits {
  /** Bytes of one file at most. */
  fileBytes: number
  /** Up to this size the answer waits for the verdict. */
  syncBytes: number
  quota: Quota
  retention: RetentionLimits
  quarantineDays: number
  /** How long a resumable upload may take. */
  resumableHours: number
}

/** What handlers and processors work with. */
export interface FilesContext {
  /** The runtime role: one tenant at a time. */
  readonly database: Database
  /** The system role: finds out whose work there is; the work itself is done as the tenant. */
  readonly system: Database
  readonly storage: Storage
  readonly gate: ScanGate
  /** Puts uploads together that come in several requests. */
  readonly assembler: Assembler
  readonly uploadLocks: UploadLocks
  readonly limits: FilesLimits
  readonly settler: Settler
  readonly downloads: Downloads
  readonly reads: ReadCounter
  readonly rescans: Rescans
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
