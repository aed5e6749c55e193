import { pause } from '../supervisor/poll.ts'
import { type Answer, type Call, CallFailure, call, jsonOf, type ProblemBody } from './call.ts'
import type { Ledger } from './ledger.ts'
import type { Meter } from './meter.ts'

export interface Client {
  readonly port: number
  readonly apiKey: string
  readonly ledger: Ledger
  readonly meter: Meter
  /** Whether what happens explains that a connection broke which was opened at that moment, by the monotonic clock. */
  mayBreak(began: number, method: string): boolean
  /** From its abort on nothing is repeated any more. */
  readonly signal: AbortSignal
}

export interface Wish extends Pick<Call, 'method' | 'path' | 'headers' | 'body'> {
  /** Its route has a limit of its own, which does not depend on settings: 429 is an answer then. */
  readonly isLimited?: boolean
}

const slowMilliseconds = 30_000
/** What an answer asks for is more than a run has time for. */
const longestPause = 1000
/** A key whose process was killed is free when its lease has run out; asking every second brings nothing. */
const longestPauseForKey = 5000

/**
 * Sends a request again and again until it has an answer that means something, as a client with an Idempotency-Key may. What an answer
 * must never be is written into the ledger.
 * @returns null when the run ended before
 */
export async function insist(client: Client, wish: Wish): Promise<Answer | null> {
  while (!client.signal.aborted) {
    const began = performance.now()
    const answer = await attempt(client, wish)
    const wait = answer === null ? 100 : judge(client, { wish, answer, took: performance.now() - began })
    if (answer !== null && wait === null) return answer
    await pause(wait ?? 0, client.signal).catch(() => undefined)
  }
  client.ledger.violate('not-settled', `${wish.method} ${wish.path} has no answer`)
  return null
}

async function attempt(client: Client, wish: Wish): Promise<Answer | null> {
  const began = performance.now()
  const { port, apiKey, ledger } = client
  try {
    return await call({ port, ...wish, headers: { authorization: `Bearer ${apiKey}`, ...wish.headers } })
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error
    const what = `${wish.method} ${wish.path}: ${error.message}`
    if (error.isTimeout) ledger.violate('slow-answer', what)
    else if (!client.mayBreak(began, wish.method)) ledger.violate('broken-connection', what)
    return null
  }
}

interface Judged {
  readonly wish: Wish
  readonly answer: Answer
  readonly took: number
}

/** @returns milliseconds until the request makes sense again; null when this is the answer */
function judge({ ledger, meter }: Client, { wish, answer, took }: Judged): number | null {
  const { status, headers } = answer
  const { code = 'no code', detail = '' } = jsonOf<ProblemBody>(answer)
  const what = `${wish.method} ${wish.path}: ${status} ${code} ${detail} after ${Math.round(took)} ms`
  const seconds = headers['retry-after'] === undefined ? null : Number(headers['retry-after'])
  if (took > slowMilliseconds) ledger.violate('slow-answer', what)
  if (status === 503) {
    meter.refused(took)
    if (seconds === null || !(seconds >= 0)) ledger.violate('no-retry-after', what)
    return Math.min((seconds ?? 1) * 1000, longestPause)
  }
  if (status === 409 && code === 'idempotency.in-progress') return Math.min((seconds ?? 1) * 1000, longestPauseForKey)
  if (status === 429 && wish.isLimited) {
    if (seconds === null || !(seconds >= 0)) ledger.violate('no-retry-after', what)
    return null
  }
  // Of clients that send too slowly, or too much; ours do neither.
  const isWrong = status === 408 || status === 429
  if (status < 500 && !isWrong) return null
  ledger.violate(isWrong ? 'unexpected-answer' : 'server-error', what)
  return longestPause
}
