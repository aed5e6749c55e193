import { setMaxListeners } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { problem } from '@slipway/problem'
import { markAwaitingContinue, tellOfClosing } from './exchange.ts'

export interface ListenOptions {
  host: string
  /** 0 = any free port. */
  port: number
  /** How long requests in flight may take once closing has begun. */
  closeSeconds?: number | undefined
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Stops accepting, lets requests in flight finish and cuts them off at the deadline. Safe to call again. */
  close(seconds?: number): Promise<void>
}

/**
 * Limits against slow clients: headers in 10 s; bodies have a pace instead of a total time, so that large uploads over slow lines work
 * (`BodySource`); answers that nobody takes are dropped (`sendStream`). Connections stay open longer than those of load balancers (60 s
 * is common), which otherwise meet a closing one.
 */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 0,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
  noDelay: true,
}

/** @throws what Node throws when the address cannot be bound (EADDRINUSE, EACCES) */
export async function listen(app: RequestListener, { host, port, closeSeconds = 20 }: ListenOptions): Promise<HttpServer> {
  const server = createServer(limits)
  server.maxHeadersCount = 100
  const traffic = track(server, app)
  server.on('clientError', answerMalformed)
  server.listen(port, host)
  await new Promise<void>((resolve, reject) => void server.once('listening', resolve).once('error', reject))
  const bound = server.address() as AddressInfo
  let closing: Promise<void> | null = null
  const close = (seconds = closeSeconds) => (closing ??= closeServer(server, traffic, seconds))
  const shownHost = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return { url: `http://${shownHost}:${bound.port}`, port: bound.port, server, close, [Symbol.asyncDispose]: () => close() }
}

interface Traffic {
  /** Every answer that is not complete yet. */
  readonly inFlight: ReadonlySet<ServerResponse>
  readonly sockets: ReadonlySet<Socket>
  /** Aborted at the beginning of the closing. */
  readonly closing: AbortController
}

function track(server: Server, app: RequestListener): Traffic {
  const inFlight = new Set<ServerResponse>()
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  // One listener for each answer without an end.
  setMaxListeners(0, closing.signal)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const onRequest: RequestListener = (request, response) => {
    inFlight.add(response)
    tellOfClosing(request, closing.signal)
    response.once('close', () => {
      inFlight.delete(response)
      // An answer that began before the closing has promised to keep its connection.
      if (!server.listening) request.socket.destroySoon()
    })
    if (!server.listening) response.shouldKeepAlive = false
    app(request, response)
  }
  server.on('request', onRequest)
  server.on('checkContinue', (request, response) => {
    markAwaitingContinue(request)
    onRequest(request, response)
  })
  return { inFlight, sockets, closing }
}

/** In which the first request of a connection is read that was sent before the closing began. */
const silentMilliseconds = 500

/** To Node a connection that was opened ahead of its first request is not idle. */
function closeSilent(sockets: ReadonlySet<Socket>): void {
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
}

async function closeServer(server: Server, { inFlight, sockets, closing }: Traffic, seconds: number): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  for (const response of inFlight) if (!response.headersSent) response.shouldKeepAlive = false
  closing.abort()
  server.closeIdleConnections()
  const silence = setTimeout(() => closeSilent(sockets), Math.min(silentMilliseconds, seconds * 1000))
  const deadline = setTimeout(() => server.closeAllConnections(), seconds * 1000)
  await closed
  clearTimeout(silence)
  clearTimeout(deadline)
}

/** What is not even HTTP never reaches the application; Node's own answer would have no problem in it. */
function answerMalformed(error: NodeJS.ErrnoException, connection: Duplex): void {
  const socket = connection as Socket
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) return void socket.destroy()
  const failure = problem(codeOf(error), {})
  const body = JSON.stringify(failure.details())
  socket.end(
    `HTTP/1.1 ${failure.status} ${failure.title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function codeOf({ code }: NodeJS.ErrnoException) {
  if (code === 'HPE_HEADER_OVERFLOW') return 'request.header-fields-too-large'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request.timeout' : 'request.malformed'
}
