import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Attributes, context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { hideValues } from './span-values.ts'
import { runningTelemetry } from './state.ts'

/** A request of Express, which knows what of forwarded headers is to be believed. */
export interface ServedRequest extends IncomingMessage {
  readonly originalUrl: string
  readonly protocol: string
  readonly host: string | undefined
  readonly ip: string | undefined
}

type InSpan = (request: ServedRequest, response: ServerResponse, handle: () => void) => void

/**
 * Makes the span of each request but those of probes, with the attributes of
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span; what `handle` begins belongs to it. Null when telemetry
 * is off.
 *
 * Not instrumentation-http: it gathers all attributes before it asks whether to sample, makes no span for a request that waits for
 * `100 Continue`, and believes every client about its address.
 */
export function serverSpans(): InSpan | null {
  if (!runningTelemetry()) return null
  const tracer = trace.getTracer('slipway')
  return (request, response, handle) => {
    if (isProbe(request.originalUrl)) return handle()
    const caller = propagation.extract(ROOT_CONTEXT, request.headers)
    const { method = 'GET' } = request
    const span = tracer.startSpan(methods.has(method) ? method : 'HTTP', { kind: SpanKind.SERVER }, caller)
    if (span.isRecording()) {
      span.setAttributes(attributesOf(request, method))
      response.once('close', () => endSpan(span, response))
    }
    context.with(trace.setSpan(caller, span), handle)
  }
}

/** Probes come every few seconds and would drown the traces of people. */
export function isProbe(url: string): boolean {
  return /^\/health(\/|\?|$)/.test(url)
}

/** Those that the conventions know; any other is `_OTHER`. */
const methods = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

function attributesOf(request: ServedRequest, method: string): Attributes {
  const { originalUrl, socket } = request
  const [path = '', query] = originalUrl.split('?', 2)
  const [, address, port] = /^(.*?)(?::(\d+))?$/.exec(request.host ?? '') ?? []
  return {
    'http.request.method': methods.has(method) ? method : '_OTHER',
    'http.request.method_original': methods.has(method) ? undefined : method,
    'url.scheme': request.protocol,
    'url.path': path,
    'url.query': query ? hideValues(query) : undefined,
    'server.address': address || undefined,
    'server.port': port === undefined ? undefined : Number(port),
    'client.address': request.ip,
    'network.peer.address': socket.remoteAddress,
    'network.peer.port': socket.remotePort,
    'network.protocol.version': request.httpVersion,
    'user_agent.original': request.headers['user-agent']?.slice(0, 512),
  }
}

/** Only a fault of ours is a failed span: the answer to a bad request is right. */
function endSpan(span: Span, { headersSent, statusCode }: ServerResponse): void {
  if (headersSent) span.setAttribute('http.response.status_code', statusCode)
  if (headersSent && statusCode >= 500) span.setAttribute('error.type', String(statusCode)).setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
