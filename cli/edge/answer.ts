import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Problem } from '@slipway/problem'

/** An answer of the edge itself, in the form that every service uses (RFC 9457). */
export function answerProblem(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const headers = problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) }
  const instance = request.url?.split('?', 1)[0]
  const body = problem.details(instance === undefined ? {} : { instance })
  answerJson(response, problem.status, { type: 'application/problem+json', headers, body })
}

interface JsonAnswer {
  type?: string
  headers?: Record<string, string>
  body: unknown
}

export function answerJson(response: ServerResponse, status: number, answer: JsonAnswer): void {
  const { type = 'application/json', headers = {}, body } = answer
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}
