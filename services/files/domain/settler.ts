import { enqueue } from '@slipway/queue'
import type { Accepted } from '@slipway/storage'
import type { FilesContext } from '../context.ts'
import { fileScan } from '../jobs/file-scan.ts'
import { releaseLease } from './lease.ts'
import { type Claim, keepLease, settle } from './settle.ts'

/** Settles large uploads in the background of the API, after their 202. */
export interface Settler extends AsyncDisposable {
  /** Never throws: what fails here is finished by `file-scan`. */
  start(claim: Claim, accepted: Promise<Accepted>): void
  /** Lets go of a pending file and asks for `file-scan` now instead of when the lease has run out. */
  handOver(claim: Claim): Promise<void>
}

type Parts = Pick<FilesContext, 'database' | 'storage' | 'limits' | 'now'> & { onError: (error: unknown) => void }

export function createSettler(parts: Parts): Settler {
  const running = new Map<string, Claim>()

  async function run(claim: Claim, accepted: Promise<Accepted>): Promise<void> {
    using lease = keepLease(parts, claim)
    try {
      const verdict = await accepted
      if (!lease.signal.aborted && running.has(claim.row.id)) await settle(parts, claim, verdict)
    } catch (error) {
      parts.onError(error)
      if (running.has(claim.row.id)) await handOver(claim)
    } finally {
      running.delete(claim.row.id)
    }
  }

  /** Without a database nobody hears of it: then the lease runs out, and the request from the upload's own transaction comes true. */
  async function handOver({ author, row, leaseToken }: Claim): Promise<void> {
    const { tenantId } = author
    await parts.database
      .tenantTransaction(tenantId, async (tx) => {
        const released = await releaseLease(tx, { fileId: row.id, leaseToken, now: parts.now() })
        if (released) await enqueue(tx, fileScan, { version: 1, tenantId, fileId: row.id })
      })
      .catch(parts.onError)
  }

  return {
    start(claim, accepted) {
      running.set(claim.row.id, claim)
      void run(claim, accepted)
    },
    handOver,
    async [Symbol.asyncDispose]() {
      const claims = [...running.values()]
      running.clear()
      for (const claim of claims) await handOver(claim)
    },
  }
}
