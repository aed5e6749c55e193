import { paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { hasBucket } from './buckets.ts'
import { quarantineBucket } from './connection.ts'
import { ask } from './error.ts'
import type { ObjectRef } from './object.ts'
import { connectionOf, type Storage } from './storage.ts'
import { type Digest, uploadStream } from './stream-upload.ts'

export interface ListedObject {
  readonly key: string
  readonly size: number
  readonly etag: string
}

/** The objects of a readable bucket, in pages of at most 1000. */
export async function* listObjects(storage: Storage, bucket: string): AsyncGenerator<ListedObject[]> {
  if (bucket === quarantineBucket) throw new TypeError('quarantine is not readable')
  const { client, bucket: nameOf } = connectionOf(storage)
  const pages = paginateListObjectsV2({ client, pageSize: 1000 }, { Bucket: nameOf(bucket) })
  for (let page = (await ask(pages.next())).value; page !== undefined; page = (await ask(pages.next())).value) {
    yield (page.Contents ?? []).flatMap(({ Key, Size = 0, ETag = '' }) => (Key === undefined ? [] : [{ key: Key, size: Size, etag: ETag }]))
  }
}

/** Those of these buckets that are there. */
export async function existingBuckets(storage: Storage, names: readonly string[]): Promise<string[]> {
  const there = await Promise.all(names.map((name) => hasBucket(connectionOf(storage), name)))
  return names.filter((_, index) => there[index])
}

export interface CopiedObject extends ObjectRef, Digest {
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * The only way into a readable bucket beside the scan gate: an object that had passed it comes back, from a copy whose digest must be the
 * one that was written down when the copy was made.
 * @throws `DigestError`; the bucket is as it was before
 */
export async function bringBack(storage: Storage, object: CopiedObject, source: AsyncIterable<Uint8Array>): Promise<void> {
  if (object.bucket === quarantineBucket) throw new TypeError('nothing is brought back into quarantine')
  const { bucket, key, size, sha256, contentType, metadata } = object
  await uploadStream(connectionOf(storage), { bucket, key, source }, { expected: { size, sha256 }, contentType, metadata })
}
