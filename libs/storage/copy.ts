import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { Connection } from './connection.ts'
import type { ObjectRef, ObjectVersion } from './object.ts'

/** Most that S3 copies in one request, and in one part. */
const largestCopy = 5 * 1024 ** 3

export interface Copy {
  /** The very object that was looked at: its ETag is a condition. */
  from: ObjectVersion & { size: number }
  to: ObjectRef
  contentType: string
  metadata: Readonly<Record<string, string>>
  /** For tests: the size from which parts are copied, and the size of the parts. */
  copyBytes?: number
}

/** Copies inside the store: no byte comes here. */
export async function copyObject(connection: Connection, copy: Copy): Promise<void> {
  await (copy.from.size > (copy.copyBytes ?? largestCopy) ? copyParts : copyWhole)(connection, copy)
}

function destination(connection: Connection, { to, contentType, metadata }: Copy) {
  return { Bucket: connection.bucket(to.bucket), Key: to.key, ContentType: contentType, Metadata: { ...metadata } }
}

function source(connection: Connection, { from }: Copy) {
  const key = from.key.split('/').map(encodeURIComponent).join('/')
  return { CopySource: `${connection.bucket(from.bucket)}/${key}`, CopySourceIfMatch: from.etag }
}

async function copyWhole(connection: Connection, copy: Copy): Promise<void> {
  const command = { ...destination(connection, copy), ...source(connection, copy), MetadataDirective: 'REPLACE' as const }
  await connection.client.send(new CopyObjectCommand(command))
}

async function copyParts(connection: Connection, copy: Copy): Promise<void> {
  const { client } = connection
  const made = destination(connection, copy)
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(made))
  const upload = { Bucket: made.Bucket, Key: made.Key, UploadId }
  try {
    const Parts: CompletedPart[] = []
    for (const CopySourceRange of partRanges(copy.from.size, copy.copyBytes ?? largestCopy)) {
      const PartNumber = Parts.length + 1
      const command = new UploadPartCopyCommand({ ...upload, ...source(connection, copy), PartNumber, CopySourceRange })
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
