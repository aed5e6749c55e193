import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for another one that got the same number later. */
export interface ProcessIdentity {
  readonly pid: number
  /** When the kernel started it; opaque, only compared. Null: it could not be found out. */
  readonly started: string | null
}

export function identify(pid: number): ProcessIdentity {
  return { pid, started: startOf(pid) }
}

/** Whether exactly this process still runs. A zombie, which nobody reaped after its parent died, does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.started !== null && startOf(identity.pid) === identity.started
}

/** Sends a signal only to the very process that was recorded; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, signal)
  } catch {
    return false
  }
}

function startOf(pid: number): string | null {
  return process.platform === 'linux' ? linuxStart(pid) : otherStart(pid)
}

/** proc(5): the command name in parentheses may hold anything, so fields are counted from the last `)`. State is field 3, start field 22. */
function linuxStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${boot}:${fields[19]}`
  } catch {
    return null
  }
}

function otherStart(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
  } catch {
    return null
  }
}
