import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand } from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import { ask, isMissing, storageProblem } from './error.ts'
import { type ObjectRef, type ReadOptions, rangeHeader } from './object.ts'

export interface ObjectHead {
  readonly size: number
  readonly etag: string
  readonly contentType: string
  readonly lastModified: Date | undefined
  readonly metadata: Readonly<Record<string, string>>
}

export interface ObjectContent {
  /** Destroy it when it is not read to the end: it holds a connection. Fails with `storage.unavailable` when that breaks. */
  readonly stream: Readable
  /** Of the whole object, also when a range was asked for. */
  readonly size: number
  readonly etag: string
  readonly contentType: string
  /** The bytes that `stream` gives, inclusive; absent when it gives all. */
  readonly range?: { readonly start: number; readonly end: number }
}

const unknownType = 'application/octet-stream'

export async function readObject(connection: Connection, ref: ObjectRef, options: ReadOptions = {}): Promise<ObjectContent> {
  const { range, ifMatch, signal } = options
  const command = new GetObjectCommand({
    Bucket: connection.bucket(ref.bucket),
    Key: ref.key,
    ...(range ? { Range: rangeHeader(range) } : {}),
    ...(ifMatch ? { IfMatch: ifMatch } : {}),
  })
  return content(await ask(connection.client.send(command, signal ? { abortSignal: signal } : {})))
}

function content(output: GetObjectCommandOutput): ObjectContent {
  const stream = output.Body instanceof Readable ? asStorage(output.Body) : Readable.from([])
  const common = { stream, etag: output.ETag ?? '', contentType: output.ContentType ?? unknownType }
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(output.ContentRange ?? '')
  if (!range) return { ...common, size: output.ContentLength ?? 0 }
  return { ...common, size: Number(range[3]), range: { start: Number(range[1]), end: Number(range[2]) } }
}

/** A connection that breaks in the middle of a content is a failure of the store, as it is before its beginning. */
function asStorage(stream: Readable): Readable {
  const destroy = stream.destroy.bind(stream)
  stream.destroy = (error) => destroy(isBroken(error) ? (storageProblem(error) as Error) : error)
  return stream
}

function isBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

/** A few bytes of an object, in memory. */
export async function readBytes(connection: Connection, ref: ObjectRef, options: ReadOptions): Promise<Buffer> {
  const { stream } = await readObject(connection, ref, options)
  return await ask(buffer(stream))
}

/** What is known of an object without reading it; undefined when there is none. */
export async function headObject(connection: Connection, ref: ObjectRef): Promise<ObjectHead | undefined> {
  const command = new HeadObjectCommand({ Bucket: connection.bucket(ref.bucket), Key: ref.key })
  try {
    const output = await connection.client.send(command)
    return {
      size: output.ContentLength ?? 0,
      etag: output.ETag ?? '',
      contentType: output.ContentType ?? unknownType,
      lastModified: output.LastModified,
      metadata: output.Metadata ?? {},
    }
  } catch (error) {
    if (isMissing(error)) return undefined
    return await ask(Promise.reject(error))
  }
}
