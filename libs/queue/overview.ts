import type { Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import type { JobAdministrationSettings, JobScope } from './administration.ts'
import type { QueueCounts } from './client.ts'
import type { JobState } from './ledger.ts'

/** Seconds of the jobs of the last 24 hours. */
interface Spread {
  readonly jobs: number
  readonly median: number
  readonly p95: number
}

export interface QueueOverview {
  readonly queue: string
  /** Rows by state, within the scope. */
  readonly jobs: Readonly<Record<JobState, number>>
  /** Of those that could run now; null when none waits. */
  readonly oldestWaitingAt: Date | null
  /** From when a job could run to its first start; null when none has started. */
  readonly waited: Spread | null
  /** The last attempt of jobs that have ended; null when none has. */
  readonly ran: Spread | null
  /** Worker processes that take jobs of this queue now; null when Redis is away or does not tell. */
  readonly workers: number | null
  /** What Redis counts, over all tenants and with the jobs of the fast path: for operators; null when Redis is away. */
  readonly redis: QueueCounts | null
}

const none: Record<JobState, number> = { pending: 0, waiting: 0, active: 0, retrying: 0, completed: 0, cancelled: 0, failed: 0, dead: 0 }

interface CountRow extends Record<string, unknown> {
  queue: string
  state: JobState
  count: number
  oldest: string | Date | null
}

interface SpreadRow extends Record<string, unknown> {
  queue: string
  waited: number
  waited_median: number | null
  waited_p95: number | null
  ran: number
  ran_median: number | null
  ran_p95: number | null
}

interface Measured {
  readonly counts: readonly CountRow[]
  readonly spreads: readonly SpreadRow[]
}

export async function readOverview(
  { definitions, queues }: JobAdministrationSettings,
  scope: JobScope,
  inScope: (fn: (tx: Transaction) => Promise<Measured>) => Promise<Measured>,
): Promise<QueueOverview[]> {
  const { counts, spreads } = await inScope(async (tx) => ({ counts: await countRows(tx), spreads: await spreadRows(tx) }))
  return Promise.all(
    definitions.map(async (definition) => ({
      queue: definition.name,
      ...overviewOf(counts.filter(({ queue }) => queue === definition.name)),
      ...timesOf(spreads.find(({ queue }) => queue === definition.name)),
      workers: await queues.workers(definition).catch(() => null),
      redis: scope === 'operator' ? await queues.counts(definition).catch(() => null) : null,
    })),
  )
}

async function countRows(tx: Transaction): Promise<CountRow[]> {
  const { rows } = await tx.execute<CountRow>(sql`
    select queue, state, count(*)::int as count,
        min(greatest(created_at, run_at)) filter (where state in ('pending', 'waiting', 'retrying') and run_at <= now()) as oldest
      from jobs group by queue, state`)
  return rows
}

/** A later attempt waits for its backoff, which says nothing of the workers: waits are those of first attempts. */
async function spreadRows(tx: Transaction): Promise<SpreadRow[]> {
  const { rows } = await tx.execute<SpreadRow>(sql`
    select queue,
        count(waited)::int as waited,
        percentile_cont(0.5) within group (order by waited) as waited_median,
        percentile_cont(0.95) within group (order by waited) as waited_p95,
        count(ran)::int as ran,
        percentile_cont(0.5) within group (order by ran) as ran_median,
        percentile_cont(0.95) within group (order by ran) as ran_p95
      from (
        select queue,
            case when attempts = 1 then greatest(0, extract(epoch from started_at - greatest(created_at, run_at)))::float8 end as waited,
            case when finished_at >= started_at then extract(epoch from finished_at - started_at)::float8 end as ran
          from jobs where started_at > now() - interval '24 hours'
      ) as recent group by queue`)
  return rows
}

function timesOf(row: SpreadRow | undefined): Pick<QueueOverview, 'waited' | 'ran'> {
  if (!row) return { waited: null, ran: null }
  return { waited: spreadOf(row.waited, row.waited_median, row.waited_p95), ran: spreadOf(row.ran, row.ran_median, row.ran_p95) }
}

function spreadOf(jobs: number, median: number | null, p95: number | null): Spread | null {
  return median === null || p95 === null ? null : { jobs, median, p95 }
}

function overviewOf(rows: readonly CountRow[]): Pick<QueueOverview, 'jobs' | 'oldestWaitingAt'> {
  const jobs = { ...none, ...Object.fromEntries(rows.map(({ state, count }) => [state, count])) }
  const times = rows.flatMap(({ oldest }) => (oldest === null ? [] : [new Date(oldest).getTime()]))
  return { jobs, oldestWaitingAt: times.length === 0 ? null : new Date(Math.min(...times)) }
}
