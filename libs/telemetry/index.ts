export { catalogue, type MetricName } from './catalogue.ts'
export { metricsAreOn, type ObservedName, observe, type Report } from './instruments.ts'
export { libraryMetrics } from './library-metrics.ts'
export { createLog, type Log, type LogSettings } from './log.ts'
export type { Metric } from './metric.ts'
export {
  type Acquired,
  acquireMetrics,
  displacedMetrics,
  type HttpMetrics,
  httpMetrics,
  type JobEnd,
  type JobMetrics,
  jobMetrics,
  rescanMetrics,
  type ScanMetrics,
  type StorageOperation,
  scanMetrics,
  scanPlaceMetrics,
  storageMetrics,
} from './metrics.ts'
export { metricsPage } from './metrics-page.ts'
export { type PrometheusMetric, prometheusMetrics } from './prometheus.ts'
export { isSensitive, redact } from './redact.ts'
export { shutdownTelemetry } from './shutdown.ts'
export { currentTraceId, queueTelemetry } from './trace.ts'
