import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { checksumFromHex, checksumOf } from './checksum.ts'
import { type Connection, quarantineBucket } from './connection.ts'
import { ask } from './error.ts'
import { tenantOf } from './object.ts'
import { type Part, type PartPool, partBytes } from './part-pool.ts'

/** What a small upload costs in memory, before it takes a part. */
const firstBytes = 65_536

/** A store that has just failed, after three tries of eight seconds, is not waited for so long again. */
const standardAbortMilliseconds = 3000

interface QuarantineUploadOptions {
  key: string
  signal: AbortSignal
  /** For each of the two things that may have to be removed. */
  abortMilliseconds?: number
}

/**
 * Bytes on their way into the quarantine bucket, at the pace of the store. A small object is put whole; a large one goes in parts, one on
 * its way while the next one fills, as long as there is memory for two.
 */
export class QuarantineUpload {
  readonly #client: S3Client
  readonly #pool: PartPool
  readonly #target: { Bucket: string; Key: string }
  readonly #owner: string
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #abortMilliseconds: number
  readonly #parts: CompletedPart[] = []
  #filling: Buffer = Buffer.allocUnsafeSlow(firstBytes)
  #filled = 0
  /** The memory that is ours: the part that fills and the one on its way. */
  readonly #held: Part[] = []
  #sending: Promise<void> = Promise.resolve()
  #uploadId: string | undefined
  #finishing = false

  constructor(connection: Connection, { key, signal, abortMilliseconds = standardAbortMilliseconds }: QuarantineUploadOptions) {
    this.#client = connection.client
    this.#pool = connection.parts
    this.#target = { Bucket: connection.bucket(quarantineBucket), Key: key }
    this.#owner = tenantOf({ key })
    this.#abortMilliseconds = abortMilliseconds
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
  }

  get hasPart(): boolean {
    return this.#held.length > 0
  }

  /** Resolves when more can be taken. The chunk is copied. */
  async append(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      if (this.#filled === this.#filling.length) await this.#grow()
      const copied = chunk.copy(this.#filling, this.#filled, from)
      from += copied
      this.#filled += copied
      if (this.#filled === partBytes) await this.#flush()
    }
  }

  /** Resolves with the ETag when the object is there. `sha256`, in hex, is that of all bytes. */
  async complete(sha256: string): Promise<string> {
    await this.#sending
    if (this.#uploadId && this.#filled > 0) await this.#flush()
    await this.#sending
    this.#finishing = true
    const etag = await ask(this.#uploadId ? this.#finish() : this.#put(sha256))
    this.#release({ reuse: true })
    return etag ?? ''
  }

  /**
   * Leaves nothing behind: no object, no part, no open upload. Never throws; what it could not remove, or not soon enough, is for the sweeper:
   * whoever is to be told of the failure waits for it.
   */
  async abort(): Promise<void> {
    this.#stop.abort()
    await this.#sending.catch(() => {})
    this.#release({ reuse: false })
    const { Bucket, Key } = this.#target
    const client = this.#client
    const soon = () => ({ abortSignal: AbortSignal.timeout(this.#abortMilliseconds) })
    const UploadId = this.#uploadId
    if (UploadId) await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), soon()).catch(() => {})
    if (this.#finishing) await client.send(new DeleteObjectCommand({ Bucket, Key }), soon()).catch(() => {})
  }

  /** From the small buffer to a part. */
  async #grow(): Promise<void> {
    const part = await this.#take()
    this.#filling.copy(part.bytes)
    this.#filling = part.bytes
  }

  /** Sends what has been filled as soon as the part before it is through; the two of them take turns. */
  async #flush(): Promise<void> {
    await this.#sending
    const full = this.#filling
    this.#sending = ask(this.#send(full.subarray(0, this.#filled)))
    this.#sending.catch(() => {})
    this.#filled = 0
    if (this.#held.length < 2 && this.#pool.hasSpare) await this.#take()
    const other = this.#held.find((part) => part.bytes !== full)
    if (other) this.#filling = other.bytes
    else await this.#sending
  }

  /** What comes when all has been given back already would be held for ever. */
  async #take(): Promise<Part> {
    const part = await this.#pool.take({ signal: this.#signal, owner: this.#owner })
    if (this.#signal.aborted) part.release({ reuse: true })
    this.#signal.throwIfAborted()
    this.#held.push(part)
    return part
  }

  #release(options: { reuse: boolean }): void {
    for (const part of this.#held.splice(0)) part.release(options)
  }

  async #send(part: Buffer): Promise<void> {
    this.#uploadId ??= await this.#begin()
    const PartNumber = this.#parts.length + 1
    const whole = { Body: part, ChecksumSHA256: checksumOf(part) }
    const command = new UploadPartCommand({ ...this.#target, UploadId: this.#uploadId, PartNumber, ...whole })
    const { ETag, ChecksumSHA256 } = await this.#client.send(command, { abortSignal: this.#signal })
    this.#parts.push({ PartNumber, ETag, ChecksumSHA256 })
  }

  /** Not aborted half-way: an upload whose id never arrives stays open until the sweeper comes. */
  async #begin(): Promise<string | undefined> {
    this.#signal.throwIfAborted()
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand({ ...this.#target, ChecksumAlgorithm: 'SHA256' }))
    return UploadId
  }

  async #put(sha256: string): Promise<string | undefined> {
    const whole = { Body: this.#filling.subarray(0, this.#filled), ChecksumSHA256: checksumFromHex(sha256) }
    const command = new PutObjectCommand({ ...this.#target, ...whole })
    return (await this.#client.send(command, { abortSignal: this.#signal })).ETag
  }

  async #finish(): Promise<string | undefined> {
    const upload = { UploadId: this.#uploadId, MultipartUpload: { Parts: this.#parts } }
    const command = new CompleteMultipartUploadCommand({ ...this.#target, ...upload })
    return (await this.#client.send(command, { abortSignal: this.#signal })).ETag
  }
}
