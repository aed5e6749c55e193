import { processEnvironment } from '@slipway/config'
import { textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import { backupChecks } from '../doctor/backups.ts'
import { type Finding, runChecks } from '../doctor/checks.ts'
import { processChecks } from '../doctor/processes.ts'
import { storeChecks } from '../doctor/stores.ts'
import { exitCodes } from '../failure.ts'
import { type Home, homeAt } from '../home.ts'
import { installedServices } from '../services.ts'
import { liveState, type StackState } from '../supervisor/state.ts'
import { findTargetIfAny } from '../target.ts'

export const doctor: Command = {
  usage: 'doctor [--home DIR] [--json]',
  options: { home: { type: 'string' }, json: { type: 'boolean' } },
  async run(invocation) {
    const findings = await examine(homeAt(textOption(invocation, 'home')))
    console.log(invocation.values['json'] === true ? JSON.stringify({ findings }, null, 2) : render(findings))
    return findings.some((finding) => finding.level === 'fail') ? exitCodes.failed : exitCodes.ok
  },
}

/** Only where a stack runs or may run: an installation elsewhere has no use for this machine, and its images lack the modules. */
async function checksOfMachine(home: Home, state: StackState | null) {
  const { machineChecks } = await import('../doctor/machine.ts')
  return machineChecks(home, state)
}

async function examine(home: Home): Promise<Finding[]> {
  const state = liveState(home.state)
  const target = findTargetIfAny(home, processEnvironment())
  return runChecks([
    ...(target && !state ? [] : await checksOfMachine(home, state)),
    ...(target ? [...storeChecks(target, installedServices(processEnvironment())), ...backupChecks(target)] : []),
    ...(state ? processChecks(home, state) : []),
  ])
}

const marks = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const

export function render(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.name.length))
  const lines = findings.map(({ level, name, what, fix }) => {
    const line = `${marks[level]}  ${name.padEnd(width)}  ${what}`
    return fix === undefined ? line : `${line}\n      ${' '.repeat(width)}  fix: ${fix}`
  })
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  return [...lines, '', `${count('ok')} well, ${count('warn')} warnings, ${count('fail')} failures`].join('\n')
}
