import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { Failure } from '../failure.ts'
import { poll, within } from './poll.ts'
import type { Running } from './unit.ts'

export interface ChildOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly folder: string
  readonly logFile: string
  /** Asked until it answers 200. */
  readonly readyUrl: string
  readonly readySeconds: number
  /** How long an orderly stop may take before the process is killed. */
  readonly stopSeconds: number
}

interface StartContext {
  signal: AbortSignal
  /** Told the process as soon as there is one. */
  spawned: (pid: number) => void
}

const logRotationBytes = 10 * 1024 * 1024

/**
 * Starts a process and waits until it says that it is ready.
 * @throws {Failure} with the end of its log when it exits first or the time is over; it is gone then
 */
export async function startChild(options: ChildOptions, { signal, spawned }: StartContext): Promise<Running> {
  signal.throwIfAborted()
  const child = spawnChild(options)
  const exited = exitOf(child)
  const pid = child.pid
  if (pid === undefined) throw new Failure(`${options.name} could not be started: ${options.command} is not executable`)
  spawned(pid)
  try {
    await untilReady(options, exited, signal)
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    throw error
  }
  return { pid, exited, stop: () => stopChild(child, exited, options.stopSeconds), kill: () => stopChild(child, exited, 0) }
}

/** In a session of its own: Ctrl-C in the terminal reaches the supervisor only, which then stops things in order. */
function spawnChild(options: ChildOptions): ChildProcess {
  const log = openLog(options.logFile)
  try {
    return spawn(options.command, [...options.args], {
      cwd: options.folder,
      env: options.environment,
      stdio: ['ignore', log, log],
      detached: true,
    })
  } finally {
    closeSync(log)
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code))
    child.once('error', () => resolve(null))
  })
}

async function untilReady(options: ChildOptions, exited: Promise<number | null>, signal: AbortSignal): Promise<void> {
  const { name, readyUrl, readySeconds, logFile } = options
  let last = 'it does not listen yet'
  const gone = exited.then((code) => {
    throw new Failure(`${name} ended (${code === null ? 'by a signal' : `code ${code}`}) before it was ready${logTail(logFile)}`, {
      fix: `read ${logFile}`,
    })
  })
  gone.catch(() => undefined)
  const ready = poll(
    async () => {
      const answer = await askReadiness(readyUrl)
      if (answer !== 'ready') last = answer
      return answer === 'ready' ? true : null
    },
    { within: readySeconds * 1000, every: 40, signal },
  )
  if (await Promise.race([ready, gone])) return
  throw new Failure(`${name} was not ready within ${readySeconds} s: ${last}`, { fix: `read ${logFile}` })
}

/** `ready`, or why not. */
export async function askReadiness(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
    const body = await response.text()
    return response.status === 200 ? 'ready' : `${response.status} ${body.slice(0, 500)}`
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    return `no answer (${cause})`
  }
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>, seconds: number): Promise<void> {
  child.kill(seconds > 0 ? 'SIGTERM' : 'SIGKILL')
  const ended = await within(
    seconds * 1000,
    exited.then(() => true),
  )
  if (!ended) child.kill('SIGKILL')
  await exited
}

/** Appends; what is above ten megabytes becomes `.1`, so that a home does not grow without end. */
export function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > logRotationBytes) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

/** The last lines of a log, for a message; empty when there are none. */
export function logTail(file: string, lines = 12): string {
  if (!existsSync(file)) return ''
  const size = statSync(file).size
  const buffer = Buffer.alloc(Math.min(size, 8192))
  const descriptor = openSync(file, 'r')
  readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
  closeSync(descriptor)
  const tail = buffer.toString('utf8').trimEnd().split('\n').slice(-lines)
  return tail.length > 0 && tail[0] !== '' ? `:\n${tail.map((line) => `    ${line}`).join('\n')}` : ''
}
