import { type Agent, type IncomingMessage, request as requestUpstream, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { problem } from '@slipway/problem'
import { answerProblem } from './answer.ts'
import type { Upstream } from './edge.ts'
import { clientHeaders, upstreamHeaders } from './headers.ts'

interface ForwardOptions {
  upstream: Upstream
  agent: Agent
}

/**
 * Passes one request on and its answer back. Whoever goes away first takes the other side along: an aborted client aborts the
 * upstream, an upstream that dies in mid-answer cuts the client's connection so that half a body is never taken for a whole one.
 */
export function forward(request: IncomingMessage, response: ServerResponse, { upstream, agent }: ForwardOptions): void {
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
    // An interrupted answer destroys the response; there is nobody left to tell.
    pipeline(answer, response, () => undefined)
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
