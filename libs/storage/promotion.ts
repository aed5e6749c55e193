import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import type { Connection } from './connection.ts'
import { ask } from './error.ts'
import type { QuarantineRef, StoredObject } from './object.ts'
import { headObject, type ObjectHead } from './reading.ts'

/** Most that S3 copies in one request, and in one part. */
const largestCopy = 5 * 1024 ** 3

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
  const copy = quarantine.size > (promotion.copyBytes ?? largestCopy) ? copyParts : copyWhole
  const failure = await ask(copy(connection, promotion)).catch((error: unknown) => error)
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

/** What both kinds of copy say of the new object. The verdict stays with it, so that a crash after the copy loses nothing. */
function destination(connection: Connection, { quarantine, sha256, verdict, contentType }: Promotion) {
  return {
    Bucket: connection.bucket(quarantine.target.bucket),
    Key: quarantine.target.key,
    ContentType: contentType ?? 'application/octet-stream',
    Metadata: { sha256, 'scan-engine': verdict.engine, 'scan-database': verdict.database, 'scan-reply': verdict.raw },
  }
}

function source(connection: Connection, { quarantine }: Promotion) {
  const key = quarantine.key.split('/').map(encodeURIComponent).join('/')
  return { CopySource: `${connection.bucket(quarantine.bucket)}/${key}`, CopySourceIfMatch: quarantine.etag }
}

async function copyWhole(connection: Connection, promotion: Promotion): Promise<void> {
  const command = { ...destination(connection, promotion), ...source(connection, promotion), MetadataDirective: 'REPLACE' as const }
  await connection.client.send(new CopyObjectCommand(command))
}

async function copyParts(connection: Connection, promotion: Promotion): Promise<void> {
  const { client } = connection
  const made = destination(connection, promotion)
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(made))
  const upload = { Bucket: made.Bucket, Key: made.Key, UploadId }
  try {
    const Parts: CompletedPart[] = []
    for (const CopySourceRange of partRanges(promotion.quarantine.size, promotion.copyBytes ?? largestCopy)) {
      const PartNumber = Parts.length + 1
      const command = new UploadPartCopyCommand({ ...upload, ...source(connection, promotion), PartNumber, CopySourceRange })
      const { CopyPartResult } = await client.send(command)
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag })
    }
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => {})
    throw error
  }
}

function* partRanges(size: number, length: number): Generator<string> {
  for (let start = 0; start < size; start += length) yield `bytes=${start}-${Math.min(start + length, size) - 1}`
}
