import type { Transaction } from '@slipway/db'
import type { OpenAssembly } from '@slipway/storage'
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { FilesContext } from '../context.ts'
import { resumableUploads } from '../schema.ts'
import { sniffContentType } from './content-type.ts'
import { objectOf } from './object.ts'
import { lockTree, returnQuota } from './quota.ts'
import { registerFile } from './register.ts'
import { changeHeld, type HeldUpload, keepPieces, type ResumableRow, takePartNumber } from './resumable.ts'
import type { Claim } from './settle.ts'

type Finishing = Pick<FilesContext, 'database' | 'assembler' | 'limits' | 'now'>

/** The bytes of one request on their way to those before them. What is kept is kept in the row, which moves on with it. */
export function openPieces(
  { database, assembler, limits }: Finishing,
  held: HeldUpload,
  options: { signal: AbortSignal; onKept: (row: ResumableRow) => void; onCrowded?: () => void },
): OpenAssembly {
  const { tenantId } = held.author
  let current = held
  const ledger = {
    nextPart: () => database.tenantTransaction(tenantId, (tx) => takePartNumber(tx, current)),
    keep: async (assembly: ResumableRow['assembly']) => {
      const row = await database.tenantTransaction(tenantId, (tx) => keepPieces(tx, current, { assembly, quota: limits.quota }))
      current = { ...current, row }
      options.onKept(row)
    },
  }
  return assembler.open(held.row.assembly, { ledger, signal: options.signal, onCrowded: options.onCrowded })
}

/**
 * All bytes are in: they become one object in quarantine, and that becomes a pending file as every large upload does. What a crash leaves
 * at each line, and what recovers it:
 * - before the parts are joined: all bytes are in the row, or all but those of the last request. The client asks for the offset and goes
 *   on; where nothing is missing, that very question, the next PATCH or `quarantine-sweep` finishes it.
 * - after they are joined, before the commit: the same, and the object is found instead of being made again.
 * - after the commit: a pending file with a lease, which `file-scan` settles when that has run out; rests, which go when the row does.
 * @throws name.taken, request.invalid if the folder is gone, quota.exceeded: the bytes stay until the upload expires, and it can be tried again
 * @returns the pending file with its lease, for whoever settles it
 */
export async function finishUpload(context: Finishing, held: HeldUpload, pieces: OpenAssembly): Promise<Claim> {
  const { author, row } = held
  const { tenantId } = author
  const target = objectOf({ tenantId, id: row.fileId })
  const { quarantine, head } = await pieces.complete(target)
  const contentType = await sniffContentType(head)
  const { name, folderId, onConflict } = row
  const file = { id: row.fileId, name, folderId, onConflict, size: pieces.size, contentType, sha256: null, quarantine }
  const now = context.now()
  const registered = await context.database.tenantTransaction(tenantId, async (tx) => {
    await lockTree(tx, tenantId)
    await returnReserved(tx, held)
    await changeHeld(tx, held, { finishedAt: new Date(now), received: pieces.size, reserved: 0 })
    return await registerFile(tx, author, { file, quota: context.limits.quota, now })
  })
  return { author, row: registered, leaseToken: registered.leaseToken ?? '' }
}

/** What it had of the quota becomes the file's. */
async function returnReserved(tx: Transaction, { author, row }: HeldUpload): Promise<void> {
  const [current] = await tx
    .select({ reserved: resumableUploads.reserved })
    .from(resumableUploads)
    .where(and(eq(resumableUploads.id, row.id), isNull(resumableUploads.finishedAt)))
  if (current) await returnQuota(tx, { tenantId: author.tenantId, bytes: current.reserved, files: 1 })
}

/** All bytes are in, and yet there is no file: its process ended, or name, folder or quota were against it. */
export const isComplete = and(isNull(resumableUploads.finishedAt), sql`${resumableUploads.received} = ${resumableUploads.length}`)
