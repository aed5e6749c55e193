import { isProblem, problem } from '@slipway/problem'
import type { ScanResult } from '@slipway/scanner'
import type { Rescanned } from '@slipway/storage'
import { eq } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { files, type rescanReasons } from '../schema.ts'
import { holdsContentOf } from './files.ts'
import type { FileRow } from './listing.ts'
import { objectOf } from './object.ts'
import { isReleased } from './release.ts'
import { isBehind } from './rescan-order.ts'
import { scanColumns } from './settle.ts'
import { withdrawFile } from './withdrawal.ts'

interface Rescan {
  tenantId: string
  fileId: string
  /** Somebody asked for it, so it is done also when the database has not moved. */
  requested: boolean
  /** After this attempt nobody tries again. */
  last: boolean
  signal: AbortSignal
}

/** `current` = looked at with this database already; `gone` = not readable any more, or other content by now. */
export type RescanOutcome = 'clean' | 'released' | 'infected' | 'unscannable' | 'altered' | 'lost' | 'error' | 'current' | 'gone'

type Doubt = (typeof rescanReasons)[number]

/**
 * Looks again at one readable file. Twice changes nothing but the time of the look.
 * @throws scanner.unavailable, service.overloaded, storage.unavailable, database.unavailable: the row still says that it is owed
 */
export async function rescanFile(context: FilesContext, rescan: Rescan): Promise<RescanOutcome> {
  const { tenantId, fileId, requested } = rescan
  const [row] = await context.database.tenantTransaction(tenantId, (tx) => tx.select().from(files).where(eq(files.id, fileId)), {
    readOnly: true,
  })
  if (row?.verdict !== 'clean') return 'gone'
  const { number, database } = await context.rescans.version()
  if (!requested && (number === undefined || !isBehind(row.rescanDatabase ?? row.scanDatabase ?? '', number))) return 'current'
  const outcome = await look(context, row, { ...rescan, database })
  context.rescans.count(outcome)
  return outcome
}

async function look(context: FilesContext, row: FileRow, rescan: Rescan & { database: string }): Promise<RescanOutcome> {
  const { signal, database, last } = rescan
  const found = await context.rescans.pacer.run(signal, () => context.gate.rescan(objectOf(row), { signal })).catch(unlessMissing)
  if (!found) return await doubt(context, row, { reason: 'lost', database })
  const { verdict } = found
  const isAltered = found.sha256 !== row.sha256
  // The earlier verdict and the release were about other bytes then.
  const isForgiven = !isAltered && isReleased(row.release, verdict)
  if (verdict.verdict === 'infected' && !isForgiven) return await withdrawFile(context, row, found)
  if (isAltered && verdict.verdict !== 'clean') return (await withdrawFile(context, row, found)) === 'gone' ? 'gone' : 'altered'
  if (verdict.verdict === 'error') return await unknown(context, row, { found, database, last })
  if (isAltered) return await doubt(context, row, { reason: 'altered', database })
  if (verdict.verdict === 'unscannable' && !isForgiven)
    return await doubt(context, row, { reason: verdict.reason ?? 'limits', database: verdict.database || database })
  return await confirm(context, row, verdict)
}

function unlessMissing(error: unknown): null {
  if (isProblem(error, 'resource.not-found')) return null
  throw error
}

/** The row may have changed in the meantime; only the content that was looked at is meant. */
async function update(context: FilesContext, row: FileRow, values: Partial<FileRow>): Promise<boolean> {
  const updated = await context.database.tenantTransaction(row.tenantId, (tx) =>
    tx.update(files).set(values).where(holdsContentOf(row)).returning({ id: files.id }),
  )
  return updated.length > 0
}

async function confirm(context: FilesContext, row: FileRow, result: ScanResult): Promise<RescanOutcome> {
  const values = { ...scanColumns(result, context.now()), rescanReason: null, rescanDatabase: null, rescanAt: null }
  if (!(await update(context, row, values))) return 'gone'
  return result.verdict === 'clean' ? 'clean' : 'released'
}

/**
 * The file stays readable by its earlier verdict, and says so. A limit that was lowered must not take all archives away in one night; what
 * was never looked at as a whole did not become clean in the first place.
 */
async function doubt(
  context: FilesContext,
  row: FileRow,
  { reason, database }: { reason: Doubt; database: string },
): Promise<RescanOutcome> {
  const marked = await update(context, row, { rescanReason: reason, rescanDatabase: database, rescanAt: new Date(context.now()) })
  if (!marked) return 'gone'
  return reason === 'altered' || reason === 'lost' || reason === 'error' ? reason : 'unscannable'
}

/** Without a mark after the last try the file would be the first in line for ever. */
async function unknown(
  context: FilesContext,
  row: FileRow,
  { found, database, last }: { found: Rescanned; database: string; last: boolean },
): Promise<RescanOutcome> {
  if (last) return await doubt(context, row, { reason: 'error', database })
  throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict', raw: found.verdict.raw })
}
