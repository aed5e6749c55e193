import type { Check, Finding, Outcome, Part } from './checks.ts'
import { connectionFault } from './connection-fault.ts'

/** Milliseconds after which a check counts as failed: a doctor who waits for ever helps nobody. */
const patience = 20_000

/** Side by side; each gives exactly one finding, in the order of the list, with those that build on it behind it. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  const found = await Promise.all(
    checks.map(async ({ name, run, part, next = [] }) => {
      const finding = { name, ...(await outcomeOf(run, part)) }
      return [finding, ...(finding.level === 'fail' ? [] : await runChecks(next))]
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
