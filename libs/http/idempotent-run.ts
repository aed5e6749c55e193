import { isProblem, problem } from '@slipway/problem'
import type { Exchange } from './exchange.ts'
import type { Begun, IdempotencyHandle, IdempotencyRun, IdempotencyScope, IdempotencyStore } from './idempotency.ts'
import type { HttpLog } from './log.ts'
import type { Render } from './render.ts'
import { type AnyReply, isStreamReply } from './reply.ts'
import { renderProblem, sendRendered } from './send.ts'

export interface OnceOptions {
  readonly exchange: Exchange
  readonly store: IdempotencyStore
  readonly scope: IdempotencyScope
  readonly render: Render
  readonly log: HttpLog
  /** Null as long as the bytes of the request are not all known. */
  readonly fingerprint: () => string | null
  readonly handle: (idempotency: IdempotencyHandle) => Promise<AnyReply>
}

type Started = Extract<Begun, { state: 'started' }>
type Answered = Extract<Begun, { state: 'answered' }>

export const noKey: IdempotencyHandle = Object.freeze({ key: null, complete: async () => undefined })

/** The attempt to go on with, or the answer that was given before. */
export function claim(begun: Begun): Started | Answered {
  if (begun.state === 'reused') throw keyReused()
  if (begun.state === 'running') {
    throw problem('idempotency.in-progress', {
      detail: 'the first request with this key has no answer yet: ask again later',
      retryAfter: begun.retryAfter,
    })
  }
  return begun
}

/** Gives the first answer again, provided that this is the same request. */
export async function replay(exchange: Exchange, previous: Answered, ours: string | null): Promise<void> {
  const { answer, fingerprint } = previous
  if (fingerprint !== ours) throw keyReused()
  await sendRendered(exchange, { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } })
}

function keyReused(): Error {
  return problem('idempotency.key-reused', {
    detail: 'the key belongs to a request with other parameters or another body: use a new key for each request',
    errors: [{ pointer: '/headers/idempotency-key', detail: 'was used with another request' }],
  })
}

/**
 * Runs a handler under its key. Its answer is kept in the handler's own transaction when it calls `complete`, else right after it
 * returned. Answers that a retry may change (5xx, 429, a client that went away) are not kept: the key is free again.
 */
export async function runOnce(options: OnceOptions, attempt: string): Promise<AnyReply> {
  const { store, render, fingerprint, scope } = options
  const run = (): IdempotencyRun => ({ scope, attempt, fingerprint: fingerprint() ?? unread() })
  let kept = false
  const complete: IdempotencyHandle['complete'] = async (tx, answer) => {
    await store.complete(run(), render(answer), tx)
    kept = true
  }
  const renewal = keepAlive(options, attempt)
  try {
    const answer = await options.handle({ key: scope.key, complete })
    if (!kept) await keep(options, attempt, answer)
    return answer
  } catch (error) {
    await keepRefusal(options, attempt, error)
    throw error
  } finally {
    clearInterval(renewal)
  }
}

function unread(): never {
  throw new Error('The answer of an upload can be kept only after its file was read to the end')
}

function keepAlive({ store, scope, log }: OnceOptions, attempt: string): NodeJS.Timeout {
  const renew = () => void store.renew({ scope, attempt }).catch((err: unknown) => log.warn({ err }, 'idempotency key not renewed'))
  return setInterval(renew, (store.leaseSeconds * 1000) / 3).unref()
}

/** The effect has happened: failing now would make the client try again, which is worse than a key that is not kept. */
async function keep(options: OnceOptions, attempt: string, answer: AnyReply): Promise<void> {
  const { store, scope, render, log, fingerprint } = options
  const known = fingerprint()
  const final = !isStreamReply(answer) && answer.status < 500 && known !== null
  const kept = final ? store.complete({ scope, attempt, fingerprint: known }, render(answer)) : store.release({ scope, attempt })
  await kept.catch((err: unknown) => log.error({ err, ...scope }, 'idempotency key not kept'))
}

async function keepRefusal(options: OnceOptions, attempt: string, error: unknown): Promise<void> {
  const { exchange, store, scope, log, fingerprint } = options
  const known = fingerprint()
  const final = isProblem(error) && error.status < 500 && !error.retryable && known !== null
  const kept = final
    ? store.complete({ scope, attempt, fingerprint: known }, renderProblem(exchange, error))
    : store.release({ scope, attempt })
  await kept.catch((err: unknown) => log.warn({ err, ...scope }, 'idempotency key not freed'))
}
