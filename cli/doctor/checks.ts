import { connectionFault } from './connection-fault.ts'
import { type FaultId, faults } from './faults.ts'

export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  /** What is wrong, by the name that it has in `faults`; null when nothing is. */
  readonly fault: FaultId | null
  /** What was found, with the value. */
  readonly what: string
  /** What comes of it. */
  readonly why?: string
  readonly fix?: string
}

export type Outcome = Omit<Finding, 'name'>

/** Parts whose connection may fail in the same ways. */
export type Part = 'postgres' | 'redis' | 'storage' | 'clamd' | 'identity'

export interface Check {
  readonly name: string
  /** Throwing is a finding too. */
  readonly run: () => Promise<Outcome>
  /** Whose connection it is that may fail. */
  readonly part?: Part
  /** What makes no sense to look at before this has not failed. */
  readonly then?: readonly Check[]
}

export function well(what: string): Outcome {
  return { level: 'ok', fault: null, what }
}

/** A finding by its name, which brings its level, why it matters and what to do; where that depends on what was found it is given here. */
export function fault(id: FaultId, what: string, own: Partial<Pick<Outcome, 'level' | 'fix'>> = {}): Outcome {
  const { level, why, fix } = faults[id]
  return { level, fault: id, what, why, fix, ...own }
}

/** Milliseconds after which a check counts as failed: a doctor who waits for ever helps nobody. */
const patience = 20_000

/** Side by side; each gives exactly one finding, in the order of the list, with those that build on it behind it. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ name, run, part, then = [] }) => {
      const finding = { name, ...(await outcomeOf(run, part)) }
      return [finding, ...(finding.level === 'fail' ? [] : await runChecks(then))]
    }),
  )
  return found.flat()
}

async function outcomeOf(run: Check['run'], part: Part | undefined): Promise<Outcome> {
  try {
    return await inTime(run())
  } catch (error) {
    return connectionFault(error, part)
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new LateError(`no answer within ${patience / 1000} s`)), patience)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

class LateError extends Error {
  readonly code = 'ETIMEDOUT'
}
