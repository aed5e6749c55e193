import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { problem } from '@slipway/problem'
import { ensureBuckets, hasBucket } from './buckets.ts'
import { type Connection, connect, quarantineBucket, type StorageOptions } from './connection.ts'
import { type BucketDiagnosis, diagnoseBucket } from './diagnosis.ts'
import { ask } from './error.ts'
import type { ObjectRef, ReadOptions } from './object.ts'
import { type ProbeReport, probe } from './probe.ts'
import { headObject, type ObjectContent, type ObjectHead, readObject } from './reading.ts'

/** Object storage for everybody: reads, removes, and no way to write. What is to be stored goes through the scan gate. */
export interface Storage extends AsyncDisposable {
  /** Creates what is missing of these and of `quarantine`; gives the names of those it made. */
  ensureBuckets(names: readonly string[]): Promise<string[]>
  /**
   * Never reads from quarantine.
   * @throws `resource.not-found`, `precondition.failed`, `range.not-satisfiable`, `storage.unavailable`
   */
  read(ref: ObjectRef, options?: ReadOptions): Promise<ObjectContent>
  /** Undefined when there is no such object. */
  head(ref: ObjectRef): Promise<ObjectHead | undefined>
  /** Also fine when there is no such object. */
  remove(ref: ObjectRef): Promise<void>
  /** Resolves when the quarantine bucket can be reached with these credentials. */
  ready(signal?: AbortSignal): Promise<void>
  /** Tries what this code base needs of S3, in quarantine unless told otherwise, cleans up, and says check by check what works. */
  probe(bucket?: string): Promise<ProbeReport>
  /**
   * Why a bucket cannot be used, if it cannot. Writes one small object into it and removes that.
   * @throws `storage.unavailable` when there is no answer
   */
  diagnose(bucket: string): Promise<BucketDiagnosis>
}

const connections = new WeakMap<Storage, Connection>()

/** The way from a `Storage` to its client, for the modules of this package only. */
export function connectionOf(storage: Storage): Connection {
  const connection = connections.get(storage)
  if (!connection) throw new TypeError('this Storage was not made by createStorage')
  return connection
}

export function createStorage(options: StorageOptions): Storage {
  const connection = connect(options)
  const storage: Storage = {
    ensureBuckets: (names) => ensureBuckets(connection, [quarantineBucket, ...names]),
    async read(ref, readOptions) {
      if (ref.bucket === quarantineBucket) throw new TypeError('quarantine is not readable')
      return await readObject(connection, ref, readOptions)
    },
    head: (ref) => headObject(connection, ref),
    remove: (ref) => removeObject(connection, ref),
    async ready(signal) {
      if (!(await hasBucket(connection, quarantineBucket, signal))) {
        throw problem('storage.unavailable', { cause: new Error(`bucket ${connection.bucket(quarantineBucket)} does not exist`) })
      }
    },
    probe: (bucket = quarantineBucket) => probe(connection, bucket),
    diagnose: (bucket) => diagnoseBucket(connection, bucket),
    async [Symbol.asyncDispose]() {
      connection.client.destroy()
    },
  }
  connections.set(storage, connection)
  return storage
}

export async function removeObject(connection: Connection, ref: ObjectRef): Promise<void> {
  await ask(connection.client.send(new DeleteObjectCommand({ Bucket: connection.bucket(ref.bucket), Key: ref.key })))
}
