import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { checksumFromHex, checksumOf } from './checksum.ts'
import type { Connection } from './connection.ts'
import { ask } from './error.ts'
import type { ObjectRef } from './object.ts'

/** S3 takes at most so many parts of one object. */
const mostParts = 10_000
const leastPartBytes = 8 * 1_048_576

export interface Digest {
  readonly size: number
  /** In hex. */
  readonly sha256: string
}

export interface StreamUploadOptions {
  /** Where known, parts are made large enough for it; without it an object may have 78 GiB. */
  size?: number
  /** What the bytes have to be: other bytes leave no object behind, and the target stays as it was. */
  expected?: Digest
  contentType?: string
  metadata?: Readonly<Record<string, string>>
}

/** The bytes are not those that were announced. */
export class DigestError extends Error {
  override readonly name = 'DigestError'
  readonly actual: Digest

  constructor(ref: ObjectRef, expected: Digest, actual: Digest) {
    super(`${ref.bucket}/${ref.key} has ${actual.size} bytes with SHA-256 ${actual.sha256}: expected were ${describe(expected)}`)
    this.actual = actual
  }
}

function describe({ size, sha256 }: Digest): string {
  return `${size} bytes with ${sha256}`
}

interface Upload {
  readonly connection: Connection
  readonly target: { readonly Bucket: string; readonly Key: string }
  readonly about: { readonly ContentType: string; readonly Metadata: Record<string, string> }
}

/**
 * Puts a stream into an object at the pace of the store, hashing it on its way. The object appears whole or not at all; memory for two
 * parts is used.
 * @throws `DigestError`, or what the source or the store failed with
 */
export async function uploadStream(
  connection: Connection,
  ref: ObjectRef & { source: AsyncIterable<Uint8Array> },
  options: StreamUploadOptions = {},
): Promise<Digest> {
  const { contentType = 'application/octet-stream', metadata = {} } = options
  const target = { Bucket: connection.bucket(ref.bucket), Key: ref.key }
  const upload = { connection, target, about: { ContentType: contentType, Metadata: { ...metadata } } }
  const parts = partsOf(ref.source, partBytesFor(options.expected?.size ?? options.size ?? 0))
  const check = (actual: Digest) => {
    const { expected } = options
    if (expected && (expected.sha256 !== actual.sha256 || expected.size !== actual.size)) throw new DigestError(ref, expected, actual)
    return actual
  }
  const first = await parts.next()
  if (first.value.last) {
    const digest = check(first.value.digest)
    const whole = { Body: first.value.bytes, ChecksumSHA256: checksumFromHex(digest.sha256) }
    await ask(connection.client.send(new PutObjectCommand({ ...target, ...upload.about, ...whole })))
    return digest
  }
  return uploadParts(upload, { first: first.value.bytes, rest: parts, check })
}

export function partBytesFor(size: number): number {
  return Math.max(leastPartBytes, Math.ceil(size / mostParts))
}

type Piece = { readonly bytes: Buffer } & ({ readonly last: false } | { readonly last: true; readonly digest: Digest })

/** The stream in pieces of equal size, of which the last one comes with the digest of all. */
async function* partsOf(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Piece, never> {
  const hash = createHash('sha256')
  let chunks: Uint8Array[] = []
  let filled = 0
  let size = 0
  for await (const data of source) {
    hash.update(data)
    size += data.length
    for (let rest = data; rest.length > 0; ) {
      if (filled === bytes) {
        yield { bytes: Buffer.concat(chunks), last: false }
        chunks = []
        filled = 0
      }
      const taken = rest.subarray(0, bytes - filled)
      chunks.push(taken)
      filled += taken.length
      rest = rest.subarray(taken.length)
    }
  }
  yield { bytes: Buffer.concat(chunks), last: true, digest: { size, sha256: hash.digest('hex') } }
  throw new TypeError('there is nothing after the last piece')
}

interface Pieces {
  first: Buffer
  rest: AsyncGenerator<Piece, never>
  check: (actual: Digest) => Digest
}

async function uploadParts(upload: Upload, { first, rest, check }: Pieces): Promise<Digest> {
  const { target, about } = upload
  const { client } = upload.connection
  const begin = new CreateMultipartUploadCommand({ ...target, ...about, ChecksumAlgorithm: 'SHA256' })
  const { UploadId } = await ask(client.send(begin))
  const parts: CompletedPart[] = []
  let sending: Promise<void> | undefined
  const send = async (Body: Buffer) => {
    const PartNumber = parts.length + 1
    const part = { Body, ChecksumSHA256: checksumOf(Body) }
    const { ETag, ChecksumSHA256 } = await ask(client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, ...part })))
    parts.push({ PartNumber, ETag, ChecksumSHA256 })
  }
  try {
    for (let piece: Piece = { bytes: first, last: false }; ; piece = (await rest.next()).value) {
      await sending
      sending = send(piece.bytes)
      sending.catch(() => undefined)
      if (!piece.last) continue
      await sending
      const digest = check(piece.digest)
      await ask(client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } })))
      return digest
    }
  } catch (error) {
    await sending?.catch(() => undefined)
    // What cannot be ended now is ended by whoever sweeps open uploads.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined)
    throw error
  }
}
