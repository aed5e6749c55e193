import { type Problem, problem, toProblem } from '@slipway/problem'

/** One dependency, asked by the readiness probe. */
export interface ReadinessCheck {
  readonly name: string
  /** A failing essential check takes the process out of rotation; any other only marks it as degraded. */
  readonly essential: boolean
  /**
   * Resolves to nothing when all is well, or to a sentence when the dependency works with a restriction.
   * @throws when it does not work; a `Problem` gives the readiness answer its code
   */
  readonly run: (signal: AbortSignal) => Promise<string | undefined>
}

export interface CheckResult {
  readonly status: 'ok' | 'degraded' | 'unavailable'
  readonly detail?: string
  readonly milliseconds: number
}

export interface Readiness {
  readonly status: 'ok' | 'degraded' | 'unavailable'
  readonly checks: Readonly<Record<string, CheckResult>>
  /** Why the process is not ready; absent when it is. */
  readonly problem?: Problem
}

interface HealthOptions {
  readonly checks: readonly ReadinessCheck[]
  /** Milliseconds after which one check counts as failed. */
  readonly timeout?: number
  /** Milliseconds during which an answer is reused, so that many probes ask the stores once. */
  readonly reuse?: number
  readonly now?: () => number
}

export interface Health {
  ready(): Promise<Readiness>
  /** From now on the process is not ready, whatever the stores say. */
  drain(): void
  readonly draining: boolean
}

/** The readiness of one process. Concurrent and closely following probes share one round of checks. */
export function createHealth({ checks, timeout = 2000, reuse = 1000, now = Date.now }: HealthOptions): Health {
  let draining = false
  const isDraining = () => draining
  const gone = (): Readiness => ({ status: 'unavailable', checks: {}, problem: problem('service.draining') })
  let last: { at: number; readiness: Promise<Readiness> } | undefined
  return {
    get draining() {
      return draining
    },
    drain() {
      draining = true
    },
    async ready() {
      if (draining) return gone()
      if (!last || now() - last.at >= reuse) last = { at: now(), readiness: runChecks(checks, timeout, now) }
      const readiness = await last.readiness
      return isDraining() ? gone() : readiness
    },
  }
}

async function runChecks(checks: readonly ReadinessCheck[], timeout: number, now: () => number): Promise<Readiness> {
  const outcomes = await Promise.all(checks.map((check) => runCheck(check, timeout, now)))
  const results = Object.fromEntries(outcomes.map(({ check, result }) => [check.name, result]))
  const failed = outcomes.find(({ check, result }) => result.status === 'unavailable' && check.essential)
  if (failed) return { status: 'unavailable', checks: results, problem: notReady(failed.check.name, failed.error) }
  const restricted = outcomes.some(({ result }) => result.status !== 'ok')
  return { status: restricted ? 'degraded' : 'ok', checks: results }
}

/** A problem of the dependency keeps its code; any other failure becomes `service.not-ready` that names the check. */
function notReady(name: string, error: unknown): Problem {
  const own = toProblem(error)
  return own.status === 503 ? own : problem('service.not-ready', { detail: `${name} does not answer as it should`, cause: error })
}

interface Outcome {
  check: ReadinessCheck
  result: CheckResult
  error?: unknown
}

async function runCheck(check: ReadinessCheck, timeout: number, now: () => number): Promise<Outcome> {
  const started = now()
  const abort = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(new Error(`no answer within ${timeout} ms`))
    abort.abort()
  }, timeout)
  try {
    const detail = await Promise.race([check.run(abort.signal), late.promise])
    const status = detail === undefined ? 'ok' : 'degraded'
    return { check, result: { status, milliseconds: now() - started, ...(detail === undefined ? {} : { detail }) } }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { check, error, result: { status: 'unavailable', milliseconds: now() - started, detail } }
  } finally {
    clearTimeout(timer)
  }
}
