import { findProgram } from './programs.ts'
import { StackError } from './stack-error.ts'

/** What the stack needs from the system: program names in order of preference, and the packages that bring them. */
export const systemPrograms = {
  redis: { names: ['redis-server', 'valkey-server'], apt: 'redis-server', brew: 'redis' },
  clamd: { names: ['clamd'], apt: 'clamav-daemon', brew: 'clamav' },
  freshclam: { names: ['freshclam'], apt: 'clamav-freshclam', brew: 'clamav' },
} as const

export type SystemProgram = keyof typeof systemPrograms

/** @throws {StackError} `missing-program` */
export async function requireProgram(program: SystemProgram): Promise<string> {
  const { names } = systemPrograms[program]
  const found = await findProgram(names)
  if (found) return found
  throw missingPrograms([program])
}

export function missingPrograms(programs: readonly SystemProgram[]): StackError {
  const names = programs.map((program) => systemPrograms[program].names.join(' or '))
  const apt = [...new Set(programs.map((program) => systemPrograms[program].apt))].join(' ')
  const brew = [...new Set(programs.map((program) => systemPrograms[program].brew))].join(' ')
  return new StackError('missing-program', {
    what: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} not installed`,
    fix: `install with \`sudo apt-get install ${apt}\` (Debian, Ubuntu) or \`brew install ${brew}\` (macOS)`,
  })
}
