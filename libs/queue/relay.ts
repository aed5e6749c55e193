import type { Database, Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { jobOptions } from './client.ts'
import type { AnyQueue } from './definition.ts'
import { type DurableJob, durableId } from './envelope.ts'
import type { Producer } from './producer.ts'
import { unlessRedisFails } from './producer.ts'
import { traceMetadata } from './trace.ts'

/** What Redis has to know of a row. */
export interface OwedJob {
  readonly id: string
  readonly queue: string
  readonly run: number
  readonly attempts: number
  readonly max_attempts: number
  /** Milliseconds. */
  readonly delay: number
  readonly traceparent: string | null
}

export interface RelayParts {
  readonly database: Database
  readonly producer: Producer
  readonly definitions: readonly AnyQueue[]
}

export const relayBatch = 200

/**
 * Hands one batch of committed intents to Redis. Correct with any number of hosts at once: rows are locked, and what was added before a
 * crash is added again under the same id, which BullMQ ignores. Work of a key that is in flight stays until that has ended.
 * @returns how many were handed over
 */
export async function relayPass({ database, producer, definitions }: RelayParts): Promise<number> {
  const names = definitions.map(({ name }) => name)
  return database.transaction(async (tx) => {
    const { rows } = await tx.execute<OwedJob & Record<string, unknown>>(sql`
      select id, queue, run, attempts, max_attempts, traceparent,
          greatest(0, extract(epoch from run_at - now()) * 1000)::float8 as delay
        from jobs as owed
        where state = 'pending' and queue = any(${sql.param(names)}::text[]) and not exists (
          select from jobs as other where other.queue = owed.queue and other.tenant_id = owed.tenant_id and other.key = owed.key
            and other.state in ('waiting', 'active', 'retrying') and other.id <> owed.id)
        order by id limit ${relayBatch} for update skip locked`)
    if (rows.length === 0) return 0
    await addOwed(producer, definitions, rows)
    await markWaiting(tx, rows)
    return rows.length
  })
}

async function markWaiting(tx: Transaction, rows: readonly OwedJob[]): Promise<void> {
  const ids = rows.map(({ id }) => id)
  await tx.execute(sql`update jobs set state = 'waiting', updated_at = now() where id = any(${sql.param(ids)}::uuid[])`)
}

export async function addOwed(producer: Producer, definitions: readonly AnyQueue[], rows: readonly OwedJob[]): Promise<void> {
  for (const definition of definitions) {
    const jobs = rows.filter(({ queue }) => queue === definition.name).map((row) => bullJob(definition, row))
    if (jobs.length === 0) continue
    const queue = await producer.queue(definition)
    await unlessRedisFails(queue.addBulk(jobs))
  }
}

/** A copy that Redis lost keeps the attempts it has spent; the last one is granted again, as nobody knows how it went. */
function bullJob(definition: AnyQueue, { id, run, attempts, max_attempts: most, delay, traceparent }: OwedJob) {
  const spent = Math.min(attempts, most - 1)
  const data: DurableJob = { row: id, run, spent }
  return {
    name: definition.name,
    data,
    opts: {
      ...jobOptions(definition),
      attempts: most - spent,
      jobId: durableId(id, run),
      delay: Math.round(delay),
      ...traceMetadata(traceparent),
    },
  }
}
