import { readdirSync, readFileSync } from 'node:fs'

/** Of the clock that Linux counts processor time with (USER_HZ), on all its platforms of today. */
const ticksPerSecond = 100

/** User and system seconds of these processes and of all that descend from them, living or ended: proc(5). */
export function processorSeconds(pids: readonly number[]): number {
  const stats = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? statOf(Number(name)) : []))
  const counted = new Set(pids)
  for (let grown = true; grown; ) {
    const children = stats.filter(({ pid, parent }) => counted.has(parent) && !counted.has(pid))
    for (const { pid } of children) counted.add(pid)
    grown = children.length > 0
  }
  return stats.filter(({ pid }) => counted.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond
}

interface Stat {
  readonly pid: number
  readonly parent: number
  /** With those of children that have ended. */
  readonly ticks: number
}

function statOf(pid: number): Stat[] {
  try {
    // The name of the program, in brackets, may have anything in it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return [{ pid, parent: Number(fields[1]), ticks }]
  } catch {
    return []
  }
}

/** Resident memory of a process, now and at most. */
export function mebibytes(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { now: of('VmRSS'), most: of('VmHWM') }
}
