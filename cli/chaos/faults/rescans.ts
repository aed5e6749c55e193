import { randomUUID } from 'node:crypto'
import { withClient } from '@slipway/db'
import { insist } from '../insist.ts'
import type { Chaos, Fault } from './fault.ts'

/** Who asks: enough that files wait for their turn, and few enough to take little from the load themselves. */
const askers = 4

/** Everything that is there is to be looked at again: no harm, but work at the scanner, of which uploads must not suffer. */
const all: Fault = {
  name: 'everything rescanned',
  seconds: 20,
  goesOn: true,
  async begin(chaos) {
    const { world, client, note } = chaos
    const began = new Date()
    const over = new AbortController()
    const asked = askForAll(chaos, over.signal)
    asked.catch(() => undefined)
    return async () => {
      over.abort()
      const count = await asked
      const looked = await withClient({ url: world.target.database.adminUrl }, (admin) => lookedAtSince(admin, began))
      note(`${looked} of ${count} looked at again`)
      if (looked === 0) client.ledger.violate('no-effect', `none of ${count} files was looked at again`)
    }
  },
}

/** @returns how many it has asked for when it is over */
async function askForAll({ client }: Chaos, over: AbortSignal): Promise<number> {
  const waiting = client.ledger.inState('clean')
  let count = 0
  const lane = async () => {
    for (let entry = waiting.pop(); entry && !over.aborted; entry = waiting.pop()) {
      const headers = { 'idempotency-key': randomUUID() }
      const answer = await insist(client, { method: 'POST', path: `/api/v1/files/${entry.id}/rescan`, headers })
      if (answer?.status === 202) count++
      else if (answer && entry.state === 'clean') client.ledger.violate('unexpected-answer', `rescan of ${entry.name}: ${answer.status}`)
    }
  }
  await Promise.all(Array.from({ length: askers }, lane))
  return count
}

interface Asking {
  query(text: string, values: unknown[]): Promise<{ rows: { count: number }[] }>
}

/** Of files that were there before: a scan of their upload is older. */
export async function lookedAtSince(admin: Asking, at: Date): Promise<number> {
  const { rows } = await admin.query('select count(*)::int as count from files.files where scan_at >= $1 and created_at < $1', [at])
  return rows[0]?.count ?? 0
}

export const rescanFaults: readonly Fault[] = [all]
