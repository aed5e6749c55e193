import { describe, expect, test } from 'vitest'
import type { JobItem } from '../../api/calls.ts'
import { spreadText, timesOf, timesText, traceOf } from './times.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString()
const job: JobItem = {
  id: '1',
  queue: 'q',
  key: null,
  state: 'completed',
  tenantId: null,
  payload: null,
  attempts: 1,
  maxAttempts: 3,
  createdAt: at(0),
  runAt: at(0),
  startedAt: at(2),
  finishedAt: at(5),
  cancelRequestedAt: null,
  reason: null,
  stack: null,
  actor: null,
  replayOf: null,
  replayedAs: null,
  durable: true,
  traceId: null,
}

describe('how long a job', () => {
  test('waited and ran', () => {
    expect(timesOf(job)).toEqual({ waited: 2, ran: 3 })
    expect(timesText(job)).toBe('waited 2.0 s, ran 3.0 s')
  })

  test('that was to run later has waited from then', () => {
    expect(timesOf({ ...job, runAt: at(1.5) }).waited).toBe(0.5)
  })

  test('that runs, waits, or was tried again, is told as far as it is known', () => {
    expect(timesOf({ ...job, finishedAt: null })).toEqual({ waited: 2, ran: null })
    expect(timesText({ ...job, startedAt: null, finishedAt: null })).toBe('')
    expect(timesOf({ ...job, attempts: 2 })).toEqual({ waited: null, ran: 3 })
  })

  test('is never below zero, whatever clocks say', () => {
    expect(timesOf({ ...job, startedAt: at(-1), finishedAt: at(-2) })).toEqual({ waited: 0, ran: null })
  })
})

test('a spread is said in words', () => {
  expect(spreadText({ jobs: 3, median: 0.2, p95: 3 })).toBe('200 ms, 95 % within 3.0 s')
  expect(spreadText(null)).toBe('none in 24 hours')
})

test('the trace is that of the job, or what its payload carries', () => {
  const trace = 'a'.repeat(32)
  expect(traceOf({ traceId: 'b'.repeat(32), payload: { traceparent: `00-${trace}-1` } })).toBe('b'.repeat(32))
  expect(traceOf({ traceId: null, payload: { deep: { traceparent: `00-${trace}-b7ad6b7169203331-01` } } })).toBe(trace)
  expect(traceOf({ traceId: null, payload: undefined })).toBeNull()
})
