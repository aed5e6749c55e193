import { newId, withClient } from '@slipway/db'
import { startChild } from '../child.ts'
import type { Measure, Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import { openDatabase } from './postgres.ts'
import type { TenantsSettings, Transactions } from './tenants.child.ts'

const tenants = Array.from({ length: 200 }, () => newId())
const rowsOfTenant = 500
/** The disk of a shared machine is twice as fast in one second as in the next. */
const slices = 8
const asked = { clients: 4, seconds: 0.5 } as const

/** The same rows in all three tables. */
async function fill(adminUrl: string): Promise<void> {
  await withClient({ url: adminUrl }, async (client) => {
    for (const table of ['notes', 'open_notes', 'slow_notes']) {
      await client.query(
        `insert into bench.${table} (tenant_id, id, body)
         select tenant, gen_random_uuid(), 'note ' || number || repeat(' of some length', 5)
         from unnest($1::uuid[]) tenant, generate_series(1, $2) number`,
        [tenants, rowsOfTenant],
      )
    }
    await client.query('vacuum analyze')
    // What has been filled in is written back now, and not while the first rounds run.
    await client.query('checkpoint')
  })
}

export const tenantTransactions: Row = {
  name: 'tenants',
  lines: ['tenant-read', 'tenant-write'],
  async open(stack) {
    const database = await openDatabase(stack, { folder: new URL('./migrations/tenants/', import.meta.url) })
    await fill(database.adminUrl)
    const child = stack.use(await startChild(new URL('tenants.child.ts', import.meta.url)))
    await child.ask({ databaseUrl: database.url('runtime'), tenants } satisfies TenantsSettings)
    const pids = [child.pid, database.part.pid]
    const sideOf = (what: Pick<Transactions, 'kind' | 'table' | 'plain'>): Side => {
      return async () => {
        const before = processorSeconds(pids)
        const { transactions, seconds } = await child.ask<{ transactions: number; seconds: number }>({
          ...asked,
          ...what,
        } satisfies Transactions)
        const used = processorSeconds(pids) - before
        return { figure: transactions / seconds, work: transactions, wallSeconds: seconds, processorSeconds: used }
      }
    }
    const measureOf = (kind: 'read' | 'write', goal: number): Measure => {
      const theirs = sideOf({ kind, table: 'open_notes', plain: true })
      return {
        name: `tenant-${kind}`,
        what: `tenant transaction with RLS vs without, ${kind}`,
        unit: 'transactions/s',
        goal,
        better: '≥',
        slices,
        pair: { ours: sideOf({ kind, table: 'notes', plain: false }), theirs },
        control: controlOf(kind, { sideOf, theirs }),
      }
    }
    return [measureOf('read', 0.95), measureOf('write', 0.9)]
  },
}

interface Sides {
  readonly sideOf: (what: Pick<Transactions, 'kind' | 'table' | 'plain'>) => Side
  readonly theirs: Side
}

/** The policy of one new row costs nothing, whatever it is, so writing is compared with itself. */
function controlOf(kind: 'read' | 'write', { sideOf, theirs }: Sides): Measure['control'] {
  if (kind === 'write') return { kind: 'identical', what: 'both without RLS', rounds: 5, pair: { ours: theirs, theirs } }
  const ours = sideOf({ kind, table: 'slow_notes', plain: false })
  return { kind: 'handicap', what: 'a policy that asks a table for each row', rounds: 2, pair: { ours, theirs } }
}
