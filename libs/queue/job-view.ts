import type { Job } from 'bullmq'
import type { AnyQueue } from './definition.ts'
import type { JobState } from './ledger.ts'
import { platformTenant } from './payload.ts'
import { fastWork } from './run.ts'
import { traceOf, traceparentIn } from './trace.ts'

/** A job as administrators see it. */
export interface JobView {
  readonly id: string
  readonly queue: string
  /** What the work is called; null when no two requests are the same. */
  readonly key: string | null
  readonly state: JobState
  /** Null: the platform's own. */
  readonly tenantId: string | null
  readonly payload: unknown
  readonly attempts: number
  readonly maxAttempts: number
  readonly createdAt: Date
  /** Not before. */
  readonly runAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly cancelRequestedAt: Date | null
  /** Why the last attempt failed. */
  readonly reason: string | null
  readonly stack: string | null
  /** Who requested it, or the last change of it. */
  readonly actor: string | null
  readonly replayOf: string | null
  readonly replayedAs: string | null
  /** False: added by the fast path or a schedule, and only in Redis until it fails. */
  readonly durable: boolean
  /** Of what requested it; null without telemetry. */
  readonly traceId: string | null
  /** What the processor last said; null in lists, and when Redis does not know it any more. */
  readonly progress: unknown
}

export interface JobRow extends Record<string, unknown> {
  id: string
  queue: string
  run: number
  state: JobState
  tenant_id: string
  payload: unknown
  key: string | null
  attempts: number
  max_attempts: number
  created_at: Date | string
  run_at: Date | string
  started_at: Date | string | null
  finished_at: Date | string | null
  cancel_requested_at: Date | string | null
  reason: string | null
  stack: string | null
  traceparent: string | null
  actor: string | null
  replay_of: string | null
  replayed_as: string | null
}

export function viewOfRow(row: JobRow): JobView {
  return {
    id: row.id,
    queue: row.queue,
    key: row.key,
    state: row.state,
    tenantId: row.tenant_id === platformTenant ? null : row.tenant_id,
    payload: row.payload,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    createdAt: new Date(row.created_at),
    runAt: new Date(row.run_at),
    startedAt: dateOrNull(row.started_at),
    finishedAt: dateOrNull(row.finished_at),
    cancelRequestedAt: dateOrNull(row.cancel_requested_at),
    reason: row.reason,
    stack: row.stack,
    actor: row.actor,
    replayOf: row.replay_of,
    replayedAs: row.replayed_as,
    durable: true,
    traceId: traceOf(row.traceparent),
    progress: null,
  }
}

function dateOrNull(value: Date | string | number | null | undefined): Date | null {
  return value === null || value === undefined ? null : new Date(value)
}

export async function viewOfFast(job: Job, definition: AnyQueue): Promise<JobView> {
  const { id, payload, tenantId, key, maxAttempts } = fastWork(job, definition)
  return {
    id,
    queue: definition.name,
    key,
    state: stateOf(await job.getState(), job.attemptsMade),
    tenantId,
    payload,
    attempts: job.attemptsMade,
    maxAttempts,
    createdAt: new Date(job.timestamp),
    runAt: new Date(job.timestamp + job.delay),
    startedAt: dateOrNull(job.processedOn),
    finishedAt: dateOrNull(job.finishedOn),
    cancelRequestedAt: null,
    reason: job.failedReason ?? null,
    stack: job.stacktrace?.at(-1) ?? null,
    actor: null,
    replayOf: null,
    replayedAs: null,
    durable: false,
    traceId: traceOf(traceparentIn(job.opts.telemetry?.metadata)),
    progress: job.progress,
  }
}

function stateOf(state: string, attempts: number): JobState {
  if (state === 'active' || state === 'completed' || state === 'failed') return state
  return state === 'delayed' && attempts > 0 ? 'retrying' : 'waiting'
}
