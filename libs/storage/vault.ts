import { type _Object, DeleteObjectsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3'
import { ensureBuckets, hasBucket } from './buckets.ts'
import { connect, type StorageOptions } from './connection.ts'
import { ask, storageProblem } from './error.ts'
import { headObject, type ObjectContent, type ObjectHead, readObject } from './reading.ts'
import { type Digest, type StreamUploadOptions, uploadStream } from './stream-upload.ts'
import { abortIn } from './sweep.ts'

export interface VaultOptions extends Omit<StorageOptions, 'bucketPrefix'> {
  /** Full name of the bucket. */
  bucket: string
}

export interface VaultObject {
  readonly key: string
  readonly size: number
  readonly lastModified: Date
}

/** The one bucket that backups lie in. It is written by whoever has it, and read by nobody else. */
export interface Vault extends AsyncDisposable {
  readonly bucket: string
  exists(): Promise<boolean>
  ensure(): Promise<void>
  /** The object appears whole or not at all. */
  put(key: string, source: AsyncIterable<Uint8Array>, options?: StreamUploadOptions): Promise<Digest>
  /** @throws `resource.not-found`, `storage.unavailable` */
  read(key: string): Promise<ObjectContent>
  head(key: string): Promise<ObjectHead | undefined>
  /** In pages of at most 1000, in the order of the keys. */
  list(prefix: string): AsyncGenerator<VaultObject[]>
  remove(keys: readonly string[]): Promise<void>
  /** Ends uploads that nobody will. @returns how many */
  abortUploads(options: { prefix: string; olderThan: Date }): Promise<number>
}

/** Nobody waits for a backup: a store that pauses must not end one that has been going on for hours. */
const outageMilliseconds = 120_000

export function openVault({ bucket, ...options }: VaultOptions): Vault {
  const connection = connect({ ...options, bucketPrefix: '' }, { home: bucket, patience: { silence: outageMilliseconds } })
  const { client } = connection
  return {
    bucket,
    exists: () => hasBucket(connection, bucket),
    ensure: async () => void (await ensureBuckets(connection, [bucket])),
    put: (key, source, options) => uploadStream(connection, { bucket, key, source }, options),
    read: (key) => readObject(connection, { bucket, key }),
    head: (key) => headObject(connection, { bucket, key }),
    async *list(prefix) {
      const pages = paginateListObjectsV2({ client, pageSize: 1000 }, { Bucket: bucket, Prefix: prefix })
      const pageOf = async () => (await ask(pages.next())).value
      for (let page = await pageOf(); page !== undefined; page = await pageOf()) yield (page.Contents ?? []).map(vaultObject)
    },
    async remove(keys) {
      for (let from = 0; from < keys.length; from += 1000) {
        const Objects = keys.slice(from, from + 1000).map((Key) => ({ Key }))
        const { Errors = [] } = await ask(client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })))
        if (Errors.length > 0) throw storageProblem(new Error(`${Errors[0]?.Key} cannot be removed: ${Errors[0]?.Message}`))
      }
    },
    abortUploads: ({ prefix, olderThan }) => abortIn(connection, { bucket, prefix, olderThan }),
    async [Symbol.asyncDispose]() {
      client.destroy()
    },
  }
}

function vaultObject({ Key = '', Size = 0, LastModified = new Date(0) }: _Object): VaultObject {
  return { key: Key, size: Size, lastModified: LastModified }
}
