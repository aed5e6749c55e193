import { type Agent, type IncomingMessage, request as requestUpstream, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { problem } from '@slipway/problem'
import { answerProblem } from './answer.ts'
import type { Upstream } from './edge.ts'
import { clientHeaders, upstreamHeaders } from './headers.ts'

export interface ForwardOptions {
  upstream: Upstream
  agent: Agent
  /** Aborts when the edge begins to close. */
  closing: AbortSignal
}

/**
 * Passes one request on and its answer back. Whoever goes away first takes the other side along: an aborted client aborts the
 * upstream, an upstream that dies in mid-answer cuts the client's connection so that half a body is never taken for a whole one.
 */
export function forward(request: IncomingMessage, response: ServerResponse, { upstream, agent, closing }: ForwardOptions): void {
  const onward = requestUpstream({
    host: '127.0.0.1',
    port: upstream.port,
    method: request.method,
    path: request.url,
    headers: upstreamHeaders(request),
    setHost: false,
    agent,
  })
  onward.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, clientHeaders(answer))
    if (isEventStream(answer)) passEvents(answer, response, closing)
    // An interrupted answer destroys the response; there is nobody left to tell.
    else pipeline(answer, response, () => undefined)
  })
  onward.on('error', () => {
    request.unpipe(onward)
    if (response.headersSent || response.destroyed) return
    answerProblem(request, response, problem('service.not-ready', { detail: `${upstream.name} does not answer`, retryAfter: 2 }))
  })
  response.once('close', () => {
    if (!response.writableFinished) onward.destroy()
  })
  request.pipe(onward)
}

function isEventStream({ headers }: IncomingMessage): boolean {
  return /^text\/event-stream(;|$)/i.test(headers['content-type'] ?? '')
}

/**
 * Events have no end that could be waited for: when the edge closes, it ends them in order, which tells their clients to come back
 * (WHATWG HTML §9.2.3); half an event at the end counts for nothing there.
 */
function passEvents(answer: IncomingMessage, response: ServerResponse, closing: AbortSignal): void {
  const end = () => {
    answer.unpipe(response)
    response.end()
    answer.destroy()
  }
  answer.on('error', () => response.writableEnded || response.destroy())
  closing.addEventListener('abort', end, { once: true })
  response.once('close', () => closing.removeEventListener('abort', end))
  if (closing.aborted) end()
  else answer.pipe(response)
}
