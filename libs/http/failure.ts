import { isProblem, type Problem, problem, toProblem } from '@slipway/problem'
import { ClientGone } from './body-source.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLog } from './log.ts'
import { renderProblem, SourceFailed, sendRendered } from './send.ts'

/** The last stop of everything that is thrown while a request is served: log, then tell the client if it is still there. */
export async function sendFailure(exchange: Exchange, error: unknown, log: HttpLog): Promise<void> {
  const { response } = exchange
  if (error instanceof SourceFailed) return logFailure(exchange, toProblem(error.cause), log)
  if (error instanceof ClientGone || exchange.gone) {
    response.destroy()
    return
  }
  // That it took too long was the answer, and what is thrown afterwards mostly tells that its work was stopped.
  if (exchange.overdue && response.headersSent) return
  const failure = problemOf(error)
  if (failure.status >= 500) logFailure(exchange, failure, log)
  // Half an answer cannot be taken back: cutting the connection is the only way to say that it is not whole.
  if (response.headersSent) response.destroy()
  else await sendRendered(exchange, renderProblem(exchange, failure))
}

function logFailure(exchange: Exchange, failure: Problem, log: HttpLog): void {
  const { id: requestId, traceId, method, path, operation } = exchange
  const err = failure.code === 'internal.error' ? (failure.cause ?? failure) : failure
  log.error({ err, code: failure.code, requestId, traceId, method, path, operation }, 'request failed')
}

/** Express marks what it cannot decode by a status of its own. */
export function problemOf(error: unknown): Problem {
  if (isProblem(error)) return error
  if (error instanceof URIError || (error as { status?: unknown } | null)?.status === 400) {
    return problem('request.malformed', { detail: 'the path is not valid', errors: [{ pointer: '/path', detail: 'cannot be decoded' }] })
  }
  return toProblem(error)
}
