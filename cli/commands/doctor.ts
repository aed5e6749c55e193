import { processEnvironment } from '@slipway/config'
import { textOption } from '../arguments.ts'
import type { Command } from '../command.ts'
import type { Finding } from '../doctor/checks.ts'
import { examine } from '../doctor/examine.ts'
import { exitCodes } from '../failure.ts'
import { homeAt } from '../home.ts'

export const doctor: Command = {
  usage: 'doctor [--home DIR] [--json]',
  options: { home: { type: 'string' }, json: { type: 'boolean' } },
  async run(invocation) {
    const findings = await examine(homeAt(textOption(invocation, 'home')), processEnvironment())
    console.log(invocation.values['json'] === true ? JSON.stringify({ findings }, null, 2) : render(findings))
    return findings.some((finding) => finding.level === 'fail') ? exitCodes.failed : exitCodes.ok
  },
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
