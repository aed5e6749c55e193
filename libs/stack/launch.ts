import { type ChildProcess, spawn } from 'node:child_process'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { type Home, writeFault } from './home.ts'
import type { Part } from './part.ts'
import { findProgram, searchPath } from './programs.ts'
import { removeRunFile, type Seat, writeRunFile } from './run-file.ts'
import { StackError, systemCode } from './stack-error.ts'
import { eventually } from './wait.ts'

const largestLog = 10 * 1024 * 1024

export interface Launch {
  command: string
  args: readonly string[]
  /** Answers whether the part serves; an error counts as "not yet", but for a StackError. */
  isReady: () => Promise<boolean>
  readySeconds?: number
  user?: { uid: number; gid: number } | undefined
  environment?: Readonly<Record<string, string>>
}

/**
 * Starts a program as a part, in a seat that is claimed: writes its output to `logs/<name>.log` and waits until it serves.
 *
 * The program gets a process group of its own, so that Ctrl-C reaches only us and we can stop the parts in order; and where the system
 * can do it, the program is told to end when this process is killed.
 *
 * @throws {StackError} `start-failed` or `port-in-use`, with the end of its log
 */
export async function launch(seat: Seat, options: Launch): Promise<Part> {
  const log = await openLog(logFile(seat.home, seat.name))
  try {
    const child = await startChild(seat, options, log.handle)
    const part = partOf(child, seat)
    try {
      await writeRunFile(seat, { pid: part.pid, program: basename(options.command) })
      await untilReady(part, options, log.tail)
    } catch (error) {
      await part.stop()
      throw error
    }
    return part
  } finally {
    await log.handle.close()
  }
}

type RunningChild = ChildProcess & { pid: number }

async function startChild(seat: Seat, options: Launch, output: FileHandle): Promise<RunningChild> {
  const [command, args] = await dieWithParent(options, seat.stopSignal)
  const child = spawn(command, args, {
    cwd: seat.home.path,
    detached: true,
    env: { PATH: searchPath(), LC_ALL: 'C', HOME: seat.home.path, ...options.environment },
    stdio: ['ignore', output.fd, output.fd],
    ...options.user,
  })
  await spawned(child, seat.name, options.command)
  return child as RunningChild
}

/** `setpriv` of util-linux asks the kernel to signal the program when this process goes away, even by SIGKILL. */
export async function dieWithParent(
  { command, args }: Pick<Launch, 'command' | 'args'>,
  signal: NodeJS.Signals,
): Promise<[string, string[]]> {
  const setpriv = await findProgram(['setpriv'])
  if (!setpriv) return [command, [...args]]
  return [setpriv, ['--pdeathsig', signal.replace('SIG', ''), '--', command, ...args]]
}

function spawned(child: ChildProcess, name: string, command: string): Promise<void> {
  return new Promise((done, fail) => {
    child.once('spawn', done)
    child.once('error', (error) => {
      const what = `${name} cannot be started from ${command} (${systemCode(error) ?? error.message})`
      fail(new StackError('start-failed', { what, fix: 'check that the program is installed and may be run by this user', cause: error }))
    })
  })
}

function partOf(child: RunningChild, seat: Seat): Part {
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(seat.stopSignal)
      const insist = setTimeout(() => child.kill('SIGKILL'), seat.stopSeconds * 1000)
      await exited
      clearTimeout(insist)
    }
    await removeRunFile(seat)
  }
  return { name: seat.name, pid: child.pid, stop, exited, [Symbol.asyncDispose]: stop }
}

async function untilReady(part: Part, options: Launch, tail: () => Promise<string>): Promise<void> {
  let gone = false
  const untilGone = part.exited.finally(() => {
    gone = true
  })
  const seconds = options.readySeconds ?? 30
  const settled = await eventually(async () => gone || (await asked(options)), seconds)
  if (settled && !gone) return
  const end = await tail()
  if (gone && /address already in use/i.test(end)) throw failure('port-in-use', `a port of ${part.name} was taken while it started`, end)
  const what = gone ? `${part.name} ended with code ${await untilGone} while starting` : `${part.name} does not answer after ${seconds} s`
  throw failure('start-failed', what, end)
}

function failure(code: 'port-in-use' | 'start-failed', what: string, tail: string): StackError {
  return new StackError(code, { what, fix: tail ? `its log ends with:\n${tail}` : 'its log is empty; try again' })
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

interface OpenLog {
  handle: FileHandle
  /** The last lines that were written since the log was opened. */
  tail: () => Promise<string>
}

async function openLog(path: string): Promise<OpenLog> {
  try {
    const size = await sizeOf(path)
    const rotated = size > largestLog
    if (rotated) await rename(path, `${path}.1`)
    const handle = await open(path, 'a+', 0o640)
    return { handle, tail: () => linesSince(handle, rotated ? 0 : size) }
  } catch (error) {
    throw writeFault(path, error)
  }
}

async function linesSince(handle: FileHandle, start: number): Promise<string> {
  const { size } = await handle.stat()
  const buffer = Buffer.alloc(Math.min(Math.max(size - start, 0), 4096))
  await handle.read(buffer, 0, buffer.length, size - buffer.length)
  return buffer.toString().trimEnd().split('\n').slice(-12).join('\n')
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  )
}
