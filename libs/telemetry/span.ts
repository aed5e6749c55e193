import { type Attributes, SpanKind, trace } from '@opentelemetry/api'

type SpanIds = Readonly<Record<string, string | null | undefined>>

/**
 * Notes on the running span whom and what it is about, by the noun: `{ file: id }` becomes `slipway.file.id`. Traces are found by these;
 * metrics never have them. Does nothing when telemetry is off or the trace is not sampled; a function is not even called then.
 */
export function describeSpan(ids: SpanIds | (() => SpanIds)): void {
  const span = trace.getActiveSpan()
  if (!span?.isRecording()) return
  for (const [noun, id] of Object.entries(typeof ids === 'function' ? ids() : ids)) if (id) span.setAttribute(`slipway.${noun}.id`, id)
}

/** Which route the span of a request is about, by its template; https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
export function nameRoute(method: string, route: string): void {
  const span = trace.getActiveSpan()
  if (span?.isRecording()) span.updateName(`${method} ${route}`).setAttribute('http.route', route)
}

/** A span of what has just ended and took so long, where nothing was at hand while it went on. */
export function recordSpan(name: string, milliseconds: number, attributes: Attributes): void {
  const end = Date.now()
  trace
    .getTracer('slipway')
    .startSpan(name, { kind: SpanKind.CLIENT, startTime: end - milliseconds, attributes })
    .end(end)
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The ids among the fields of a payload: `{ fileId }` says `file`. What is no UUID may be anything, also a secret. */
export function idsIn(fields: object): Record<string, string> {
  const ids = Object.entries(fields).filter(([name, value]) => /.Id$/.test(name) && typeof value === 'string' && uuid.test(value))
  return Object.fromEntries(ids.map(([name, value]) => [name.slice(0, -2), value as string]))
}

type Params = Readonly<Record<string, unknown>>

/** Finds the ids in the parameters of a path: in `/api/v1/dishes/{id}` it is that of a `dish`. */
export function idsOfPath(path: string): (params: Params) => Record<string, string> {
  const named = [...path.matchAll(/\/([^/{}]+)\/\{(\w+)\}/g)].map(([, segment = '', name = '']) => {
    return [name === 'id' ? `${singular(segment)}Id` : name, name] as const
  })
  return (params) => idsIn(Object.fromEntries(named.map(([field, name]) => [field, params[name]])))
}

function singular(noun: string): string {
  return noun
    .replace(/ies$/, 'y')
    .replace(/(sh|ch|x)es$/, '$1')
    .replace(/s$/, '')
}
