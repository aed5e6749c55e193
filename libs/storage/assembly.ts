import { randomUUID } from 'node:crypto'
import { type AssemblyStore, assemblyStore } from './assembly-store.ts'
import type { Guest } from './crowd.ts'
import { type ObjectRef, type QuarantineRef, tenantOf } from './object.ts'
import { type Part, partBytes } from './part-pool.ts'
import { connectionOf, type Storage } from './storage.ts'

/** Bytes under a number of the multipart upload. */
export interface AssemblyPart {
  readonly number: number
  readonly size: number
  readonly etag: string
  readonly checksum: string | null
}

/** Bytes that are too few for a part: an object of their own, until others have joined them. */
export interface AssemblyRest {
  readonly key: string
  readonly size: number
}

/** What has come of an object that is sent in several requests; all of it is in quarantine. Plain data: keep it in a row. */
export interface Assembly {
  /** What all of its keys begin with; whoever sweeps knows them by it. */
  readonly prefix: string
  readonly upload: { readonly id: string; readonly key: string } | null
  readonly parts: readonly AssemblyPart[]
  /** They follow the parts; together smaller than a part. */
  readonly rests: readonly AssemblyRest[]
}

/** Where the state is kept. Both calls throw when somebody else has taken over: then nothing more is written. */
export interface AssemblyLedger {
  /** A number that no part of this upload ever had, not even one of a process that lost its lock in the middle of sending it. */
  nextPart(): Promise<number>
  /** From its commit on these bytes count. */
  keep(assembly: Assembly): Promise<void>
}

export interface Assembled {
  readonly quarantine: QuarantineRef
  /** The first bytes, to sniff the content type from. */
  readonly head: Buffer
}

/** One request's bytes on their way to the others. Dispose it: it holds memory. */
export interface OpenAssembly extends Disposable {
  /** Bytes in all, whether kept yet or not. */
  readonly size: number
  /** Resolves when more can be taken. The chunk is copied. */
  append(chunk: Buffer): Promise<void>
  /** Keeps what has come, for another request to go on. */
  pause(): Promise<void>
  /**
   * Makes one object of it all. When it was made before, and its process ended, the same object is found again.
   * @throws resource.gone when the store has dropped what was kept
   */
  complete(target: ObjectRef): Promise<Assembled>
}

export interface Assembler {
  /** `onCrowded`: its bytes come too slowly while others wait for its memory. Pause it then. */
  open(assembly: Assembly, options: { ledger: AssemblyLedger; signal: AbortSignal; onCrowded?: (() => void) | undefined }): OpenAssembly
  /** Removes what was kept; for good measure also after it was completed, when only the rests are left. */
  discard(assembly: Assembly): Promise<void>
}

export function newAssembly(prefix: string): Assembly {
  return { prefix, upload: null, parts: [], rests: [] }
}

export function createAssembler(storage: Storage): Assembler {
  return {
    open: (assembly, { ledger, signal, onCrowded = () => undefined }) => {
      const { parts, crowd } = connectionOf(storage)
      const store = assemblyStore(connectionOf(storage), signal)
      const owner = tenantOf({ key: assembly.prefix })
      const take = () => parts.take({ signal, owner })
      return new Assembling(assembly, {
        ledger,
        store,
        take,
        hasSpare: () => parts.hasSpare,
        enter: () => crowd.enter({ owner, has: () => ['part'], makeRoom: onCrowded }),
      })
    },
    discard: (assembly) => assemblyStore(connectionOf(storage)).discard(assembly),
  }
}

interface Means {
  readonly ledger: AssemblyLedger
  readonly store: AssemblyStore
  readonly take: () => Promise<Part>
  readonly hasSpare: () => boolean
  readonly enter: () => Guest
}

/** What a small request costs in memory, before it takes a part. */
const firstBytes = 65_536
/** Rests at most: further ones are united. A client of small requests costs one more write of its bytes, and not one for each request. */
const mostRests = 16

/**
 * Fills a part while the one before it is sent, as long as there is memory for two. Rests of earlier requests stand at the beginning of
 * the first part: their place is kept free, and they are fetched when the part is full or the object complete.
 */
class Assembling implements OpenAssembly {
  #assembly: Assembly
  readonly #means: Means
  /** The memory that is ours: the part that fills and the one on its way. */
  readonly #held: Part[] = []
  #filling: Buffer = Buffer.allocUnsafeSlow(firstBytes)
  #isPart = false
  #filled = 0
  /** Bytes of rests before what fills. */
  #before: number
  #sending: Promise<void> = Promise.resolve()
  /** From the first part on. */
  #guest: Guest | undefined
  /** No request of ours can still be reading the memory. */
  #idle = false
  size: number

  constructor(assembly: Assembly, means: Means) {
    this.#assembly = assembly
    this.#means = means
    this.#before = sizeOf(assembly.rests)
    this.size = sizeOf(assembly.parts) + this.#before
  }

  async append(chunk: Buffer): Promise<void> {
    this.#idle = false
    this.#guest?.gets(chunk.length)
    for (let from = 0; from < chunk.length; ) {
      if (!this.#isPart && this.#filled === this.#room()) await this.#grow()
      const place = this.#start() + this.#filled
      const copied = chunk.copy(this.#filling, place, from, from + this.#room() - this.#filled)
      from += copied
      this.#filled += copied
      this.size += copied
      if (this.#before + this.#filled === partBytes) await this.#flush()
    }
    this.#guest?.asks()
  }

  async pause(): Promise<void> {
    this.#guest?.ends()
    await this.#sending
    if (this.#filled > 0) await this.#rest()
    this.#idle = true
  }

  async complete(target: ObjectRef): Promise<Assembled> {
    this.#guest?.ends()
    await this.#sending
    const { key, etag } = this.#assembly.upload ? await this.#join() : await this.#put()
    this.#idle = true
    const quarantine = { bucket: 'quarantine', key, size: this.size, etag, target } as const
    return { quarantine, head: await this.#means.store.head(quarantine) }
  }

  [Symbol.dispose](): void {
    this.#guest?.[Symbol.dispose]()
    for (const part of this.#held.splice(0)) part.release({ reuse: this.#idle })
  }

  async #rest(): Promise<void> {
    const { rests } = this.#assembly
    const joined = rests.length >= mostRests
    const bytes = joined ? await this.#whole() : this.#fresh()
    const key = this.#newKey()
    await this.#means.store.put(key, bytes)
    const rest = { key, size: bytes.length }
    await this.#keep({ ...this.#assembly, rests: joined ? [rest] : [...rests, rest] })
    this.#before = sizeOf(this.#assembly.rests)
    this.#filled = 0
  }

  /** Small enough for one object: nobody needs to join anything. */
  async #put(): Promise<{ key: string; etag: string }> {
    const key = this.#newKey()
    return { key, etag: await this.#means.store.put(key, this.#before > 0 ? await this.#whole() : this.#fresh()) }
  }

  /** The last part is kept before the parts are joined: otherwise a crash in between would leave an object that the row knows too little of. */
  async #join(): Promise<{ key: string; etag: string }> {
    if (this.#before + this.#filled > 0) await this.#send(await this.#whole())
    this.#before = this.#filled = 0
    const { upload, parts } = this.#assembly
    if (!upload) throw new TypeError('there is nothing to join')
    return { key: upload.key, etag: await this.#means.store.join(upload, parts) }
  }

  /** Sends what has been filled as soon as the part before it is through; the two of them take turns. */
  async #flush(): Promise<void> {
    await this.#sending
    const full = await this.#whole()
    this.#sending = this.#send(full)
    this.#sending.catch(() => {})
    this.#before = this.#filled = 0
    if (this.#held.length < 2 && this.#means.hasSpare()) this.#held.push(await this.#means.take())
    const other = this.#held.find((part) => part.bytes.buffer !== full.buffer)
    if (other) this.#filling = other.bytes
    else await this.#sending
  }

  async #send(bytes: Buffer): Promise<void> {
    const number = await this.#means.ledger.nextPart()
    const upload = this.#assembly.upload ?? (await this.#means.store.begin(this.#newKey()))
    const part = await this.#means.store.send(upload, { number, bytes })
    await this.#keep({ ...this.#assembly, upload, parts: [...this.#assembly.parts, part], rests: [] })
  }

  /** What is not named any more is removed at once; should that fail, it goes with the upload. */
  async #keep(next: Assembly): Promise<void> {
    const gone = this.#assembly.rests.filter((rest) => !next.rests.includes(rest))
    await this.#means.ledger.keep(next)
    this.#assembly = next
    await this.#means.store.remove(gone)
  }

  /** What fills, with the rests before it. */
  async #whole(): Promise<Buffer> {
    if (this.#before === 0) return this.#fresh()
    if (!this.#isPart) await this.#grow()
    await this.#means.store.fetch(this.#assembly.rests, this.#filling)
    return this.#filling.subarray(0, this.#before + this.#filled)
  }

  #fresh(): Buffer {
    return this.#filling.subarray(this.#start(), this.#start() + this.#filled)
  }

  #start(): number {
    return this.#isPart ? this.#before : 0
  }

  /** Bytes that can still be filled in, those that are there included. */
  #room(): number {
    return this.#isPart ? partBytes - this.#before : Math.min(firstBytes, partBytes - this.#before)
  }

  /** From the small buffer to a part. */
  async #grow(): Promise<void> {
    const part = await this.#means.take()
    this.#held.push(part)
    this.#guest ??= this.#means.enter()
    this.#filling.copy(part.bytes, this.#before, 0, this.#filled)
    this.#filling = part.bytes
    this.#isPart = true
  }

  #newKey(): string {
    return `${this.#assembly.prefix}/${randomUUID()}`
  }
}

function sizeOf(pieces: readonly { readonly size: number }[]): number {
  return pieces.reduce((sum, { size }) => sum + size, 0)
}
