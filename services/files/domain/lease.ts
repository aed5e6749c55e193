import { randomUUID } from 'node:crypto'
import type { Transaction } from '@slipway/db'
import { and, eq } from 'drizzle-orm'
import { files } from '../schema.ts'

/**
 * Who settles a verdict holds a lease on the row and renews it. When it runs out (the process died), the queue `file-scan` takes over.
 * Long enough that a pause of the process does not lose it, short enough that nobody waits long after a crash.
 */
export const leaseMilliseconds = 60_000

export interface Lease {
  leaseToken: string
  leaseUntil: Date
}

export function newLease(now: number): Lease {
  return { leaseToken: randomUUID(), leaseUntil: new Date(now + leaseMilliseconds) }
}

/** The pending file, if its lease is still this one: a purge or another settler may have come in between. */
export function held(fileId: string, leaseToken: string) {
  return and(eq(files.id, fileId), eq(files.verdict, 'pending'), eq(files.leaseToken, leaseToken))
}

/** The file is anybody's at once. False = it was not ours any more. */
export async function releaseLease(tx: Transaction, lease: { fileId: string; leaseToken: string; now: number }): Promise<boolean> {
  const released = await tx
    .update(files)
    .set({ leaseToken: null, leaseUntil: new Date(lease.now) })
    .where(held(lease.fileId, lease.leaseToken))
    .returning({ id: files.id })
  return released.length > 0
}

/** False = the lease is somebody else's, or the file is settled or gone: stop. */
export async function renewLease(tx: Transaction, lease: { fileId: string; leaseToken: string; until: Date }): Promise<boolean> {
  const renewed = await tx
    .update(files)
    .set({ leaseUntil: lease.until })
    .where(held(lease.fileId, lease.leaseToken))
    .returning({ id: files.id })
  return renewed.length > 0
}
