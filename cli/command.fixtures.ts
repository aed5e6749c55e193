import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkout } from './home.ts'

export interface Result {
  readonly code: number | null
  readonly output: string
}

export interface RunningCommand {
  readonly child: ChildProcess
  readonly result: Promise<Result>
  /** What was printed so far. */
  readonly printed: () => string
}

interface StartOptions {
  environment?: Readonly<Record<string, string>>
  /** The user to run it as. */
  uid?: number
}

const standardEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: tmpdir() }

/** The command as a process of its own, as people start it. */
export function start(args: readonly string[], { environment = {}, uid }: StartOptions = {}): RunningCommand {
  const child = spawn(process.execPath, [join(checkout, 'cli', 'main.ts'), ...args], {
    env: { ...standardEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const chunks: string[] = []
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)))
  child.stderr.on('data', (chunk) => chunks.push(String(chunk)))
  const printed = () => chunks.join('')
  return { child, printed, result: new Promise((resolve) => child.once('close', (code) => resolve({ code, output: printed() }))) }
}

export function slipway(...args: string[]): Promise<Result> {
  return start(args).result
}

/** Numbers of the processes that have some text in their command line or environment. Linux only. */
export function processesWith(text: string): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
  return pids.filter((pid) => ['cmdline', 'environ'].some((file) => contentOf(`/proc/${pid}/${file}`).includes(text))).map(Number)
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
