import { problem } from '@slipway/problem'
import { type Connection, quarantineBucket } from './connection.ts'
import { copyObject } from './copy.ts'
import { ask } from './error.ts'
import type { ObjectRef } from './object.ts'
import { headObject, type ObjectHead } from './reading.ts'

export interface Isolation {
  /** A readable object. */
  from: ObjectRef
  /** Of the copy in quarantine; always the same for the same isolation. */
  key: string
  /** For tests: the size from which parts are copied, and the size of the parts. */
  copyBytes?: number
}

/**
 * Copies a readable object into quarantine, with what was known of it, and leaves the removal to the caller: it is safe as soon as this
 * has returned. A second time finds the copy of the first.
 * @returns undefined when the object is in neither place
 */
export async function isolate(connection: Connection, { from, key, copyBytes }: Isolation): Promise<ObjectHead | undefined> {
  if (from.bucket === quarantineBucket) throw new TypeError('what is in quarantine is isolated')
  const to = { bucket: quarantineBucket, key }
  const [source, earlier] = [await headObject(connection, from), await headObject(connection, to)]
  if (!source) return earlier
  if (earlier?.size === source.size) return earlier
  const { size, etag, contentType, metadata } = source
  await ask(copyObject(connection, { from: { ...from, size, etag }, to, contentType, metadata, ...(copyBytes ? { copyBytes } : {}) }))
  const copied = await headObject(connection, to)
  if (copied?.size === size) return copied
  throw problem('storage.unavailable', { retryAfter: 5, cause: new Error(`${key} is not whole in quarantine after its copy`) })
}
