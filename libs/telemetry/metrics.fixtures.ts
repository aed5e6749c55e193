import { type Attributes, metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

export interface Point {
  attributes: Attributes
  /** Of a histogram: its sum and count. */
  value: unknown
}

/** The real SDK, which exports into memory when it is asked to. */
export interface MetricMemory extends AsyncDisposable {
  /** Every point of one metric. */
  points(name: string): Promise<Point[]>
  all(): Promise<MetricData[]>
}

/** Global from here until it is disposed; instruments that were made before stay silent. */
export function rememberMetrics(): MetricMemory {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
  const all = async () => {
    exporter.reset()
    await reader.forceFlush()
    return exporter.getMetrics().flatMap((batch) => batch.scopeMetrics.flatMap((scope) => scope.metrics))
  }
  return {
    all,
    async points(name) {
      const found = (await all()).filter((metric) => metric.descriptor.name === name)
      return found.flatMap((metric) => pointsOf(metric))
    },
    async [Symbol.asyncDispose]() {
      metrics.disable()
      await provider.shutdown()
    },
  }
}

function pointsOf(metric: MetricData): Point[] {
  if (metric.dataPointType !== DataPointType.HISTOGRAM) return metric.dataPoints.map(({ attributes, value }) => ({ attributes, value }))
  return metric.dataPoints.map(({ attributes, value: { sum, count } }) => ({ attributes, value: { sum, count } }))
}
