import { SpanStatusCode, trace } from '@opentelemetry/api'
import { shutdownTelemetry } from './shutdown.ts'

/** Runs a command of a short-lived process as a trace of its own, and sends it before the process ends. */
export async function traceCommand<T>(name: string, command: () => Promise<T>): Promise<T> {
  try {
    return await trace.getTracer('slipway.command').startActiveSpan(name, async (span) => {
      try {
        return await command()
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error))
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
  } finally {
    await shutdownTelemetry()
  }
}
