import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { trace } from '@opentelemetry/api'
import type { Principal } from '@slipway/auth'
import { nameRoute } from '@slipway/telemetry/span'
import type { Request, Response } from 'express'
import type { RequestInfo, Tenant } from './contract.ts'

const saneId = /^[\w.:@/+=-]{1,128}$/
const traceParent = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-|$)/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

/** One request and its answer: what the log line, the problem and the handler say about it. */
export class Exchange implements RequestInfo {
  readonly request: Request
  readonly response: Response
  readonly id: string
  /** Taken at once: it is gone with the connection. */
  readonly ip: string
  readonly traceId: string
  readonly traceParent: string
  readonly started = performance.now()
  /** Pattern of the matched route, for logs and metrics; null until one matched. */
  route: string | null = null
  operation: string | null = null
  principal: Principal | null = null
  tenant: Tenant | null = null
  #awaitsContinue: boolean
  /** The whole answer was written, although the connection was still busy with the request. */
  refused = false
  /** Headers of the rate limiter, which every answer carries. */
  rateHeaders: Readonly<Record<string, string>> | null = null
  /** Headers that the contract of the route wants on every answer. */
  routeHeaders: Readonly<Record<string, string>> | null = null
  /** Since when, by the monotonic clock, the client waits for us; null while we wait for the client. */
  workingSince: number | null = this.started
  /** An answer was given because the real one took too long; nobody waits for that any more. */
  overdue = false
  #abort: AbortController | null = null

  constructor(request: Request, response: Response) {
    this.request = request
    this.response = response
    this.id = requestId(request.headers['x-request-id'])
    this.ip = request.ip ?? ''
    const span = traceOf(request.headers)
    this.traceId = span.traceId
    this.#awaitsContinue = awaitingContinue.has(request)
    this.traceParent = `00-${span.traceId}-${span.spanId}-${span.flags}`
  }

  /** A route of the table was found; `operation` is null when it does not take the method. */
  matched(route: string, operation: string | null = null): void {
    this.route = route
    this.operation = operation
    nameRoute(this.method, route)
  }

  get userAgent(): string {
    return (this.request.headers['user-agent'] ?? '').slice(0, 512)
  }

  get method(): string {
    return this.request.method
  }

  get url(): string {
    return this.request.originalUrl
  }

  get path(): string {
    const end = this.url.indexOf('?')
    return end === -1 ? this.url : this.url.slice(0, end)
  }

  /** What follows the `?`. */
  get search(): string {
    const start = this.url.indexOf('?')
    return start === -1 ? '' : this.url.slice(start + 1)
  }

  /** As the trusted proxy says it. */
  get host(): string {
    return this.request.host ?? ''
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers
  }

  /** Made when somebody asks for it: most handlers never do. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.gone || this.overdue) this.#abort.abort()
    return this.#abort.signal
  }

  get closing(): AbortSignal {
    return (this.request as Marked)[ofServer] ?? never
  }

  /** Whether the connection closed before the answer was complete. */
  get gone(): boolean {
    return this.response.destroyed && !this.response.writableFinished
  }

  /** Tells a client that waits to send its body now. Only called when the body is wanted, so that a refusal saves the upload. */
  invite(): void {
    if (!this.#awaitsContinue) return
    this.#awaitsContinue = false
    this.response.writeContinue()
  }

  /** Whether the client still waits for `100 Continue`, so that no body is on its way. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue
  }

  /** The client will be told that it took too long: who works for it may stop. */
  expire(): void {
    this.overdue = true
    this.#abort?.abort()
  }

  closed(): void {
    if (!this.response.writableFinished) this.#abort?.abort()
  }
}

const ofResponse = Symbol('exchange')
const ofServer = Symbol('closing')

/**
 * What requests and answers carry of ours. On the objects themselves: WeakMaps with an entry for each request are slower, and more work for
 * the garbage collector.
 */
interface Marked {
  [ofResponse]?: Exchange
  /** Aborted when the server that the request came to is closing. */
  [ofServer]?: AbortSignal
}

export function openExchange(request: Request, response: Response & Marked): Exchange {
  const exchange = new Exchange(request, response)
  response[ofResponse] = exchange
  return exchange
}

export function exchangeOf(request: Request, response: Response & Marked): Exchange {
  return response[ofResponse] ?? openExchange(request, response)
}

/** Requests that came with `Expect: 100-continue` and have not been told to go on. */
const awaitingContinue = new WeakSet<object>()

export function markAwaitingContinue(request: object): void {
  awaitingContinue.add(request)
}

const never = new AbortController().signal

export function tellOfClosing(request: IncomingMessage & Marked, signal: AbortSignal): void {
  request[ofServer] = signal
}

function requestId(sent: string | string[] | undefined): string {
  return typeof sent === 'string' && saneId.test(sent) ? sent : randomUUID()
}

/** The active span, else the caller's `traceparent` (W3C Trace Context level 1), else a trace of our own: never an error. */
function traceOf(headers: IncomingHttpHeaders): { traceId: string; spanId: string; flags: string } {
  const active = trace.getActiveSpan()?.spanContext()
  if (active && active.traceId !== noTrace) {
    return { traceId: active.traceId, spanId: active.spanId, flags: active.traceFlags.toString(16).padStart(2, '0') }
  }
  const sent = headers.traceparent
  const match = typeof sent === 'string' ? traceParent.exec(sent) : null
  const [, traceId, parent, flags] = match ?? []
  const valid = traceId && traceId !== noTrace && parent !== noSpan && !sent?.toString().startsWith('ff')
  return { traceId: valid ? traceId : hex(), spanId: hex().slice(0, 16), flags: valid && flags ? flags : '00' }
}

/** 32 digits, all but 6 bits of them random. Node keeps random bytes for UUIDs at hand; asking it for 16 costs far more. */
function hex(): string {
  const id = randomUUID()
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24)
}
