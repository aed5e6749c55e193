import { type Database, roleName, withClient } from '@slipway/db'
import { files } from '@slipway/files'
import { enqueue } from '@slipway/queue'
import { databaseOf } from '../../doctor/database.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

/** One a second: they make room for uploads. */
const leastLooked = 20

/** Everything that is there is to be looked at again: no harm, but work at the scanner, of which uploads must not suffer. */
const all: Fault = {
  name: 'everything rescanned',
  seconds: 20,
  goesOn: true,
  async begin({ world, client, note }) {
    const began = new Date()
    await using database = filesDatabase(world)
    const asked = await askForAll(database)
    return async () => {
      const looked = await withClient({ url: world.target.database.adminUrl }, (admin) => lookedAtSince(admin, began))
      const what = `${looked} of ${asked} looked at again in ${Math.round((Date.now() - began.getTime()) / 1000)} s`
      note(what)
      if (looked < Math.min(asked / 2, leastLooked)) client.ledger.violate('no-effect', what)
    }
  },
}

function filesDatabase({ target }: World): Database {
  return databaseOf(target, { user: roleName('files', 'system'), password: target.passwords('files').system })
}

const fileRescan = files.queues.find(({ name }) => name === 'file-rescan')

/** As the sweep does when the signatures have moved, which those of a test do not; by the API it would be one a second. @returns how many */
async function askForAll(database: Database): Promise<number> {
  const queue = fileRescan
  if (!queue) throw new Error('there is no queue file-rescan')
  const { rows } = await database.pool.query<{ tenantId: string; fileId: string }>(
    `select tenant_id as "tenantId", id as "fileId" from files where verdict = 'clean'`,
  )
  const payloads = rows.map((file) => ({ version: 1 as const, ...file, requested: true }))
  await database.transaction(async (tx) => {
    for (const payload of payloads) await enqueue(tx, queue, payload)
  })
  return payloads.length
}

interface Asking {
  query(text: string, values: unknown[]): Promise<{ rows: { count: number }[] }>
}

/** Of those that were asked for together, which have one moment; the load asks one by one. */
async function lookedAtSince(admin: Asking, at: Date): Promise<number> {
  const { rows } = await admin.query(
    `select count(*)::int as count from files.jobs
     where queue = 'file-rescan' and state = 'completed' and finished_at >= $1 and created_at = (
       select created_at from files.jobs where queue = 'file-rescan' group by created_at order by count(*) desc limit 1
     )`,
    [at],
  )
  return rows[0]?.count ?? 0
}

export const rescanFaults: readonly Fault[] = [all]
