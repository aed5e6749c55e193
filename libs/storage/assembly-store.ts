import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { isProblem, problem } from '@slipway/problem'
import type { Assembly, AssemblyPart, AssemblyRest } from './assembly.ts'
import { type Connection, quarantineBucket } from './connection.ts'
import { ask, isMissing } from './error.ts'
import type { ObjectRef } from './object.ts'
import { headObject, readBytes, readObject } from './reading.ts'
import { headBytes } from './receive.ts'
import { removeObject } from './storage.ts'

type Upload = NonNullable<Assembly['upload']>

/** What an assembly asks of S3. Every key is written once, so that a late writer can harm nobody. */
export type AssemblyStore = ReturnType<typeof assemblyStore>

export function assemblyStore(connection: Connection, signal?: AbortSignal) {
  const { client } = connection
  const Bucket = connection.bucket(quarantineBucket)
  const options = signal ? { abortSignal: signal } : {}
  const remove = (rests: readonly Pick<AssemblyRest, 'key'>[]) =>
    Promise.allSettled(rests.map(({ key }) => removeObject(connection, { bucket: quarantineBucket, key })))
  return {
    async put(Key: string, Body: Buffer): Promise<string> {
      const { ETag } = await ask(client.send(new PutObjectCommand({ Bucket, Key, Body }), options))
      return ETag ?? ''
    },
    /** Not aborted half-way: an upload whose id never arrives stays open until the sweeper comes. */
    async begin(Key: string): Promise<Upload> {
      signal?.throwIfAborted()
      const { UploadId } = await ask(client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' })))
      if (!UploadId) throw problem('storage.unavailable', { cause: new Error('the store gave no id for an upload') })
      return { id: UploadId, key: Key }
    },
    async send({ id, key }: Upload, { number, bytes }: { number: number; bytes: Buffer }): Promise<AssemblyPart> {
      const command = new UploadPartCommand({ Bucket, Key: key, UploadId: id, PartNumber: number, Body: bytes })
      const { ETag, ChecksumCRC32 } = await ask(client.send(command, options).catch(rethrowDropped))
      return { number, size: bytes.length, etag: ETag ?? '', checksum: ChecksumCRC32 ?? null }
    },
    /** Joined before and not heard of: then the upload is gone and the object is there. */
    async join({ id, key }: Upload, parts: readonly AssemblyPart[]): Promise<string> {
      const Parts = parts.map(({ number, etag, checksum }) => ({
        PartNumber: number,
        ETag: etag,
        ...(checksum ? { ChecksumCRC32: checksum } : {}),
      }))
      const command = new CompleteMultipartUploadCommand({ Bucket, Key: key, UploadId: id, MultipartUpload: { Parts } })
      const joined = ask(client.send(command, options).catch(rethrowDropped))
      try {
        return (await joined).ETag ?? ''
      } catch (error) {
        if (!isProblem(error, 'resource.gone')) throw error
        const earlier = await headObject(connection, { bucket: quarantineBucket, key })
        if (earlier?.size !== parts.reduce((sum, { size }) => sum + size, 0)) throw error
        return earlier.etag
      }
    },
    /** Into the beginning of `bytes`. */
    async fetch(rests: readonly AssemblyRest[], bytes: Buffer): Promise<void> {
      let place = 0
      for (const { key, size } of rests) {
        const end = place + size
        const { stream } = await readObject(connection, { bucket: quarantineBucket, key }, signal ? { signal } : {}).catch(rethrowDropped)
        for await (const chunk of stream) place += (chunk as Buffer).copy(bytes, place, 0, Math.min((chunk as Buffer).length, end - place))
        if (place !== end) throw dropped(new Error(`${key} has not got ${size} bytes`))
      }
    },
    async head(ref: ObjectRef & { size: number }): Promise<Buffer> {
      return ref.size === 0 ? Buffer.alloc(0) : await readBytes(connection, ref, { range: { start: 0, end: headBytes - 1 } })
    },
    remove,
    /** Never throws: what is left is for the sweepers. */
    async discard({ upload, rests }: Assembly): Promise<void> {
      await remove(rests)
      if (upload) await client.send(new AbortMultipartUploadCommand({ Bucket, Key: upload.key, UploadId: upload.id })).catch(() => {})
    },
  }
}

function rethrowDropped(error: unknown): never {
  throw isMissing(error) || isProblem(error, 'resource.not-found') ? dropped(error) : error
}

/** The store has dropped what was sent: an operator's rule, or somebody's hand. Nobody can go on. */
function dropped(cause: unknown): Error {
  return problem('resource.gone', { detail: 'the store does not have the first bytes of this upload any more: begin anew', cause })
}
