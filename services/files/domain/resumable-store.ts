import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Transaction } from '@slipway/db'
import { isProblem, problem } from '@slipway/problem'
import type { OpenAssembly } from '@slipway/storage'
import { DataStore, type Locker, Upload } from '@tus/server'
import type { FilesContext } from '../context.ts'
import { type Author, nameOf } from './author.ts'
import {
  changeHeld,
  createUpload,
  declareLength,
  endUpload,
  type HeldUpload,
  type ResumableRow,
  requireUpload,
  type UploadWish,
} from './resumable.ts'
import { finishUpload, openPieces } from './resumable-finish.ts'
import type { UploadLock } from './resumable-lock.ts'

const hourMilliseconds = 3_600_000

/** One request to an upload. What the protocol says is the business of @tus/server; what it says it of is kept here. */
export interface UploadRequest {
  readonly author: Author
  readonly id: string
  /** What a POST asks for; its length is known when the store is told to create it. */
  readonly wish?: Omit<UploadWish, 'id' | 'length' | 'lockToken'>
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Aborts when this replica begins to close: what has come is kept, and the client goes on with another one. */
  readonly closing: AbortSignal
}

/**
 * Uploads between Postgres and quarantine, for one request. Not the S3 store of @tus: that one writes what it knows into the bucket and
 * every part to a disk first, and gives numbers of parts by what it finds, so that a writer who lost its lock can replace the part of another.
 */
export class ResumableStore extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'creation-defer-length', 'expiration', 'termination']
  readonly #context: FilesContext
  readonly #request: UploadRequest
  #lock: UploadLock | undefined
  #release: () => void = () => undefined
  /** As this request knows it. */
  row: ResumableRow | undefined

  constructor(context: FilesContext, request: UploadRequest) {
    super()
    this.#context = context
    this.#request = request
  }

  /** The lock of this request. A POST takes that of the row which it makes. */
  get locker(): Locker {
    const { uploadLocks } = this.#context
    const { author, id, wish, signal, closing } = this.#request
    return {
      newLock: () => ({
        lock: async (_stopped, release) => {
          this.#release = () => void release()
          if (closing.aborted) this.#release()
          else closing.addEventListener('abort', this.#release, { once: true })
          if (!wish)
            this.#lock = await uploadLocks.acquire(
              { tenantId: author.tenantId, id, createdBy: nameOf(author.principal) },
              { signal, release: this.#release },
            )
        },
        unlock: async () => {
          closing.removeEventListener('abort', this.#release)
          await this.#lock?.release()
          this.#lock = undefined
        },
      }),
    }
  }

  override getExpiration(): number {
    return this.#context.limits.resumableHours * hourMilliseconds
  }

  override async create(upload: Upload): Promise<Upload> {
    const { database, limits, uploadLocks, now } = this.#context
    const { author, id, wish } = this.#request
    if (!wish) throw new TypeError('only a POST creates')
    const lockToken = randomUUID()
    const at = now()
    const times = { createdAt: new Date(at), expiresAt: new Date(at + this.getExpiration()) }
    const whole = { ...wish, id, length: upload.size ?? null, lockToken }
    this.row = await database.tenantTransaction(author.tenantId, (tx) =>
      createUpload(tx, author, { wish: whole, quota: limits.quota, times }),
    )
    this.#lock = uploadLocks.adopt({ tenantId: author.tenantId, id }, { token: lockToken, release: this.#release })
    if (upload.size === 0) await this.#finish(this.#held())
    upload.creation_date = times.createdAt.toISOString()
    return upload
  }

  /** An upload that lacks nothing but its end is finished by whoever asks for it next. */
  override async getUpload(): Promise<Upload> {
    const { author, id } = this.#request
    this.row = await this.#transaction((tx) => requireUpload(tx, author, id))
    if (this.row.expiresAt.getTime() <= this.#context.now())
      throw problem('resource.gone', { detail: 'the upload has expired: begin anew' })
    if (this.#lock && !this.row.finishedAt && this.row.received === this.row.length) await this.#finish(this.#held())
    const { length, received, metadata, expiresAt } = this.row
    const creation = new Date(expiresAt.getTime() - this.getExpiration()).toISOString()
    const known = { id, offset: received, metadata, creation_date: creation }
    return new Upload(length === null ? known : { ...known, size: length })
  }

  override async declareUploadLength(_id: string, length: number): Promise<void> {
    const held = this.#held()
    const { quota } = this.#context.limits
    this.row = await this.#transaction((tx) => declareLength(tx, held, { length, quota }))
  }

  /**
   * Takes what comes. A stream that ends early is kept as far as it came.
   * @returns the offset
   */
  override async write(stream: Readable): Promise<number> {
    const held = this.#held()
    if (held.row.finishedAt) return held.row.received
    const lost = this.#lock?.lost
    const onLost = () => stream.destroy(lost?.reason as Error)
    lost?.addEventListener('abort', onLost, { once: true })
    try {
      using pieces = this.#open(held)
      for await (const chunk of stream) await pieces.append(chunk as Buffer)
      if (pieces.size === this.row?.length) await this.#finish(this.#held(), pieces)
      else await pieces.pause()
      return this.row?.received ?? 0
    } catch (error) {
      throw await this.#giveUp(error)
    } finally {
      lost?.removeEventListener('abort', onLost)
    }
  }

  override async remove(): Promise<void> {
    const { author, id } = this.#request
    this.row = await this.#transaction((tx) => requireUpload(tx, author, id))
    const held = this.#held()
    await this.#transaction((tx) => endUpload(tx, held))
    await this.#context.assembler.discard(held.row.assembly)
  }

  async #finish(held: HeldUpload, open?: OpenAssembly): Promise<void> {
    const { gate, settler, assembler } = this.#context
    using own = open ? undefined : this.#open(held)
    const pieces = open ?? own
    if (!pieces) throw new TypeError('nothing to finish')
    try {
      const claim = await finishUpload(this.#context, held, pieces)
      const { row } = claim
      this.row = { ...held.row, ...this.row, received: row.size, finishedAt: row.createdAt }
      if (row.quarantine) settler.start(claim, gate.resume(row.quarantine))
      await assembler.discard({ ...this.row.assembly, upload: null })
    } catch (error) {
      throw await this.#giveUp(error)
    }
  }

  /** What the store has dropped nobody can go on with: the upload ends now, and the sweep gives back what it had. */
  async #giveUp(reason: unknown): Promise<unknown> {
    if (!isProblem(reason, 'resource.gone')) return reason
    const held = this.#held()
    await this.#transaction((tx) => changeHeld(tx, held, { expiresAt: new Date(this.#context.now()) })).catch(() => undefined)
    return reason
  }

  #open(held: HeldUpload): OpenAssembly {
    const signal = this.#lock?.lost ?? this.#request.signal
    return openPieces(this.#context, held, {
      signal,
      // As when somebody else wants the lock: the request ends early, and its client goes on from there.
      onCrowded: () => this.#release(),
      onKept: (row) => {
        this.row = row
      },
    })
  }

  #held(): HeldUpload {
    if (!this.row || !this.#lock) throw new TypeError('the upload is not locked by this request')
    return { author: this.#request.author, row: this.row, lockToken: this.#lock.token }
  }

  #transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#context.database.tenantTransaction(this.#request.author.tenantId, work)
  }
}
