import type { JobView } from '@slipway/queue'
import { z } from 'zod'

export const states = ['pending', 'waiting', 'active', 'retrying', 'completed', 'cancelled', 'failed', 'dead'] as const
const time = z.iso.datetime()

export const Job = z.object({
  id: z.string(),
  queue: z.string(),
  key: z.string().nullable().describe('What the work is called; null when no two requests are the same'),
  state: z.enum(states).describe('`dead`: failed for good and waiting for a person'),
  tenantId: z.string().nullable(),
  payload: z.unknown(),
  attempts: z.number().int(),
  maxAttempts: z.number().int(),
  createdAt: time,
  runAt: time,
  startedAt: time.nullable(),
  finishedAt: time.nullable(),
  cancelRequestedAt: time.nullable(),
  reason: z.string().nullable().describe('Why the last attempt failed'),
  stack: z.string().nullable().describe('For operators only'),
  actor: z.string().nullable(),
  replayOf: z.string().nullable(),
  replayedAs: z.string().nullable(),
  durable: z.boolean().describe('False: only in Redis until it fails'),
  traceId: z.string().nullable().describe('Of what requested it; null without telemetry'),
})

const Spread = z.object({ jobs: z.number().int(), median: z.number(), p95: z.number() })

export const Overview = z.object({
  queue: z.string(),
  jobs: z.record(z.enum(states), z.number().int()),
  oldestWaitingAt: time.nullable(),
  oldestWaitingSeconds: z.number().nullable().describe('Age of the oldest job that could run now'),
  waited: Spread.nullable().describe('Seconds to the first start, of jobs that started within 24 hours; null: none did'),
  ran: Spread.nullable().describe('Seconds of the last attempt of such jobs that have ended; null: none has'),
  workers: z.number().int().nullable().describe('Worker processes that take its jobs now; null when Redis does not tell'),
  redis: z.record(z.string(), z.number()).nullable().describe('What Redis counts over all tenants; for operators only'),
})

/** A stack names our files: it is for those who can read them. */
export function jobBody(job: JobView, withStack: boolean) {
  return {
    ...job,
    stack: withStack ? job.stack : null,
    createdAt: job.createdAt.toISOString(),
    runAt: job.runAt.toISOString(),
    startedAt: timeText(job.startedAt),
    finishedAt: timeText(job.finishedAt),
    cancelRequestedAt: timeText(job.cancelRequestedAt),
  }
}

export function timeText(time: Date | null): string | null {
  return time && time.toISOString()
}
