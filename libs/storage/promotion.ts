import { problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import { type Copy, copyObject } from './copy.ts'
import { ask } from './error.ts'
import type { QuarantineRef, StoredObject } from './object.ts'
import { headObject, type ObjectHead } from './reading.ts'

/** A verdict that opens the way into a readable bucket. */
export type CleanResult = ScanResult & { readonly verdict: 'clean' }

export interface Promotion {
  quarantine: QuarantineRef
  sha256: string
  verdict: CleanResult
  contentType?: string
  /** For tests: the size from which parts are copied, and the size of the parts. */
  copyBytes?: number
}

/**
 * Copies an object inside the store from quarantine to its target: the very object that was scanned (its ETag is a condition), once (an
 * equal object at the target is the one of an earlier try).
 */
export async function promote(connection: Connection, promotion: Promotion): Promise<StoredObject> {
  const { quarantine, sha256 } = promotion
  const earlier = await headObject(connection, quarantine.target)
  if (earlier) return storedObject(quarantine, earlier, sha256)
  const failure = await ask(copyObject(connection, copyOf(promotion))).catch((error: unknown) => error)
  // Also after a failure: another process may have promoted it at the same time and removed the source.
  const head = await headObject(connection, quarantine.target)
  if (head) return storedObject(quarantine, head, sha256)
  throw failure ?? problem('storage.unavailable', { cause: new Error(`${quarantine.target.key} is not there after its copy`) })
}

function storedObject({ target, size }: QuarantineRef, head: ObjectHead, sha256: string): StoredObject {
  if (head.size !== size || head.metadata.sha256 !== sha256) {
    throw problem('resource.conflict', { detail: 'other content is already stored in this place' })
  }
  return { bucket: target.bucket, key: target.key, size, etag: head.etag, contentType: head.contentType, sha256 }
}

/** The verdict stays with the new object, so that a crash after the copy loses nothing. */
function copyOf({ quarantine, sha256, verdict, contentType, copyBytes }: Promotion): Copy {
  return {
    from: quarantine,
    to: quarantine.target,
    contentType: contentType ?? 'application/octet-stream',
    metadata: { sha256, 'scan-engine': verdict.engine, 'scan-database': verdict.database, 'scan-reply': verdict.raw },
    ...(copyBytes === undefined ? {} : { copyBytes }),
  }
}
