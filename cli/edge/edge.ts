import { once, setMaxListeners } from 'node:events'
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { problem } from '@slipway/problem'
import { portOwner } from '@slipway/stack'
import { Failure } from '../failure.ts'
import { within } from '../supervisor/poll.ts'
import { answerProblem } from './answer.ts'
import { type ForwardOptions, forward } from './forward.ts'

export interface EdgeOptions {
  readonly port: number
  /** The upstream port that a path belongs to; undefined: no such route. */
  readonly route: (path: string) => Upstream | undefined
  /** Answers itself what no upstream has; true when it did. */
  readonly local?: (path: string, response: ServerResponse) => boolean
  /** Answers what neither is local nor has a route: the console. */
  readonly site?: (request: IncomingMessage, response: ServerResponse, path: string) => boolean
}

export interface Upstream {
  /** For messages: which part does not answer. */
  readonly name: string
  readonly port: number
}

export interface Edge {
  /** Stops accepting and ends event streams; other requests in flight may end within the time, then they are cut. */
  close(milliseconds: number): Promise<void>
}

/** How long a client may go on sending after it was answered, before its connection is cut. */
const lingerMilliseconds = 30_000

/**
 * The one public listener of a stack, on the loopback address. Bodies stream through in both directions without being collected.
 * @throws {Failure} when the port is in use
 */
export async function openEdge(options: EdgeOptions): Promise<Edge> {
  const agent = new Agent({ keepAlive: true })
  const closing = new AbortController()
  // One listener for each event stream.
  setMaxListeners(0, closing.signal)
  const server = createServer((request, response) => {
    handle(request, response, { ...options, agent, closing: closing.signal })
    // A connection that turns idle while the edge closes would otherwise be kept for the client's next request.
    response.once('close', () => closing.signal.aborted && server.closeIdleConnections())
  })
  server.requestTimeout = 0
  await listen(server, options.port)
  return {
    async close(milliseconds) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      closing.abort()
      server.closeIdleConnections()
      if (
        (await within(
          milliseconds,
          closed.then(() => true),
        )) === null
      )
        server.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

type Handling = EdgeOptions & Omit<ForwardOptions, 'upstream'>

function handle(request: IncomingMessage, response: ServerResponse, options: Handling): void {
  response.once('finish', () => linger(request))
  const path = pathOf(request.url ?? '/')
  if (path !== undefined && options.local?.(path, response)) return
  const upstream = path === undefined ? undefined : options.route(path)
  if (upstream) forward(request, response, { upstream, agent: options.agent, closing: options.closing })
  else if (path === undefined || !options.site?.(request, response, path))
    answerProblem(request, response, problem('route.not-found', { detail: `nothing is served at ${path ?? request.url}` }))
}

/** A client that was answered early may still send: what it sends is read and dropped, so that it gets to read its answer. */
function linger(request: IncomingMessage): void {
  if (request.complete) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), lingerMilliseconds)
  timer.unref()
  request.once('close', () => clearTimeout(timer))
}

/** The path of the request line, undecoded. Only the origin form is served (RFC 9112 §3.2.1). */
function pathOf(url: string): string | undefined {
  return url.startsWith('/') ? (url.split(/[?#]/, 1)[0] ?? '/') : undefined
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw await listenFailure(error as NodeJS.ErrnoException, port)
  }
}

/** Why a port cannot be had, with the program that has it as far as this user may know. */
export async function listenFailure(error: NodeJS.ErrnoException, port: number): Promise<Failure> {
  if (error.code !== 'EADDRINUSE')
    return new Failure(`port ${port} cannot be opened: ${error.message}`, { fix: 'choose another one with --port N', cause: error })
  const owner = await portOwner(port)
  const by = owner ? `process ${owner.pid} (${owner.command})` : 'another program'
  return new Failure(`port ${port} is in use by ${by}`, { fix: 'stop it, or choose another port with --port N', cause: error })
}
