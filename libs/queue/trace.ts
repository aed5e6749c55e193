import { context, propagation, trace } from '@opentelemetry/api'

/** The W3C `traceparent` of what runs now; null without telemetry. */
export function currentTraceparent(): string | null {
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  return carrier.traceparent ?? null
}

export function currentTrace(): string | null {
  return trace.getActiveSpan()?.spanContext().traceId ?? null
}

/** As BullMQ keeps it with a job: the propagation headers as JSON. */
export function traceMetadata(traceparent: string | null): { telemetry?: { metadata: string } } {
  return traceparent === null ? {} : { telemetry: { metadata: JSON.stringify({ traceparent }) } }
}

/** What BullMQ keeps with a job, by `traceMetadata` or by its own telemetry. */
export function traceparentIn(metadata: string | undefined): string | null {
  return /"traceparent":"([^"]*)"/.exec(metadata ?? '')?.[1] ?? null
}

export function traceOf(traceparent: string | null): string | null {
  return traceparent?.split('-')[1] ?? null
}
