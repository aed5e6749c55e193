import { processEnvironment } from '@slipway/config'
import { textOption, usageFailure } from '../arguments.ts'
import type { Command, Invocation } from '../command.ts'
import type { Finding } from '../doctor/checks.ts'
import { examine } from '../doctor/examine.ts'
import { type ReconcileWish, reconcileAll } from '../doctor/reconcile.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'
import { installedServices } from '../services.ts'
import { findTarget } from '../target.ts'

export const doctor: Command = {
  usage: 'doctor [--reconcile [--repair] [--older-than HOURS]] [--home DIR] [--json]',
  options: {
    home: { type: 'string' },
    json: { type: 'boolean' },
    reconcile: { type: 'boolean' },
    repair: { type: 'boolean' },
    'older-than': { type: 'string' },
  },
  async run(invocation) {
    const home = homeAt(textOption(invocation, 'home'))
    const environment = processEnvironment()
    const wish = reconcileWish(invocation)
    const findings = wish
      ? await reconcileAll(findTarget(home, environment), installedServices(environment), wish)
      : await examine(home, environment)
    console.log(invocation.values['json'] === true ? JSON.stringify({ findings }, null, 2) : render(findings))
    return findings.some((finding) => finding.level === 'fail') ? exitCodes.failed : exitCodes.ok
  },
}

/** @throws {Failure} usage */
function reconcileWish(invocation: Invocation): ReconcileWish | null {
  const { reconcile, repair } = invocation.values
  const hours = textOption(invocation, 'older-than') ?? '24'
  if (reconcile !== true) {
    if (repair === true || invocation.values['older-than'] !== undefined)
      throw usageFailure('--repair and --older-than are for --reconcile', 'usage: slipway doctor --reconcile --repair')
    return null
  }
  if (!/^\d{1,6}$/.test(hours)) throw usageFailure(`--older-than is "${hours}"`, 'give a number of hours, such as 24')
  return { olderThan: new Date(Date.now() - Number(hours) * 3_600_000), repair: repair === true }
}

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

export function render(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.name.length))
  const indent = ' '.repeat(width + 8)
  const lines = findings.flatMap(({ level, name, what, why, fix }) => [
    `${marks[level]}  ${name.padEnd(width)}  ${what}`,
    ...(why === undefined ? [] : [`${indent}why: ${why}`]),
    ...(fix === undefined ? [] : [`${indent}fix: ${fix}`]),
  ])
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  return [...lines, '', `${count('ok')} well, ${count('warn')} warnings, ${count('fail')} failures`].join('\n')
}
