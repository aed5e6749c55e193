import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * What tells one process from a later one that got the same pid: when it started, in whatever unit the system counts.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly started: string
}

export interface ProcessState extends ProcessIdentity {
  readonly command: string
}

/**
 * The process of that pid, or undefined when there is none. A zombie counts as gone, as it holds no port and no
 * file; but not as long as other threads of it are still on their way out.
 */
export async function processState(pid: number): Promise<ProcessState | undefined> {
  return existsSync('/proc/self/stat') ? stateFromProc(pid) : stateFromPs(pid)
}

async function stateFromProc(pid: number): Promise<ProcessState | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
    // The second field is the name in parentheses and may hold anything; the third is the state, the 22nd the start time (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'X' || (fields[0] === 'Z' && (await threadCount(pid)) <= 1)) return undefined
    return { pid, started: fields[19] ?? '', command: command.replaceAll('\0', ' ').trim() }
  } catch {
    return undefined
  }
}

async function threadCount(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/task`)).length
}

async function stateFromPs(pid: number): Promise<ProcessState | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'state=,lstart=,command=', '-p', String(pid)])
    const match = /^(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(stdout.trim())
    if (!match?.[2] || match[1]?.startsWith('Z')) return undefined
    return { pid, started: match[2], command: match[3] ?? '' }
  } catch {
    return undefined
  }
}

/** Whether exactly this process, and not a later one with its pid, is running. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const state = await processState(identity.pid)
  return state !== undefined && state.started === identity.started
}
