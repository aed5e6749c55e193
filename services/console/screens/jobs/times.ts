import type { JobItem, QueueItem } from '../../api/calls.ts'
import { workTimeText } from '../../api/words.ts'

export interface JobTimes {
  /** Seconds; of a first attempt only, because a later one waits for its backoff. */
  readonly waited: number | null
  /** Seconds of the last attempt; null while it runs. */
  readonly ran: number | null
}

export function timesOf({ createdAt, runAt, startedAt, finishedAt, attempts }: JobItem): JobTimes {
  if (startedAt === null) return { waited: null, ran: null }
  const started = Date.parse(startedAt)
  const due = Math.max(Date.parse(createdAt), Date.parse(runAt))
  const ended = finishedAt === null ? null : Date.parse(finishedAt)
  return {
    waited: attempts === 1 ? Math.max(0, (started - due) / 1000) : null,
    // What was cancelled while it waited for its next attempt ended after the last start, and did not run.
    ran: ended === null || ended < started ? null : (ended - started) / 1000,
  }
}

/** `waited 12 ms, ran 1.2 s` */
export function timesText(job: JobItem): string {
  const { waited, ran } = timesOf(job)
  return [waited === null ? [] : `waited ${workTimeText(waited)}`, ran === null ? [] : `ran ${workTimeText(ran)}`].flat().join(', ')
}

/** `0.2 s, 95 % within 3.0 s` */
export function spreadText(spread: QueueItem['waited']): string {
  return spread === null ? 'none in 24 hours' : `${workTimeText(spread.median)}, 95 % within ${workTimeText(spread.p95)}`
}

/** Where the API knows no trace, the payload may carry one, as W3C trace context. */
export function traceOf({ traceId, payload }: Pick<JobItem, 'traceId' | 'payload'>): string | null {
  return traceId ?? /00-([0-9a-f]{32})-/.exec(JSON.stringify(payload) ?? '')?.[1] ?? null
}
