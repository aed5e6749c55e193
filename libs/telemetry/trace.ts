import { trace } from '@opentelemetry/api'
import { BullMQOtel } from 'bullmq-otel'
import { runningTelemetry } from './state.ts'

/** The trace of the running request or job, sampled or not; undefined outside of one and when telemetry is off. */
export function currentTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId
}

/** For the `telemetry` option of BullMQ's queues and workers; null when telemetry is off. Metrics come from `queueMetrics()`. */
export function queueTelemetry(): BullMQOtel | null {
  return runningTelemetry() ? new BullMQOtel({ tracerName: 'slipway.queue', enableMetrics: false }) : null
}
