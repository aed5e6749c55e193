import { setTimeout as wait } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { BullMQOtel } from 'bullmq-otel'
import { runningTelemetry, setRunning } from './state.ts'

/** The trace of the running request or job, sampled or not; undefined outside of one and when telemetry is off. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId
}

/** For the `telemetry` option of BullMQ's queues and workers; null when telemetry is off. Metrics come from `queueMetrics()`. */
export function queueTelemetry(): BullMQOtel | null {
  return runningTelemetry() ? new BullMQOtel({ tracerName: 'slipway.queue', enableMetrics: false }) : null
}

/**
 * Sends what is still held back; the last step of a shutdown. Neither rejects nor outlasts `seconds`: an unreachable collector must
 * not fail a process.
 */
export async function shutdownTelemetry(seconds = 5): Promise<void> {
  const telemetry = runningTelemetry()
  if (!telemetry) return
  setRunning(null)
  const flushed = telemetry.shutdown().catch(() => undefined)
  await Promise.race([flushed, wait(seconds * 1000, undefined, { ref: false })])
}
