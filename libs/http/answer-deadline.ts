import { problem } from '@slipway/problem'
import type { Exchange } from './exchange.ts'
import { sendFailure } from './failure.ts'
import type { HttpLog } from './log.ts'

export const defaultAnswerSeconds = 25
/** What made us slow is not over at once. */
const retrySeconds = 5

interface DeadlineOptions {
  readonly seconds: number
  readonly log: HttpLog
}

/**
 * Answers with service.timeout when we have taken `seconds` and given nothing: each wait for a store has its own limit, but they add up.
 * What the client makes us wait does not count, and each piece of a body that came begins the time anew, so uploads may take hours. The
 * handler is told by `signal`; what it brings about nevertheless stands, and a repetition with the same Idempotency-Key learns of it.
 * Dispose it when there is an answer.
 */
export function watchAnswer(exchange: Exchange, { seconds, log }: DeadlineOptions): Disposable {
  const limit = seconds * 1000
  const look = () => {
    const left = exchange.workingSince === null ? limit : exchange.workingSince + limit - performance.now()
    if (left > 0) timer = setTimeout(look, left)
    else if (!exchange.response.headersSent && !exchange.gone) expire()
  }
  const expire = () => {
    const failure = problem('service.timeout', {
      detail: `there was no answer within ${seconds} s; what was asked for may still have come to pass: repeat it with the same Idempotency-Key, or look`,
      retryAfter: retrySeconds,
    })
    exchange.expire()
    void sendFailure(exchange, failure, log)
  }
  let timer = setTimeout(look, limit)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
