import type { Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { durableId, readDurable } from './envelope.ts'
import { buryJob, type JobState, query } from './ledger.ts'
import { platformTenant } from './payload.ts'
import { unlessRedisFails } from './producer.ts'
import { addOwed, type OwedJob, type RelayParts } from './relay.ts'
import { describeError, fastWork } from './run.ts'

export interface ReconcileParts extends RelayParts {
  readonly prefix: string
  /** Milliseconds that a row is left alone after its last change. */
  readonly settled: number
}

export interface Reconciled {
  /** Redis had lost them. */
  readonly recreated: number
  /** They had ended, but their rows did not say so. */
  readonly ended: number
}

const page = 500

/** Compares every row in flight with Redis, page by page. Correct with several hosts at once: rows are locked. */
export async function reconcile(parts: ReconcileParts): Promise<Reconciled> {
  const total = { recreated: 0, ended: 0 }
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const found = await reconcilePage(parts, after)
    total.recreated += found.recreated
    total.ended += found.ended
    if (found.last === null) return total
    after = found.last
  }
}

interface InFlight extends OwedJob {
  readonly state: JobState
}

/**
 * A row that says `active` is compared only after its deadline: until then its worker may still be at it, although Redis forgot.
 */
async function reconcilePage(parts: ReconcileParts, after: string): Promise<Reconciled & { last: string | null }> {
  const names = parts.definitions.map(({ name }) => name)
  return parts.database.transaction(async (tx) => {
    const { rows } = await tx.execute<InFlight & Record<string, unknown>>(sql`
      select id, queue, run, state, attempts, max_attempts, traceparent, greatest(0, extract(epoch from run_at - now()) * 1000)::float8 as delay
        from jobs where state in ('waiting', 'active', 'retrying') and queue = any(${sql.param(names)}::text[]) and id > ${after}
          and case state when 'active' then deadline_at < now() else updated_at < now() - ${parts.settled} * interval '1 ms' end
        order by id limit ${page} for update skip locked`)
    const fates = await fatesOf(parts, rows)
    const lost = rows.filter(({ id }) => fates.get(id)?.state === 'missing')
    await addOwed(parts.producer, parts.definitions, lost)
    await markRecreated(tx, lost)
    const ended = await markEnded(tx, parts, { rows, fates })
    const last = rows.length === page ? (rows.at(-1)?.id ?? null) : null
    return { recreated: lost.length, ended, last }
  })
}

type Fate = { state: 'missing' | 'alive' | 'completed' } | { state: 'failed'; reason: string }

async function fatesOf({ producer, prefix }: ReconcileParts, rows: readonly InFlight[]): Promise<Map<string, Fate>> {
  if (rows.length === 0) return new Map()
  const answers = await producer.redis(async (connection) => {
    const pipeline = connection.pipeline()
    for (const { id, queue, run } of rows) {
      pipeline.hmget(`${prefix}:${queue}:${durableId(id, run)}`, 'timestamp', 'finishedOn', 'failedReason')
    }
    return pipeline.exec()
  })
  const fates = new Map<string, Fate>()
  for (const [index, row] of rows.entries()) {
    const [error, fields] = answers?.[index] ?? [new Error('no answer')]
    if (error) throw error
    fates.set(row.id, fateOf(fields as (string | null)[]))
  }
  return fates
}

function fateOf([timestamp, finishedOn, failedReason]: (string | null | undefined)[]): Fate {
  if (!timestamp) return { state: 'missing' }
  if (!finishedOn) return { state: 'alive' }
  return failedReason ? { state: 'failed', reason: failedReason } : { state: 'completed' }
}

/** What was active is not any more: its worker is past the deadline. */
async function markRecreated(tx: Transaction, rows: readonly InFlight[]): Promise<void> {
  if (rows.length === 0) return
  const ids = rows.map(({ id }) => id)
  await tx.execute(sql`
    update jobs set updated_at = now(), state = case state when 'active' then 'retrying' else state end
      where id = any(${sql.param(ids)}::uuid[])`)
}

interface Compared {
  readonly rows: readonly InFlight[]
  readonly fates: ReadonlyMap<string, Fate>
}

async function markEnded(tx: Transaction, { definitions }: ReconcileParts, { rows, fates }: Compared): Promise<number> {
  let ended = 0
  for (const { id, queue } of rows) {
    const fate = fates.get(id)
    if (fate?.state !== 'completed' && fate?.state !== 'failed') continue
    const deadLetter = definitions.find(({ name }) => name === queue)?.deadLetter ?? true
    const state: JobState = fate.state === 'completed' ? 'completed' : deadLetter ? 'dead' : 'failed'
    const reason = fate.state === 'failed' ? fate.reason : null
    await tx.execute(sql`update jobs set state = ${state}, reason = ${reason}, finished_at = now(), updated_at = now() where id = ${id}`)
    ended++
  }
  return ended
}

/** Failed jobs of the fast path whose dead letter could not be written at the time. What has a row leaves Redis. */
export async function buryFailed({ database, producer, definitions }: RelayParts): Promise<number> {
  let buried = 0
  for (const definition of definitions.filter(({ deadLetter }) => deadLetter)) {
    const queue = await producer.queue(definition)
    const failed = await unlessRedisFails(queue.getJobs(['failed'], 0, page - 1))
    for (const job of failed.filter(({ data }) => !readDurable(data))) {
      const { id, key, payload, tenantId, maxAttempts } = fastWork(job, definition)
      const { reason, stack } = describeError(Object.assign(new Error(job.failedReason), { stack: job.stacktrace?.at(-1) }))
      const createdAt = new Date(job.timestamp)
      const letter = { id, key, payload, tenantId: tenantId ?? platformTenant, queue: queue.name, attempts: job.attemptsMade, maxAttempts }
      await buryJob(database, { ...letter, reason, stack, createdAt })
      await unlessRedisFails(job.remove())
      buried++
    }
  }
  return buried
}

/** Ended rows stay as long as the declaration says. */
export async function removeExpired({ database, definitions }: Pick<RelayParts, 'database' | 'definitions'>): Promise<void> {
  for (const { name, keep } of definitions) {
    await removeOlder(database, name, { states: ['completed'], milliseconds: keep.completed })
    await removeOlder(database, name, { states: ['cancelled', 'failed', 'dead'], milliseconds: keep.failed })
  }
}

async function removeOlder(
  database: RelayParts['database'],
  queue: string,
  { states, milliseconds }: { states: JobState[]; milliseconds: number },
): Promise<void> {
  await query(
    database,
    `delete from jobs where id in (select id from jobs
      where queue = $1 and state = any($2::text[]) and finished_at < now() - $3 * interval '1 ms' limit 1000)`,
    [queue, states, milliseconds],
  )
}
