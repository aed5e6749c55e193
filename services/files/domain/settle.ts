import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import type { Accepted } from '@slipway/storage'
import { eq, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { files } from '../schema.ts'
import { type Author, audit } from './author.ts'
import { held, leaseMilliseconds, renewLease } from './lease.ts'
import type { FileRow } from './listing.ts'
import { contentId, contentIdOf, objectOf } from './object.ts'
import { lockTree, returnQuota, shareOf } from './quota.ts'
import { type Refusal, recordRefusal } from './refusal.ts'
import { arrive, makerOf, placeOf } from './versions.ts'

/** A pending file whose lease is ours. */
export interface Claim {
  author: Author
  row: FileRow
  leaseToken: string
}

type Settling = Pick<FilesContext, 'database' | 'storage' | 'limits' | 'now'>

/**
 * Brings a pending file to its end: readable, or refused. What a crash leaves behind at each line, and who clears it up:
 * - before the copy: a pending row and a quarantine object. `file-scan` scans and settles anew when the lease has run out.
 * - after the copy: a pending row and a readable object, which nobody is given as long as the row is pending. `file-scan` finds the
 *   object and only marks the row.
 * - after the mark: nothing. (The gate has removed the quarantine object with the copy; `quarantine-sweep` removes it if that failed.)
 * @returns null if the file was purged, or settled by somebody else, in the meantime
 * @throws scanner.unavailable when there is no verdict yet; storage.unavailable; database.unavailable
 */
export async function settle(context: Settling, pending: Claim, accepted: Accepted): Promise<FileRow | null> {
  const { verdict, sha256 } = accepted
  const claim = { ...pending, row: { ...pending.row, sha256 } }
  if (accepted.promote) {
    await accepted.promote({ contentType: claim.row.contentType })
    return (await markClean(context, claim, verdict)) ?? (await withdraw(context, claim))
  }
  if (verdict.verdict === 'error') throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict', raw: verdict.raw })
  return await markRefused(context, claim, { ...verdict, verdict: verdict.verdict === 'infected' ? 'infected' : 'unscannable' })
}

function markClean({ database, limits, now }: Settling, claim: Claim, result: ScanResult): Promise<FileRow | null> {
  const columns = { verdict: 'clean' as const, quarantine: null, ...scanColumns(result, now()) }
  const { author } = claim
  return database.tenantTransaction(author.tenantId, async (tx) => {
    if (claim.row.headId) await lockTree(tx, author.tenantId)
    const row = await conclude(tx, claim, columns)
    if (row?.headId) await arrive(tx, author, { version: row, headId: row.headId, limits, at: new Date(now()) })
    if (row?.release)
      await audit(tx, author, { action: 'file.released', subject: { type: 'file', id: row.headId ?? row.id }, after: row.release })
    return row
  })
}

/** The name and the quota are free again; the row stays, so that whoever asks by id learns the verdict. */
export function markRefused({ database, now }: Settling, claim: Claim, result: Refusal['result']): Promise<FileRow | null> {
  const { author } = claim
  return database.tenantTransaction(author.tenantId, async (tx) => {
    await lockTree(tx, author.tenantId)
    const at = now()
    const columns = { verdict: result.verdict, trashedAt: null, trashedBy: null, release: null, ...scanColumns(result, at) }
    const row = await conclude(tx, claim, columns)
    if (!row) return null
    await returnQuota(tx, shareOf(row))
    const { id, size, contentType, sha256, traceId } = row
    const { name, folderId } = await placeOf(tx, row)
    const file = {
      id,
      name,
      folderId,
      size,
      contentType,
      // What was lost before its scan has no digest.
      sha256: sha256 ?? '',
      uploadedBy: makerOf(row),
      uploadedFrom: traceId ? { ...author.from, traceId } : author.from,
    }
    await recordRefusal(tx, author, { ...file, objectKey: claim.row.quarantine?.key ?? '', at: new Date(at), result })
    return row
  })
}

async function conclude(tx: Transaction, { row, leaseToken }: Claim, values: Partial<FileRow>): Promise<FileRow | null> {
  const [concluded] = await tx
    .update(files)
    .set({ ...values, sha256: row.sha256, leaseToken: null, leaseUntil: null, version: sql`${files.version} + 1` })
    .where(held(row.id, leaseToken))
    .returning()
  return concluded ?? null
}

/** The copy came after a purge or a refusal, and must not stay. Where another settler has said clean, or is about to, it is theirs. */
async function withdraw({ database, storage }: Settling, { author, row }: Claim): Promise<null> {
  const [current] = await database.tenantTransaction(author.tenantId, (tx) =>
    tx
      .select({ verdict: files.verdict })
      .from(files)
      .where(eq(contentId, contentIdOf(row))),
  )
  if (current?.verdict !== 'clean' && current?.verdict !== 'pending') await storage.remove(objectOf(row))
  return null
}

export function scanColumns(result: Pick<ScanResult, 'engine' | 'database' | 'milliseconds'>, at: number) {
  return {
    scanEngine: result.engine,
    scanDatabase: result.database,
    scanMilliseconds: Math.round(result.milliseconds),
    scanAt: new Date(at),
  }
}

/** Renews the lease until it is disposed. The signal aborts when the lease is lost. */
export function keepLease({ database, now }: Pick<Settling, 'database' | 'now'>, claim: Claim): Disposable & { signal: AbortSignal } {
  const lost = new AbortController()
  const { author, row, leaseToken } = claim
  const renew = async () => {
    const until = new Date(now() + leaseMilliseconds)
    const renewed = await database.tenantTransaction(author.tenantId, (tx) => renewLease(tx, { fileId: row.id, leaseToken, until }))
    if (!renewed) lost.abort(new DOMException('the lease of the file is lost', 'AbortError'))
  }
  // A renewal that fails is tried again before the lease ends; if it ends, somebody else settles the file.
  const timer = setInterval(() => void renew().catch(() => undefined), leaseMilliseconds / 4)
  timer.unref()
  return { signal: lost.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
