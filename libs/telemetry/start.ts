import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { envDetector, hostDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationType, PeriodicExportingMetricReader, type ViewOptions } from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { createInstrumentations, patchedModules } from './instrumentations.ts'
import { createSampler } from './sampler.ts'
import type { TelemetrySettings } from './settings.ts'
import { withoutValues } from './span-values.ts'
import { setRunning } from './state.ts'

/** Of one export with all its retries. It also bounds how long an unreachable collector keeps a process from ending. */
const timeoutMillis = 5000

/**
 * The loader hook comes first: whatever is imported before it stays unpatched. Endpoint and headers of the exporters and
 * `service.name` are read by OpenTelemetry itself, from the `OTEL_*` variables that its specification names.
 */
export function startTelemetry(settings: TelemetrySettings): void {
  register({ include: patchedModules })
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({ 'service.name': 'slipway', 'service.instance.id': settings.instance }),
    // Not the process detector: it sends the command line, in which people put secrets.
    resourceDetectors: [envDetector, hostDetector],
    sampler: createSampler(settings),
    spanProcessors: [withoutValues, new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ timeoutMillis }) })],
    metricReaders: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ timeoutMillis }),
        exportIntervalMillis: settings.metricSeconds * 1000,
      }),
    ],
    views,
    // Logs go to standard output, where the collector reads them.
    logRecordProcessors: [],
    instrumentations: createInstrumentations(),
  })
  sdk.start()
  setRunning({ shutdown: () => sdk.shutdown() })
}

/** We record these ourselves, by route template and by role; two sources of one name would count everything twice. */
const dropped: ViewOptions[] = [{ meterName: '@opentelemetry/instrumentation-pg', instrumentName: 'db.client.connection.*' }].map(
  (selector) => ({ ...selector, aggregation: { type: AggregationType.DROP } }),
)

/** Their attributes name hosts and first words of statements. Beyond it a series says `otel.metric.overflow`. */
const limited: ViewOptions[] = ['http.client.request.duration', 'db.client.operation.duration'].map((instrumentName) => ({
  instrumentName,
  aggregationCardinalityLimit: 300,
}))

const views = [...dropped, ...limited]
