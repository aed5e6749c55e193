import type { Fault } from './fault.ts'

export const configurationFaults = {
  'configuration.invalid': {
    level: 'fail',
    title: 'a variable is missing or cannot be right',
    why: 'processes refuse to start with it',
    fix: 'set it as docs/configuration.md describes it',
  },
} as const satisfies Record<string, Fault>

export const machineFaults = {
  'machine.programs': {
    level: 'fail',
    title: 'a program is not installed',
    why: 'the stack cannot start',
    fix: 'install it',
  },
  'machine.disk': {
    level: 'fail',
    title: 'full disk, of the home or for temporary files',
    why: 'stores and processes stop when they cannot write',
    fix: 'free some disk space ({tmp-disk}), or choose a home on another disk with --home',
  },
  'machine.stack': {
    level: 'warn',
    title: 'the stack is not at rest',
    why: 'it may not answer',
    fix: 'see `slipway status`',
  },
  'process.unready': {
    level: 'fail',
    title: 'a process is not ready',
    why: 'what it does is not done',
    fix: 'read its log',
  },
  'check.failed': {
    level: 'fail',
    title: 'the check itself did not come to an end',
    why: 'what it looks at is not known',
    fix: 'see what the finding says; run `slipway doctor` again',
  },
} as const satisfies Record<string, Fault>
