export { createLog, type Log, type LogSettings } from './log.ts'
export {
  type HttpMetrics,
  httpMetrics,
  meter,
  type PoolCounts,
  poolMetrics,
  type QueueDepth,
  type QueueMetrics,
  queueMetrics,
  type ScanMetrics,
  scanMetrics,
} from './metrics.ts'
export { isSensitive, redact } from './redact.ts'
export { currentTraceId, queueTelemetry, shutdownTelemetry } from './trace.ts'
