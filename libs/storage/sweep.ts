import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3'
import { type Connection, quarantineBucket } from './connection.ts'
import { ask, isMissing } from './error.ts'
import { connectionOf, type Storage } from './storage.ts'

export interface SweepOptions {
  /** Only what is older; has to be well above the longest upload and its transaction. */
  olderThan: Date
  /** Which of these keys (at most 1000) rows still refer to. All others are removed. */
  isKnown(keys: string[]): Promise<ReadonlySet<string>>
  signal?: AbortSignal
}

export interface SweepReport {
  readonly seen: number
  readonly removed: number
}

/** Removes what uploads left in quarantine when their process ended before their row was written, or after their promotion. */
export function sweepQuarantine(storage: Storage, options: SweepOptions): Promise<SweepReport> {
  return sweepBucket(storage, quarantineBucket, options)
}

/** Removes promoted objects whose row was never written. The names in `isKnown` are the keys in that bucket. */
export async function sweepBucket(storage: Storage, bucket: string, options: SweepOptions): Promise<SweepReport> {
  const { client, bucket: nameOf } = connectionOf(storage)
  const Bucket = nameOf(bucket)
  let seen = 0
  let removed = 0
  for await (const page of paginateListObjectsV2({ client, pageSize: 1000 }, { Bucket })) {
    options.signal?.throwIfAborted()
    const old = (page.Contents ?? []).flatMap(({ Key, LastModified }) =>
      Key && LastModified && LastModified < options.olderThan ? [Key] : [],
    )
    if (old.length === 0) continue
    const known = await options.isKnown(old)
    const Objects = old.filter((key) => !known.has(key)).map((Key) => ({ Key }))
    seen += old.length
    if (Objects.length === 0) continue
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }))
    removed += Objects.length - Errors.length
  }
  return { seen, removed }
}

/** Ends multipart uploads that nobody will: their parts are stored and paid for, and no listing of objects shows them. */
export async function abortOpenUploads(
  storage: Storage,
  options: { olderThan: Date; buckets?: readonly string[]; isKnown?: SweepOptions['isKnown']; dryRun?: boolean },
): Promise<number> {
  const connection = connectionOf(storage)
  let aborted = 0
  for (const bucket of new Set([quarantineBucket, ...(options.buckets ?? [])])) aborted += await abortIn(connection, { ...options, bucket })
  return aborted
}

const nothing: ReadonlySet<string> = new Set()

interface OldUploads {
  readonly bucket: string
  readonly prefix?: string
  readonly olderThan: Date
  /** Which of these keys rows still refer to: their uploads go on. */
  readonly isKnown?: SweepOptions['isKnown'] | undefined
  /** Only counts. */
  readonly dryRun?: boolean
}

export async function abortIn({ client, bucket: nameOf }: Connection, options: OldUploads): Promise<number> {
  const { bucket, prefix = '', olderThan, isKnown, dryRun = false } = options
  const Bucket = nameOf(bucket)
  let aborted = 0
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (marker) {
    const page: ListMultipartUploadsCommandOutput = await ask(
      client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...marker })),
    )
    const old = (page.Uploads ?? []).filter(({ Initiated }) => Initiated && Initiated < olderThan)
    const known = old.length > 0 && isKnown ? await isKnown(old.flatMap(({ Key }) => Key ?? [])) : nothing
    for (const { Key, UploadId } of old) {
      if (Key && known.has(Key)) continue
      aborted++
      if (dryRun) continue
      // One that has just been completed is gone as well.
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId })).catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page
    marker =
      IsTruncated && NextKeyMarker
        ? { KeyMarker: NextKeyMarker, ...(NextUploadIdMarker ? { UploadIdMarker: NextUploadIdMarker } : {}) }
        : undefined
  }
  return aborted
}
