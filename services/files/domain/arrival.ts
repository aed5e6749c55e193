import type { Readable } from 'node:stream'
import type { Transaction } from '@slipway/db'
import { isProblem, problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import type { Accepted, Clean, Pending, Refused } from '@slipway/storage'
import type { FilesContext } from '../context.ts'
import { type Author, nameOf } from './author.ts'
import type { FileRow } from './listing.ts'
import { objectOf } from './object.ts'
import { type Quota, quotaExceeded } from './quota.ts'
import { recordRefusal, refusalProblem } from './refusal.ts'
import type { NewFile } from './register.ts'

interface Passage {
  author: Author
  id: string
  used: Quota
  /** Bytes that the quota leaves to this content. */
  room: number
  /** Files that it is to make. */
  files: number
  signal: AbortSignal
}

export function requireSize(declared: number, limit: number): void {
  if (declared > limit)
    throw problem('file.too-large', { detail: `the file has more than ${limit} bytes, the most that is accepted`, limit })
}

/** @throws file.too-large, quota.exceeded, scanner.unavailable, storage.unavailable */
export async function accept({ gate, limits }: FilesContext, stream: Readable, passage: Passage): Promise<Accepted | Pending> {
  const { author, id, used, room, files, signal } = passage
  const maxBytes = Math.min(limits.fileBytes, room)
  const { tenantId } = author
  const options = { ...objectOf({ tenantId, id }), tenantId, maxBytes, syncBytes: limits.syncBytes, signal }
  return await gate.accept(stream, options).catch((error: unknown) => {
    const outOfQuota = isProblem(error, 'file.too-large') && maxBytes < limits.fileBytes
    throw outOfQuota ? quotaExceeded(used, limits.quota, files) : error
  })
}

interface Arrival<Outcome, Answer> {
  author: Author
  file: Pick<NewFile, 'id' | 'name' | 'folderId' | 'size' | 'contentType'> & { sha256: string }
  accepted: Outcome
  /** Writes the row, and keeps the answer, in one transaction. `scan` is absent while the verdict is still to come. */
  write: (tx: Transaction, scan: ScanResult | undefined) => Promise<{ row: FileRow; answer: Answer }>
}

/** All bytes are in: they become readable, pending, or evidence. @throws what `write` throws, file.infected, file.unscannable, scanner.unavailable */
export function keepArrival<Answer>(context: FilesContext, arrival: Arrival<Accepted | Pending, Answer>): Promise<Answer> {
  const { accepted } = arrival
  if (accepted.pending) return keepPending(context, { ...arrival, accepted })
  return accepted.promote ? keepClean(context, { ...arrival, accepted }) : refuse(context, { ...arrival, accepted })
}

/**
 * What a crash leaves behind at each line, and who clears it up:
 * - before the copy: a quarantine object that no row knows, for `quarantine-sweep`.
 * - before the commit: an object in the readable bucket that no row knows; nobody can ask for it, and `quarantine-sweep` removes it.
 * - after the commit: nothing. The answer is kept in the same transaction, so a repeat of the request makes no second file or version.
 */
async function keepClean<Answer>(context: FilesContext, { author, file, accepted, write }: Arrival<Clean, Answer>): Promise<Answer> {
  await accepted.promote({ contentType: file.contentType })
  try {
    const { answer } = await context.database.tenantTransaction(author.tenantId, (tx) => write(tx, accepted.verdict))
    return answer
  } catch (error) {
    // Refused before the commit, so there is surely no row. Otherwise the commit may have come through, and only the sweep can tell.
    if (isProblem(error) && error.status < 500) await context.storage.remove(objectOf({ ...author, id: file.id })).catch(() => undefined)
    throw error
  }
}

/**
 * From the commit on the upload cannot be lost: the row has a lease and the queue has a request for the time when that runs out.
 * Before it, there is a quarantine object that no row knows, for `quarantine-sweep`.
 */
async function keepPending<Answer>(context: FilesContext, { author, accepted, write }: Arrival<Pending, Answer>): Promise<Answer> {
  const { row, answer } = await context.database
    .tenantTransaction(author.tenantId, (tx) => write(tx, undefined))
    .catch((error: unknown) => discard(context, accepted, error))
  context.settler.start({ author, row, leaseToken: row.leaseToken ?? '' }, accepted.accepted)
  return answer
}

/** The scan that still goes on has nobody to tell its verdict to. */
async function discard({ gate }: FilesContext, pending: Pending, error: unknown): Promise<never> {
  const refused = isProblem(error) && error.status < 500
  const scanned = pending.accepted.then(
    () => undefined,
    () => undefined,
  )
  if (refused) void scanned.then(() => gate.discard(pending.quarantine)).catch(() => undefined)
  throw error
}

async function refuse(context: FilesContext, { author, file, accepted }: Arrival<Refused, unknown>): Promise<never> {
  const { verdict, ...result } = accepted.verdict
  if (verdict === 'error') {
    await context.gate.discard(accepted.quarantine).catch(() => undefined)
    throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict: try again' })
  }
  const { id, name, folderId, size, contentType, sha256 } = file
  const evidence = { id, name, folderId, size, contentType, sha256, uploadedBy: nameOf(author.principal), uploadedFrom: author.from }
  const refusal = { ...evidence, objectKey: accepted.quarantine.key, at: new Date(context.now()), result: { ...result, verdict } }
  await context.database.tenantTransaction(author.tenantId, (tx) => recordRefusal(tx, author, refusal))
  throw refusalProblem(id, refusal.result)
}
