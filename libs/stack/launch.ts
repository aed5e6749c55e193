import { type ChildProcess, spawn } from 'node:child_process'
import { type FileHandle, open, readFile, rename, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { type Home, writeFault } from './home.ts'
import type { Part, StackLog } from './part.ts'
import { findProgram, searchPath } from './programs.ts'
import { claimRunFile, removeRunFile, writeRunFile } from './run-file.ts'
import { StackError, systemCode } from './stack-error.ts'
import { eventually } from './wait.ts'

const largestLog = 10 * 1024 * 1024

export interface Launch {
  name: string
  home: Home
  command: string
  args: readonly string[]
  /** Answers whether the part serves; an error counts as "not yet". */
  isReady: () => Promise<boolean>
  readySeconds?: number
  stopSignal?: NodeJS.Signals
  stopSeconds?: number
  user?: { uid: number; gid: number } | undefined
  environment?: Readonly<Record<string, string>>
  log?: StackLog | undefined
  /** Runs when no earlier process of the part is left and this one is not yet started. */
  beforeSpawn?: () => Promise<void>
}

/**
 * Starts a program as a part: ends what an earlier stack left, writes its output to `logs/<name>.log`, waits until it serves.
 *
 * The program gets a process group of its own, so that Ctrl-C reaches only us and we can stop the parts in order; and where the system
 * can do it, the program is told to end when this process is killed.
 *
 * @throws {StackError} `start-failed` with the end of its log, and what claiming the pid file throws
 */
export async function launch(options: Launch): Promise<Part> {
  const { name, home, stopSignal = 'SIGTERM', stopSeconds = 20 } = options
  await claimRunFile(home, { name, stopSignal, stopSeconds, log: options.log })
  await options.beforeSpawn?.()
  const child = await startChild(options, stopSignal)
  const part = partOf(child, { name, stopSignal, stopSeconds, home })
  try {
    await writeRunFile(home, { name, pid: part.pid, program: basename(options.command) })
    await untilReady(part, options)
    return part
  } catch (error) {
    await part.stop()
    throw error
  }
}

type RunningChild = ChildProcess & { pid: number }

async function startChild(options: Launch, stopSignal: NodeJS.Signals): Promise<RunningChild> {
  const output = await openLog(logFile(options.home, options.name))
  try {
    const [command, args] = await dieWithParent(options.command, options.args, stopSignal)
    const child = spawn(command, args, {
      cwd: options.home.path,
      detached: true,
      env: { PATH: searchPath(), LC_ALL: 'C', HOME: options.home.path, ...options.environment },
      stdio: ['ignore', output.fd, output.fd],
      ...options.user,
    })
    await spawned(child, options)
    return child as RunningChild
  } finally {
    await output.close()
  }
}

/** `setpriv` of util-linux asks the kernel to signal the program when this process goes away, even by SIGKILL. */
async function dieWithParent(command: string, args: readonly string[], signal: NodeJS.Signals): Promise<[string, string[]]> {
  const setpriv = await findProgram(['setpriv'])
  if (!setpriv) return [command, [...args]]
  return [setpriv, ['--pdeathsig', signal.replace('SIG', ''), '--', command, ...args]]
}

function spawned(child: ChildProcess, options: Launch): Promise<void> {
  return new Promise((done, fail) => {
    child.once('spawn', done)
    child.once('error', (error) => {
      const what = `${options.name} cannot be started from ${options.command} (${systemCode(error) ?? error.message})`
      fail(new StackError('start-failed', { what, fix: 'check that the program is installed and may be run by this user', cause: error }))
    })
  })
}

function partOf(child: RunningChild, options: { name: string; stopSignal: NodeJS.Signals; stopSeconds: number; home: Home }): Part {
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(options.stopSignal)
      const insist = setTimeout(() => child.kill('SIGKILL'), options.stopSeconds * 1000)
      await exited
      clearTimeout(insist)
    }
    await removeRunFile(options.home, options.name)
  }
  return { name: options.name, pid: child.pid, stop, exited, [Symbol.asyncDispose]: stop }
}

async function untilReady(part: Part, options: Launch): Promise<void> {
  const { name, home, readySeconds = 30 } = options
  let gone = false
  const untilGone = part.exited.finally(() => {
    gone = true
  })
  const settled = await eventually(async () => gone || (await asked(options)), readySeconds)
  if (settled && !gone) return
  const what = gone ? `${name} ended with code ${await untilGone} while starting` : `${name} does not answer after ${readySeconds} s`
  const tail = await logTail(home, name)
  throw new StackError('start-failed', { what, fix: `see ${logFile(home, name)}, which ends with:\n${tail}` })
}

/** Any error means "not yet", but for one that already tells a person what to do. */
async function asked(options: Launch): Promise<boolean> {
  try {
    return await options.isReady()
  } catch (error) {
    if (error instanceof StackError) throw error
    return false
  }
}

export function logFile(home: Home, name: string): string {
  return resolve(home.logs, `${name}.log`)
}

/** The last lines that a part has logged. */
export async function logTail(home: Home, name: string, lines = 12): Promise<string> {
  const text = await readFile(logFile(home, name), 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    const size = await stat(path)
      .then((found) => found.size)
      .catch(() => 0)
    if (size > largestLog) await rename(path, `${path}.1`)
    return await open(path, 'a', 0o640)
  } catch (error) {
    throw writeFault(path, error)
  }
}
