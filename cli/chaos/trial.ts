import { pause, poll } from '../supervisor/poll.ts'
import type { Chaos, Fault } from './faults/fault.ts'

/** What one fault brought about. Rates are requests per second that got the answer they deserve. */
export interface Trial {
  readonly fault: string
  readonly violations: number
  readonly rate: { readonly before: number; readonly during: number; readonly after: number }
  /** From its end until the former rate was back; null when it was not. */
  readonly recoverySeconds: number | null
  readonly slowest503Milliseconds: number
  readonly notes: readonly string[]
}

interface Conditions {
  /** Undisturbed, before each fault. */
  readonly steadySeconds: number
  /** For the former rate to come back. */
  readonly patienceSeconds: number
  /** Requests per second that are due: what was held up before comes on top, and is no rate to come back to. */
  readonly pace: number
}

const recoveryShare = 0.95
const recoverySeconds = 15
const windowSeconds = 2
/** Of the former rate, during faults in which requests go on. */
const leastShare = 0.5
/** Waiting times are 5 s here, and a request may come to two things that hang. */
const standard503Milliseconds = 12_000

/** Steady, then the fault, then until it is over in its effects too. */
export async function runTrial(chaos: Omit<Chaos, 'note'>, fault: Fault, conditions: Conditions): Promise<Trial> {
  const { client, signal } = chaos
  const { steadySeconds, patienceSeconds, pace } = conditions
  const { meter, ledger } = client
  ledger.during = fault.name
  const notes: string[] = []
  await pause(steadySeconds * 1000, signal)
  const before = meter.rate(steadySeconds)
  const began = meter.now()
  const heal = await fault.begin({ ...chaos, note: (text) => notes.push(text) })
  // Who reads that nothing was violated takes all of them for tried.
  if (!heal) ledger.violate('left-out', [fault.name, ...notes].join(': '))
  try {
    if (heal) await pause(fault.seconds * 1000, signal)
  } finally {
    await heal?.()
  }
  const healed = meter.now()
  const during = meter.rate((healed - began) / 1000)
  const after = () => meter.rateOfBegun(windowSeconds, healed)
  const recovered = await poll(
    () => (isBack(after(), Math.min(before, pace), healed + windowSeconds * 1000 <= meter.now()) ? meter.now() : null),
    { within: patienceSeconds * 1000, every: 200, signal },
  )
  const seconds = recovered === null ? null : Math.max(0, (recovered - healed) / 1000 - windowSeconds)
  if (seconds === null || seconds > recoverySeconds)
    ledger.violate(
      'recovery',
      `${fault.name}: ${before.toFixed(1)}/s before, ${after().toFixed(1)}/s after ${seconds ?? patienceSeconds} s`,
    )
  const went = Math.min(before, pace) * leastShare
  if (fault.goesOn && heal && fault.seconds > 0 && (during < went || during === 0))
    ledger.violate('outage', `${fault.name}: ${during.toFixed(1)}/s, at least ${went.toFixed(1)}`)
  const slowest503Milliseconds = meter.slowestRefusal(began)
  const longest = fault.longest503Milliseconds ?? standard503Milliseconds
  if (slowest503Milliseconds > longest)
    ledger.violate('slow-refusal', `${fault.name}: a 503 after ${Math.round(slowest503Milliseconds)} ms, at most ${longest}`)
  const rate = { before, during, after: after() }
  return {
    fault: fault.name,
    violations: ledger.violationsDuring(fault.name),
    rate,
    recoverySeconds: seconds,
    slowest503Milliseconds,
    notes,
  }
}

/** A window has to lie after the fault as a whole. */
function isBack(rate: number, before: number, isWhole: boolean): boolean {
  return isWhole && rate >= before * recoveryShare
}
