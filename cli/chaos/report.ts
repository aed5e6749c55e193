import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { checkout } from '../home.ts'
import { rules, type Violation } from './ledger.ts'
import type { ChaosResult } from './run.ts'
import type { Trial } from './trial.ts'

export function renderTrial({ fault, violations, rate, recoverySeconds, slowest503Milliseconds, notes }: Trial): string {
  const rates = [rate.before, rate.during, rate.after].map((value) => value.toFixed(1).padStart(5)).join(' → ')
  const back = recoverySeconds === null ? 'not back' : `back after ${recoverySeconds.toFixed(1)} s`
  const refused = slowest503Milliseconds > 0 ? `slowest 503 ${(slowest503Milliseconds / 1000).toFixed(1)} s` : 'no 503'
  const told = notes.length > 0 ? `  (${notes.join('; ')})` : ''
  return `${violations === 0 ? 'ok  ' : 'FAIL'}  ${fault.padEnd(32)} ${rates}/s  ${back}, ${refused}${told}`
}

const shown = 20

export function renderEnd({ seconds, uploads, probe, reckoning, violationCount, lateCount, violations }: ChaosResult): string {
  const states = Object.entries(uploads.byState).map(([state, count]) => `${count} ${state}`)
  return [
    '',
    `${uploads.all} uploads, ${uploads.infected} of them infected: ${states.join(', ')}`,
    `the probe read ${probe.objects} objects in ${probe.rounds.objects} looks, at most ${probe.longestGapSeconds} s apart, and asked the API in ${probe.rounds.api}`,
    `${reckoning.contentsRead} contents were read at the store in the end, and ${reckoning.versionsKept} that had been overwritten were found among the versions`,
    ...reckoning.swept.map((line) => `sweep       ${line}`),
    ...reckoning.afterwards.map((line) => `afterwards  ${line}`),
    ...violations.slice(0, shown).map(renderViolation),
    ...(violations.length > shown ? [`… and ${violationCount - shown} more`] : []),
    '',
    violationCount === 0
      ? `Nothing was violated in ${seconds} s.`
      : `${violationCount} violations in ${seconds} s, ${lateCount} of them what came too late or did not come about.`,
  ].join('\n')
}

export function renderViolation({ rule, during, what }: Violation): string {
  return `violated    ${rule} (${rules[rule]}) during ${during}: ${what}`
}

/** Among other tests the machine is not ours: what is late tells of them, and what was left out of the machine. */
export function countedViolations(
  { violationCount, lateCount }: Pick<ChaosResult, 'violationCount' | 'lateCount'>,
  isWhole: boolean,
): number {
  return isWhole ? violationCount : violationCount - lateCount
}

/** Beside the other results that are kept. */
export function writeResult(result: ChaosResult): void {
  const folder = join(checkout, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', node: process.version }
  writeFileSync(join(folder, 'chaos.json'), `${JSON.stringify({ at: new Date().toISOString(), machine, ...result }, null, 2)}\n`)
}
