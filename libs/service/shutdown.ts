import type { Log } from '@slipway/telemetry'

/** One step of an orderly stop. `signal` aborts when the phase's share of the deadline is over. */
export interface Phase {
  readonly name: string
  readonly run: (signal: AbortSignal) => unknown
}

export interface PhaseReport {
  readonly name: string
  readonly outcome: 'done' | 'failed' | 'timed-out'
  readonly milliseconds: number
}

interface ShutdownOptions {
  /** Milliseconds for all phases together. */
  readonly deadline: number
  readonly log: Log
  readonly now?: () => number
}

/**
 * Runs the phases one after another. A phase that fails or takes longer than what is left of the deadline is reported and the
 * next one starts: a hung store must not keep the telemetry from being flushed. Each later phase keeps at least a small share.
 */
export async function runPhases(phases: readonly Phase[], options: ShutdownOptions): Promise<PhaseReport[]> {
  const { deadline, log, now = Date.now } = options
  const end = now() + deadline
  const reports: PhaseReport[] = []
  for (const [index, phase] of phases.entries()) {
    const reserved = (phases.length - index - 1) * Math.min(1000, deadline / (phases.length * 4))
    const budget = Math.max(end - now() - reserved, deadline / (phases.length * 4))
    const report = await runPhase(phase, budget, now)
    if (report.outcome === 'done') log.info({ phase: report }, `shutdown: ${phase.name}`)
    else log.error({ phase: report }, `shutdown: ${phase.name} ${report.outcome}`)
    reports.push(report)
  }
  return reports
}

async function runPhase(phase: Phase, budget: number, now: () => number): Promise<PhaseReport & { error?: unknown }> {
  const started = now()
  const abort = new AbortController()
  const expired = Promise.withResolvers<'timed-out'>()
  const timer = setTimeout(() => {
    abort.abort(new Error(`phase ${phase.name} took longer than ${Math.round(budget)} ms`))
    expired.resolve('timed-out')
  }, budget)
  try {
    const work = Promise.resolve(phase.run(abort.signal)).then(() => 'done' as const)
    const outcome = await Promise.race([work, expired.promise])
    return { name: phase.name, outcome, milliseconds: now() - started }
  } catch (error) {
    return { name: phase.name, outcome: 'failed', milliseconds: now() - started, error }
  } finally {
    clearTimeout(timer)
  }
}

/** What a process does with its signals; the real process in production, a stand-in emitter in tests. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
}

/**
 * Calls `stop` once at the first SIGTERM or SIGINT and `force` at a second one, so that a person who presses Ctrl-C twice is obeyed.
 * @returns a function that takes the listeners off again
 */
export function onSignals(source: SignalSource, stop: (signal: string) => void, force: () => void): () => void {
  let stopping = false
  const listen = (signal: string) => () => {
    if (stopping) return force()
    stopping = true
    return stop(signal)
  }
  const onTerm = listen('SIGTERM')
  const onInt = listen('SIGINT')
  source.on('SIGTERM', onTerm)
  source.on('SIGINT', onInt)
  return () => {
    source.off('SIGTERM', onTerm)
    source.off('SIGINT', onInt)
  }
}
