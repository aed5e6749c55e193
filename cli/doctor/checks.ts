import { toFailure } from '../failure.ts'

export interface Finding {
  readonly name: string
  readonly level: 'ok' | 'warn' | 'fail'
  /** What was found, with the value. */
  readonly what: string
  readonly fix?: string
}

export interface Check {
  readonly name: string
  /** Throwing is a finding too. */
  readonly run: () => Promise<Omit<Finding, 'name'>>
}

export function well(what: string): Omit<Finding, 'name'> {
  return { level: 'ok', what }
}

/** Milliseconds after which a check counts as failed: a doctor who waits for ever helps nobody. */
const patience = 20_000

/** Side by side; each gives exactly one finding, in the order of the list. */
export async function runChecks(checks: readonly Check[]): Promise<Finding[]> {
  return Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        return { name, ...(await inTime(run())) }
      } catch (error) {
        const { message, fix } = toFailure(error)
        return { name, level: 'fail' as const, what: message, ...(fix === undefined ? {} : { fix }) }
      }
    }),
  )
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${patience / 1000} s`)), patience)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
