import { deepStrictEqual, strictEqual } from 'node:assert'
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { checksumOf } from './checksum.ts'

export interface Probing {
  readonly client: S3Client
  readonly Bucket: string
  readonly prefix: string
}

/** The smallest part but the last (S3's limit). */
const partBytes = 5 * 1_048_576

/** The sweeper of uploads that nobody ends counts on it. */
export const listsOpenUploads = 'open uploads are listed by what their keys begin with'

/** What is needed of the store, by the name under which it is reported. */
export const checks: Readonly<Record<string, (probing: Probing) => Promise<void>>> = {
  'put, head and get with metadata': async (probing) => {
    await put(probing, 'plain', 'hello')
    const { client, Bucket, prefix } = probing
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: `${prefix}plain` }))
    deepStrictEqual([head.ContentLength, head.ContentType, head.Metadata], [5, 'text/plain', { probe: 'yes' }])
    strictEqual(await get(probing, 'plain'), 'hello')
  },
  'objects of zero bytes': async (probing) => {
    await put(probing, 'empty', '')
    strictEqual(await get(probing, 'empty'), '')
  },
  'a missing object is 404': async (probing) => await refused(404, get(probing, 'missing')),
  'ranges, and 416 outside of them': async (probing) => {
    strictEqual(await get(probing, 'plain', { Range: 'bytes=1-2' }), 'el')
    strictEqual(await get(probing, 'plain', { Range: 'bytes=-2' }), 'lo')
    await refused(416, get(probing, 'plain', { Range: 'bytes=9-10' }))
  },
  'get with If-Match': async (probing) => await refused(412, get(probing, 'plain', { IfMatch: '"0"' })),
  'copy with new metadata, on condition': async (probing) => {
    const { ETag } = await put(probing, 'source', 'copied')
    await copy(probing, { to: 'copy', ETag })
    strictEqual(await get(probing, 'copy'), 'copied')
    await refused(412, copy(probing, { to: 'other', ETag: '"0"' }))
  },
  // Uploads in one request.
  'multipart upload': async (probing) => {
    const upload = await begin(probing, 'parts', 'SHA256')
    const send = async (PartNumber: number, Body: Buffer) => {
      const part = { PartNumber, Body, ChecksumSHA256: checksumOf(Body) }
      const { ETag, ChecksumSHA256 } = await probing.client.send(new UploadPartCommand({ ...upload, ...part }))
      return { PartNumber, ETag, ChecksumSHA256 }
    }
    const Parts = [await send(1, Buffer.alloc(partBytes, 1)), await send(2, Buffer.from('end'))]
    await probing.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    strictEqual(await get(probing, 'parts', { Range: `bytes=${partBytes - 1}-` }), '\x01end')
  },
  // Uploads in several requests.
  'multipart upload with CRC-32': async (probing) => {
    const upload = await begin(probing, 'crc')
    const part = { PartNumber: 1, Body: Buffer.from('end') }
    const { ETag, ChecksumCRC32 } = await probing.client.send(new UploadPartCommand({ ...upload, ...part }))
    const Parts = [{ PartNumber: 1, ETag, ChecksumCRC32 }]
    await probing.client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    strictEqual(await get(probing, 'crc'), 'end')
  },
  'copy of parts': async (probing) => {
    const { client, Bucket, prefix } = probing
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: `${prefix}assembled` }))
    const upload = { Bucket, Key: `${prefix}assembled`, UploadId }
    const source = { CopySource: `${Bucket}/${prefix}parts`, CopySourceRange: `bytes=0-${partBytes - 1}` }
    const { CopyPartResult } = await client.send(new UploadPartCopyCommand({ ...upload, ...source, PartNumber: 1 }))
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }))
    strictEqual((await client.send(new HeadObjectCommand({ Bucket, Key: upload.Key }))).ContentLength, partBytes)
  },
  'open uploads can be aborted': async (probing) => {
    const upload = await begin(probing, 'aborted')
    deepStrictEqual(await openUploads(probing, 'aborted'), [upload.Key])
    await probing.client.send(new AbortMultipartUploadCommand(upload))
    deepStrictEqual(await openUploads(probing, 'aborted'), [])
  },
  'a wrong checksum is refused': async ({ client, Bucket, prefix }) => {
    const wrong = { Bucket, Key: `${prefix}wrong`, Body: Buffer.from('hello') }
    await refused(400, client.send(new PutObjectCommand({ ...wrong, ChecksumCRC32: 'AAAAAA==' })))
    await refused(400, client.send(new PutObjectCommand({ ...wrong, ChecksumSHA256: checksumOf(Buffer.from('hallo')) })))
    const checksums = { SHA256: { ChecksumSHA256: checksumOf(Buffer.from('hallo')) }, CRC32: { ChecksumCRC32: 'AAAAAA==' } } as const
    for (const algorithm of ['SHA256', 'CRC32'] as const) {
      const upload = await begin({ client, Bucket, prefix }, 'wrong-part', algorithm)
      const part = { ...upload, PartNumber: 1, Body: Buffer.from('hello'), ...checksums[algorithm] }
      await refused(400, client.send(new UploadPartCommand(part)))
      await client.send(new AbortMultipartUploadCommand(upload))
    }
  },
  'lists in pages, deletes in batches': async (probing) => {
    const { client, Bucket, prefix } = probing
    for (const name of ['a', 'b', 'c']) await put(probing, `list/${name}`, name)
    const Prefix = `${prefix}list/`
    const first = await client.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 2 }))
    const rest = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: first.NextContinuationToken }))
    const Objects = [...(first.Contents ?? []), ...(rest.Contents ?? [])].map(({ Key }) => ({ Key }))
    strictEqual(Objects.length, 3)
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    strictEqual((await client.send(new ListObjectsV2Command({ Bucket, Prefix }))).KeyCount, 0)
  },
}

/** What one can do without, by the name under which it is reported. */
export const wishes: typeof checks = {
  // MinIO finds them by their whole key only.
  [listsOpenUploads]: async (probing) => {
    const upload = await begin(probing, 'open')
    const listed = await openUploads(probing)
    await probing.client.send(new AbortMultipartUploadCommand(upload))
    deepStrictEqual(listed, [upload.Key])
  },
}

function put({ client, Bucket, prefix }: Probing, name: string, Body: string) {
  const object = { Bucket, Key: prefix + name, Body: Buffer.from(Body), ContentType: 'text/plain', Metadata: { probe: 'yes' } }
  return client.send(new PutObjectCommand(object))
}

async function get({ client, Bucket, prefix }: Probing, name: string, options: { Range?: string; IfMatch?: string } = {}) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + name, ...options }))
  return await Body?.transformToString()
}

function copy({ client, Bucket, prefix }: Probing, { to, ETag }: { to: string; ETag: string | undefined }) {
  const source = { CopySource: `${Bucket}/${prefix}source`, CopySourceIfMatch: ETag }
  return client.send(
    new CopyObjectCommand({ Bucket, Key: prefix + to, ...source, MetadataDirective: 'REPLACE', Metadata: { probe: 'copy' } }),
  )
}

async function begin({ client, Bucket, prefix }: Probing, name: string, ChecksumAlgorithm: ChecksumAlgorithm = 'CRC32') {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: prefix + name, ChecksumAlgorithm }))
  return { Bucket, Key: prefix + name, UploadId }
}

async function openUploads({ client, Bucket, prefix }: Probing, name = ''): Promise<(string | undefined)[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix + name }))
  return Uploads.map(({ Key }) => Key)
}

/** Passes when the store says no, and in this way. */
async function refused(status: number, answer: Promise<unknown>): Promise<void> {
  const outcome = await answer.catch((error: unknown) => error)
  const actual = outcome instanceof S3ServiceException ? outcome.$metadata.httpStatusCode : 'success'
  strictEqual(actual, status)
}
