import { context, propagation, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import { setRunning } from './state.ts'

/** The real SDK, which keeps the spans that have ended. */
export interface SpanMemory extends AsyncDisposable {
  readonly spans: readonly ReadableSpan[]
}

/** Telemetry is on from here until it is disposed; without instrumentations, so that only our own spans are made. */
export function rememberSpans({ ratio = 1 } = {}): SpanMemory {
  const exporter = new InMemorySpanExporter()
  const sdk = new NodeSDK({
    sampler: new TraceIdRatioBasedSampler(ratio),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    metricReaders: [],
    logRecordProcessors: [],
    autoDetectResources: false,
  })
  sdk.start()
  setRunning({ shutdown: () => sdk.shutdown() })
  return {
    get spans() {
      return exporter.getFinishedSpans()
    },
    async [Symbol.asyncDispose]() {
      setRunning(null)
      await sdk.shutdown()
      trace.disable()
      context.disable()
      propagation.disable()
    },
  }
}
