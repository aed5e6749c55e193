import type { Transaction } from '@slipway/db'
import type { Job } from 'bullmq'
import { sql } from 'drizzle-orm'
import type { AnyQueue } from './definition.ts'
import { durableId, isDurableId } from './envelope.ts'
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
const batch = 1000

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
  readonly mayBeLost: boolean
}

/**
 * A row that says `active` is made anew only after its deadline: until then its worker may still be at it, although Redis forgot. That its
 * run has ended is believed at once.
 */
async function reconcilePage(parts: ReconcileParts, after: string): Promise<Reconciled & { last: string | null }> {
  const names = parts.definitions.map(({ name }) => name)
  return parts.database.transaction(async (tx) => {
    const { rows } = await tx.execute<InFlight & Record<string, unknown>>(sql`
      select id, queue, run, state, attempts, max_attempts, traceparent, greatest(0, extract(epoch from run_at - now()) * 1000)::float8 as delay,
        state <> 'active' or deadline_at < now() as "mayBeLost"
        from jobs where state in ('waiting', 'active', 'retrying') and queue = any(${sql.param(names)}::text[]) and id > ${after}
          and updated_at < now() - ${parts.settled} * interval '1 ms'
        order by id limit ${page} for update skip locked`)
    const fates = await fatesOf(parts, rows)
    const lost = rows.filter(({ id, mayBeLost }) => mayBeLost && fates.get(id)?.state === 'missing')
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
      pipeline.hmget(`${prefix}:${queue}:${durableId(id, run)}`, 'timestamp', 'finishedOn', 'returnvalue', 'failedReason')
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

/** A job keeps the reason of its last failure when a later attempt succeeds: only what succeeded has a result. */
function fateOf([timestamp, finishedOn, result, failedReason]: (string | null | undefined)[]): Fate {
  if (!timestamp) return { state: 'missing' }
  if (!finishedOn) return { state: 'alive' }
  return typeof result === 'string' ? { state: 'completed' } : { state: 'failed', reason: failedReason || 'no reason given' }
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
export async function buryFailed(parts: ReconcileParts): Promise<number> {
  let buried = 0
  for (const definition of parts.definitions.filter(({ deadLetter }) => deadLetter)) {
    for (const job of await failedFast(parts, definition)) {
      const { id, key, payload, tenantId, maxAttempts } = fastWork(job, definition)
      const { reason, stack } = describeError(Object.assign(new Error(job.failedReason), { stack: job.stacktrace?.at(-1) }))
      const createdAt = new Date(job.timestamp)
      const letter = {
        id,
        key,
        payload,
        tenantId: tenantId ?? platformTenant,
        queue: definition.name,
        attempts: job.attemptsMade,
        maxAttempts,
      }
      await buryJob(parts.database, { ...letter, reason, stack, createdAt })
      await unlessRedisFails(job.remove())
      buried++
    }
  }
  return buried
}

/** Failed durable jobs stay in Redis as long as `keep` says, and there may be many: they are told by their ids and not loaded. */
async function failedFast({ producer, prefix }: ReconcileParts, definition: AnyQueue): Promise<Job[]> {
  const ids = await producer.redis((connection) => connection.zrange(`${prefix}:${definition.name}:failed`, '0', '-1'))
  const queue = await producer.queue(definition)
  const fast = ids.filter((id) => !isDurableId(id)).slice(0, page)
  const jobs = await unlessRedisFails(Promise.all(fast.map((id) => queue.getJob(id))))
  return jobs.filter((job) => job !== undefined)
}

/** Ended rows stay as long as the declaration says. */
export async function removeExpired({ database, definitions }: Pick<RelayParts, 'database' | 'definitions'>): Promise<void> {
  for (const { name, keep } of definitions) {
    await removeOlder(database, name, { states: ['completed'], milliseconds: keep.completed })
    await removeOlder(database, name, { states: ['cancelled', 'failed', 'dead'], milliseconds: keep.failed })
  }
}

/** In batches, until nothing is left: one batch in a pass would be slower than a busy queue. */
async function removeOlder(
  database: RelayParts['database'],
  queue: string,
  { states, milliseconds }: { states: JobState[]; milliseconds: number },
): Promise<void> {
  for (;;) {
    const removed = await query(
      database,
      `delete from jobs where id in (select id from jobs
        where queue = $1 and state = any($2::text[]) and finished_at < now() - $3 * interval '1 ms' limit ${batch} for update skip locked)
        returning id`,
      [queue, states, milliseconds],
    )
    if (removed.length < batch) return
  }
}
