import type { Database } from '@slipway/db'
import type { Job } from 'bullmq'
import type { QueueClient } from './client.ts'
import type { AnyQueue } from './definition.ts'
import { query } from './ledger.ts'
import { unlessRedisFails } from './producer.ts'

export interface Backlog {
  readonly queue: string
  /** By state; those of a store that does not answer are absent. */
  readonly jobs: Partial<Record<'pending' | 'dead' | 'waiting' | 'active' | 'delayed' | 'failed', number>>
  /** Since the job that has waited longest could have run; 0 when none waits, null when neither store tells. */
  readonly oldestSeconds: number | null
}

interface OwedRow {
  queue: string
  pending: number
  dead: number
  /** Of pending jobs that could run. */
  oldest: number | null
}

interface BacklogParts {
  readonly definitions: readonly AnyQueue[]
  /** The system role. */
  readonly database: Database
}

/** What the queues of a service have before them, of all tenants and both ways of asking for a job. */
export async function readBacklog(queues: QueueClient, { definitions, database }: BacklogParts, now: () => number): Promise<Backlog[]> {
  const owed = readOwed(database, definitions).catch(() => null)
  return await Promise.all(
    definitions.map(async (definition) => {
      const [rows, redis] = await Promise.all([owed, readRedis(queues, definition, now).catch(() => null)])
      const { pending = 0, dead = 0, oldest = null } = rows?.find(({ queue }) => queue === definition.name) ?? {}
      const ages = [oldest, redis?.oldest ?? null].filter((age) => age !== null)
      return {
        queue: definition.name,
        jobs: { ...(rows ? { pending, dead } : {}), ...redis?.jobs },
        oldestSeconds: rows || redis ? Math.max(0, ...ages) : null,
      }
    }),
  )
}

/** Both states have an index, and both are few in good times. A dead letter that was replayed is nobody's concern any more. */
async function readOwed(database: Database, definitions: readonly AnyQueue[]): Promise<OwedRow[]> {
  if (definitions.length === 0) return []
  return await query<OwedRow>(
    database,
    `select queue, count(*) filter (where state = 'pending')::int as pending, count(*) filter (where state = 'dead')::int as dead,
        extract(epoch from now() - min(greatest(created_at, run_at)) filter (where state = 'pending' and run_at <= now()))::float8 as oldest
      from jobs where state = 'pending' or (queue = any($1::text[]) and state = 'dead' and finished_at is not null and replayed_as is null)
      group by queue`,
    [definitions.map(({ name }) => name)],
  )
}

async function readRedis(queues: QueueClient, definition: AnyQueue, now: () => number) {
  const { completed: _, ...jobs } = await queues.counts(definition)
  const queue = await queues.queue(definition)
  const [oldest] = await unlessRedisFails(queue.getJobs(['waiting'], 0, 0, true) as Promise<(Job | undefined)[]>)
  return { jobs, oldest: oldest ? (now() - oldest.timestamp - oldest.delay) / 1000 : null }
}
