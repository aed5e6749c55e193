import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Database, Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import { resumableUploads } from '../schema.ts'
import { lockEnd, lockLost, noUpload } from './resumable.ts'

interface UploadPlace {
  readonly tenantId: string
  readonly id: string
  /** Whose upload it has to be: nobody else may as much as ask its holder to let go. */
  readonly createdBy?: string
}

/** The right to write to an upload. */
export interface UploadLock {
  readonly token: string
  /** Aborts when somebody else has it: this process stood still for longer than the lock lives. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

export interface UploadLocks extends AsyncDisposable {
  /**
   * Asks whoever holds the lock to release it, and waits for that. `release` is called when somebody asks us.
   * @throws upload.locked when it takes too long; resource.not-found; the reason of the signal
   */
  acquire(place: UploadPlace, wish: { signal: AbortSignal; release: () => void }): Promise<UploadLock>
  /** For a row that was written with this token. */
  adopt(place: UploadPlace, held: { token: string; release: () => void }): UploadLock
}

interface Holder {
  readonly place: UploadPlace
  readonly release: () => void
  readonly lost: AbortController
}

/** A lock lives for 10 s (`lockEnd`): a client whose replica was killed waits for as long. One statement renews all of a process. */
const beatMilliseconds = 2500
/** Above the life of a lock, so that a death is waited out. */
const patienceMilliseconds = 15_000
const pauses = { first: 25, last: 400 }

/**
 * Locks in Postgres, beside what they protect: they need no connection of their own for the hours that an upload may take, and no Redis.
 * They keep writers from each other; that no late writer spoils anything is due to the token, which is a condition of every change.
 */
export function createUploadLocks({ database, system }: { database: Database; system: Database }): UploadLocks {
  const holders = new Map<string, Holder>()
  let beating: NodeJS.Timeout | undefined
  let busy = false

  function adopt(place: UploadPlace, { token, release }: { token: string; release: () => void }): UploadLock {
    const holder = { place, release, lost: new AbortController() }
    holders.set(token, holder)
    beating ??= setInterval(() => void beat().catch(() => undefined), beatMilliseconds).unref()
    return { token, lost: holder.lost.signal, release: () => letGo(token, place) }
  }

  async function acquire(place: UploadPlace, { signal, release }: { signal: AbortSignal; release: () => void }): Promise<UploadLock> {
    const token = randomUUID()
    const until = performance.now() + patienceMilliseconds
    for (let pause = pauses.first; performance.now() < until; pause = Math.min(2 * pause, pauses.last)) {
      signal.throwIfAborted()
      if (await database.tenantTransaction(place.tenantId, (tx) => take(tx, place, token))) return adopt(place, { token, release })
      for (const holder of holders.values()) if (holder.place.id === place.id) holder.release()
      // Not all of those who wait at the same moments.
      await wait(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
    }
    throw problem('upload.locked', { detail: 'another request is writing to this upload and did not let go', retryAfter: 2 })
  }

  /** When it fails, the lock ends by itself. */
  async function letGo(token: string, { tenantId, id }: UploadPlace): Promise<void> {
    forget(token)
    const ours = and(eq(resumableUploads.id, id), eq(resumableUploads.lockToken, token))
    const freed = { lockToken: null, lockUntil: null, releaseWanted: false }
    await database.tenantTransaction(tenantId, (tx) => tx.update(resumableUploads).set(freed).where(ours)).catch(() => undefined)
  }

  function forget(token: string): void {
    holders.delete(token)
    if (holders.size > 0) return
    clearInterval(beating)
    beating = undefined
  }

  /** Renews, and hears of who waits and of what is lost. */
  async function beat(): Promise<void> {
    if (busy) return
    busy = true
    try {
      const tokens = [...holders.keys()]
      const found = await system.transaction((tx) => renew(tx, tokens))
      for (const token of tokens) {
        const holder = holders.get(token)
        if (found.get(token)) holder?.release()
        if (found.has(token)) continue
        holder?.lost.abort(lockLost())
        forget(token)
      }
    } finally {
      busy = false
    }
  }

  return {
    acquire,
    adopt,
    async [Symbol.asyncDispose]() {
      clearInterval(beating)
      await Promise.all([...holders].map(([token, { place }]) => letGo(token, place)))
    },
  }
}

/** Whether we have it now; if not, whoever has it is asked for it. @throws resource.not-found */
async function take(tx: Transaction, { id, createdBy }: UploadPlace, token: string): Promise<boolean> {
  const theirs = and(eq(resumableUploads.id, id), createdBy ? eq(resumableUploads.createdBy, createdBy) : undefined)
  const isFree = or(isNull(resumableUploads.lockToken), sql`${resumableUploads.lockUntil} < clock_timestamp()`)
  const taken = await tx
    .update(resumableUploads)
    .set({ lockToken: token, lockUntil: lockEnd, releaseWanted: false })
    .where(and(theirs, isFree))
    .returning({ id: resumableUploads.id })
  if (taken.length > 0) return true
  const [row] = await tx.select({ wanted: resumableUploads.releaseWanted }).from(resumableUploads).where(theirs)
  if (!row) throw noUpload()
  if (!row.wanted) await tx.update(resumableUploads).set({ releaseWanted: true }).where(eq(resumableUploads.id, id))
  return false
}

/** Those that are still ours, and whether somebody waits for them. */
async function renew(tx: Transaction, tokens: readonly string[]): Promise<Map<string, boolean>> {
  if (tokens.length === 0) return new Map()
  const rows = await tx
    .update(resumableUploads)
    .set({ lockUntil: lockEnd })
    .where(inArray(resumableUploads.lockToken, [...tokens]))
    .returning({ token: resumableUploads.lockToken, wanted: resumableUploads.releaseWanted })
  return new Map(rows.flatMap(({ token, wanted }) => (token ? [[token, wanted] as const] : [])))
}
