import '@slipway/telemetry/register'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'

// Ours makes the spans of its requests itself. Fastify gets them, and their metric, as whoever takes it would: by the instrumentation.
new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true })
