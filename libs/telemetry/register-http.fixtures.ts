import './register.ts'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'

/**
 * A preload for servers that are not ours, to compare with: they get the spans of their requests, and their metric, as whoever takes the
 * instrumentation does.
 */
export const instrumentation = new HttpInstrumentation({ disableOutgoingRequestInstrumentation: true })
