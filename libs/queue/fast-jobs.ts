import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { sql } from 'drizzle-orm'
import type { JobAdministrationSettings, JobScope } from './administration.ts'
import type { QueueCounts } from './client.ts'
import type { AnyQueue } from './definition.ts'
import { type JobView, viewOfFast } from './job-view.ts'
import type { JobState } from './ledger.ts'
import { unlessRedisFails } from './producer.ts'

export interface QueueOverview {
  readonly queue: string
  /** Rows by state, within the scope. */
  readonly jobs: Readonly<Record<JobState, number>>
  /** Of those that could run now; null when none waits. */
  readonly oldestWaitingAt: Date | null
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

export async function readOverview(
  { definitions, queues }: JobAdministrationSettings,
  scope: JobScope,
  inScope: (fn: (tx: Transaction) => Promise<CountRow[]>) => Promise<CountRow[]>,
): Promise<QueueOverview[]> {
  const rows = await inScope(countRows)
  return Promise.all(
    definitions.map(async (definition) => ({
      queue: definition.name,
      ...overviewOf(rows.filter(({ queue }) => queue === definition.name)),
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

function overviewOf(rows: readonly CountRow[]): Pick<QueueOverview, 'jobs' | 'oldestWaitingAt'> {
  const jobs = { ...none, ...Object.fromEntries(rows.map(({ state, count }) => [state, count])) }
  const times = rows.flatMap(({ oldest }) => (oldest === null ? [] : [new Date(oldest).getTime()]))
  return { jobs, oldestWaitingAt: times.length === 0 ? null : new Date(Math.min(...times)) }
}

/** A job that is only in Redis. Null also for another tenant's. */
export async function findFast({ queues, definitions }: JobAdministrationSettings, scope: JobScope, id: string): Promise<JobView | null> {
  for (const definition of definitions) {
    const job = await jobIn(queues, definition, id)
    if (!job) continue
    const view = await viewOfFast(job, definition)
    return scope === 'operator' || view.tenantId === scope.tenantId ? view : null
  }
  return null
}

/** The state is Redis's to change, so it is not asked before but told by the failure. */
export async function cancelFast({ queues, definitions }: JobAdministrationSettings, view: JobView): Promise<JobView> {
  const definition = definitions.find(({ name }) => name === view.queue)
  const job = definition && (await jobIn(queues, definition, view.id))
  if (!job || view.finishedAt !== null) throw problem('job.not-retryable', { detail: `job ${view.id} has ended` })
  if (view.state === 'active') {
    await queues.send({ cancel: view.id })
    return { ...view, cancelRequestedAt: new Date() }
  }
  await unlessRedisFails(job.remove())
  return { ...view, state: 'cancelled', finishedAt: new Date() }
}

async function jobIn(queues: JobAdministrationSettings['queues'], definition: AnyQueue, id: string) {
  const queue = await queues.queue(definition)
  return unlessRedisFails(queue.getJob(id))
}
