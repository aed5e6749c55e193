import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Problem } from '@slipway/problem'
import compression from 'compression'
import { ClientGone, hasBody } from './body-source.ts'
import { isNotModified } from './etag.ts'
import type { Exchange } from './exchange.ts'
import { baseHeaders } from './security-headers.ts'

/** An answer whose body is already bytes. */
export interface Rendered {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string | null
}

const compressBytes = 1024
const compress = compression({ threshold: compressBytes })
/** How long, and for how many bytes, a refused upload is read and thrown away so that the client gets to see the refusal. */
const linger = { seconds: 10, bytes: 64 * 1024 * 1024 }
const stalledReaderSeconds = 60

export function answerHeaders(exchange: Exchange): OutgoingHttpHeaders {
  return {
    ...baseHeaders,
    'x-request-id': exchange.id,
    traceparent: exchange.traceParent,
    ...exchange.rateHeaders,
    ...exchange.routeHeaders,
  }
}

/** Sends JSON or text; 304 when the client has this very version already. */
export async function sendRendered(exchange: Exchange, rendered: Rendered): Promise<void> {
  if (exchange.response.headersSent || exchange.gone) return
  const headers = Object.assign(answerHeaders(exchange), rendered.headers)
  const { etag } = headers
  const unchanged = rendered.status === 200 && typeof etag === 'string' && isReading(exchange) && isNotModified(exchange, etag)
  if (unchanged || rendered.body === null) return finish(exchange, { status: unchanged ? 304 : rendered.status, headers, body: null })
  return finish(exchange, { status: rendered.status, headers, body: rendered.body })
}

export function isReading({ method }: { method: string }): boolean {
  return method === 'GET' || method === 'HEAD'
}

async function finish(exchange: Exchange, { status, headers, body }: Rendered): Promise<void> {
  const { request, response } = exchange
  const size = body === null ? 0 : Buffer.byteLength(body)
  if (status !== 204 && status !== 304) headers['content-length'] = size
  if (hasBody(request) && !request.complete) return refuse(exchange, { status, headers, body })
  // A strong ETag names these very bytes (RFC 9110 §8.8.1): what carries one is sent as it is.
  if (size >= compressBytes && request.headers['accept-encoding'] !== undefined && headers.etag === undefined) {
    return sendCompressed(exchange, { status, headers, body })
  }
  response.writeHead(status, headers)
  response.end(body ?? undefined)
}

function sendCompressed({ request, response }: Exchange, { status, headers, body }: Rendered): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value)
  compress(request, response, () => undefined)
  response.end(body ?? undefined)
}

/**
 * The client may still be sending. Closing now would reset the connection and could destroy the answer on its way, so the whole answer
 * goes out first, what still comes is thrown away for a while, and only then the connection is closed.
 */
async function refuse(exchange: Exchange, { status, headers, body }: Rendered): Promise<void> {
  const { request, response } = exchange
  response.writeHead(status, { ...headers, connection: 'close' })
  if (body === null || exchange.method === 'HEAD') response.flushHeaders()
  else response.write(body)
  exchange.refused = true
  if (!exchange.awaitsContinue) await throwAway(request, response)
  response.end()
}

async function throwAway(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.readableEnded || request.destroyed) return
  await new Promise<void>((resolve) => {
    let size = 0
    const timer = setTimeout(resolve, linger.seconds * 1000)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > linger.bytes) done()
    })
    request.once('end', done).once('close', done).once('error', done)
    response.once('close', done)
    request.resume()
  })
}

/** The bytes stopped coming after part of them was sent. */
export class SourceFailed extends Error {
  override readonly name = 'SourceFailed'

  constructor(cause: unknown) {
    super('The answer was cut off because its source failed', { cause })
  }
}

interface Streamed {
  status: number
  headers: OutgoingHttpHeaders
  stream: NodeJS.ReadableStream & { destroy(): void }
}

/** Streams bytes; a reader that takes nothing for a minute is disconnected. */
export async function sendStream(exchange: Exchange, { status, headers, stream }: Streamed): Promise<void> {
  const { request, response } = exchange
  if (exchange.gone || exchange.overdue || request.method === 'HEAD') stream.destroy()
  if (exchange.gone || exchange.overdue) return
  try {
    response.writeHead(status, { ...answerHeaders(exchange), ...headers })
  } catch (error) {
    stream.destroy()
    throw error
  }
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  response.setTimeout(stalledReaderSeconds * 1000, () => response.destroy())
  await pipeline(stream, response).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ERR_STREAM_PREMATURE_CLOSE' ? new ClientGone() : new SourceFailed(error)
  })
}

/** The one renderer of RFC 9457 problems. */
export function renderProblem(exchange: Exchange, failure: Problem): Rendered {
  const details = failure.details({ instance: exchange.path, traceId: exchange.traceId })
  return {
    status: failure.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(failure.retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(failure.retryAfter))) }),
      ...failure.headers,
    },
    body: JSON.stringify(details),
  }
}
