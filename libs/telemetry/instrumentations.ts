import { type Span, SpanStatusCode } from '@opentelemetry/api'
import { getNodeAutoInstrumentations, type InstrumentationConfigMap } from '@opentelemetry/auto-instrumentations-node'

/**
 * Requests that come in have spans of our own (`serverSpans`). Database, Redis and outgoing HTTP spans need a parent: polling would otherwise make a trace of each query. Neither the parameters of
 * statements nor the arguments of Redis commands are recorded.
 */
const used = {
  '@opentelemetry/instrumentation-http': {
    enabled: true,
    disableIncomingRequestInstrumentation: true,
    requireParentforOutgoingSpans: true,
  },
  '@opentelemetry/instrumentation-undici': { enabled: true, requireParentforSpans: true },
  '@opentelemetry/instrumentation-pg': { enabled: true, requireParentSpan: true, ignoreConnectSpans: true },
  '@opentelemetry/instrumentation-ioredis': { enabled: true, requireParentSpan: true, dbStatementSerializer: (command: string) => command },
  '@opentelemetry/instrumentation-aws-sdk': { enabled: true, suppressInternalInstrumentation: true, exceptionHook: absenceIsAnAnswer },
  '@opentelemetry/instrumentation-pino': { enabled: true, disableLogSending: true },
  '@opentelemetry/instrumentation-runtime-node': { enabled: true },
} satisfies InstrumentationConfigMap

/** Whoever asks whether an object is there gets an answer either way. As a failure it would make tail sampling keep the trace of every upload. */
function absenceIsAnAnswer(span: Span, { request }: { request: { commandName: string } }, error: unknown): void {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  if (request.commandName === 'HeadObject' && $metadata?.httpStatusCode === 404) span.setStatus({ code: SpanStatusCode.OK })
}

const off = { enabled: false }

/**
 * All that the package offers beyond: it enables whatever is not named, so the type asks for every name after an update. Express would
 * make a span of each middleware; what a request is about, its one span knows from `nameRoute`.
 */
const unused: Required<{ [Name in Exclude<keyof InstrumentationConfigMap, keyof typeof used>]: typeof off }> = {
  '@opentelemetry/instrumentation-amqplib': off,
  '@opentelemetry/instrumentation-aws-lambda': off,
  '@opentelemetry/instrumentation-bunyan': off,
  '@opentelemetry/instrumentation-cassandra-driver': off,
  '@opentelemetry/instrumentation-connect': off,
  '@opentelemetry/instrumentation-cucumber': off,
  '@opentelemetry/instrumentation-dataloader': off,
  '@opentelemetry/instrumentation-dns': off,
  '@opentelemetry/instrumentation-express': off,
  '@opentelemetry/instrumentation-fs': off,
  '@opentelemetry/instrumentation-generic-pool': off,
  '@opentelemetry/instrumentation-graphql': off,
  '@opentelemetry/instrumentation-grpc': off,
  '@opentelemetry/instrumentation-hapi': off,
  '@opentelemetry/instrumentation-host-metrics': off,
  '@opentelemetry/instrumentation-kafkajs': off,
  '@opentelemetry/instrumentation-knex': off,
  '@opentelemetry/instrumentation-koa': off,
  '@opentelemetry/instrumentation-lru-memoizer': off,
  '@opentelemetry/instrumentation-memcached': off,
  '@opentelemetry/instrumentation-mongodb': off,
  '@opentelemetry/instrumentation-mongoose': off,
  '@opentelemetry/instrumentation-mysql': off,
  '@opentelemetry/instrumentation-mysql2': off,
  '@opentelemetry/instrumentation-nestjs-core': off,
  '@opentelemetry/instrumentation-net': off,
  '@opentelemetry/instrumentation-openai': off,
  '@opentelemetry/instrumentation-oracledb': off,
  '@opentelemetry/instrumentation-redis': off,
  '@opentelemetry/instrumentation-restify': off,
  '@opentelemetry/instrumentation-router': off,
  '@opentelemetry/instrumentation-socket.io': off,
  '@opentelemetry/instrumentation-tedious': off,
  '@opentelemetry/instrumentation-winston': off,
}

/** The modules that the instrumentations patch: the loader hook looks at no others, which keeps start-up short. */
export const patchedModules = [
  'http',
  'https',
  'pg',
  'pg-pool',
  'ioredis',
  'pino',
  '@smithy/core',
  '@smithy/smithy-client',
  '@smithy/middleware-stack',
]

export function createInstrumentations() {
  return getNodeAutoInstrumentations({ ...unused, ...used })
}
