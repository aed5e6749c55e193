import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Home, readIfPresent, writePrivately } from './home.ts'
import type { StackLog } from './part.ts'
import { isRunning, type ProcessIdentity, processState } from './process-identity.ts'
import { StackError } from './stack-error.ts'
import { eventually } from './wait.ts'

/** What `run/<part>.pid` says: the process, the program it should be, and who started it. */
interface RunRecord extends ProcessIdentity {
  readonly program: string
  readonly parent: ProcessIdentity
}

interface ClaimOptions {
  name: string
  stopSignal: NodeJS.Signals
  stopSeconds: number
  log?: StackLog | undefined
}

function runFile(home: Home, name: string): string {
  return resolve(home.run, `${name}.pid`)
}

/**
 * Makes sure that no earlier process of this part is left. One whose parent is gone is ended; one whose parent lives belongs to a
 * running stack and is left alone.
 *
 * @throws {StackError} `already-running`, `not-permitted`
 */
export async function claimRunFile(home: Home, options: ClaimOptions): Promise<void> {
  const path = runFile(home, options.name)
  const record = parseRecord(await readIfPresent(path))
  if (record && (await isStillThatProgram(record))) {
    if (await isRunning(record.parent)) throw alreadyRunning(home, options.name, record)
    options.log?.(`${options.name}: ends process ${record.pid} that a killed stack left behind`)
    await endProcess(record, options)
  }
  await rm(path, { force: true })
}

function alreadyRunning(home: Home, name: string, record: RunRecord): StackError {
  return new StackError('already-running', {
    what: `${name} of ${home.path} is running already as process ${record.pid}, started by process ${record.parent.pid}`,
    fix: 'stop that stack with `slipway down`, or start this one with another --home',
  })
}

async function isStillThatProgram(record: RunRecord): Promise<boolean> {
  const state = await processState(record.pid)
  return state !== undefined && state.started === record.started && state.command.includes(record.program)
}

/** Asks a process to end, insists when it does not, and waits until it is gone. */
export async function endProcess(identity: ProcessIdentity, options: { stopSignal: NodeJS.Signals; stopSeconds: number }): Promise<void> {
  const gone = async () => !(await isRunning(identity))
  send(identity.pid, options.stopSignal)
  if (await eventually(gone, options.stopSeconds)) return
  send(identity.pid, 'SIGKILL')
  if (await eventually(gone, 10)) return
  throw new StackError('not-permitted', { what: `process ${identity.pid} does not end`, fix: `end it by hand: kill -9 ${identity.pid}` })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return
    throw new StackError('not-permitted', {
      what: `process ${pid} belongs to another user and cannot be ended`,
      fix: `end it by hand: sudo kill ${pid}`,
      cause: error,
    })
  }
}

export async function writeRunFile(home: Home, entry: { name: string; pid: number; program: string }): Promise<void> {
  const [child, parent] = await Promise.all([processState(entry.pid), processState(process.pid)])
  if (!child || !parent) return
  const record: RunRecord = {
    pid: entry.pid,
    started: child.started,
    program: entry.program,
    parent: { pid: parent.pid, started: parent.started },
  }
  await writePrivately(runFile(home, entry.name), JSON.stringify(record))
}

export async function removeRunFile(home: Home, name: string): Promise<void> {
  await rm(runFile(home, name), { force: true })
}

/** A file that is cut short or from elsewhere counts as absent. */
function parseRecord(text: string | undefined): RunRecord | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<RunRecord> | null
    const complete = typeof value?.pid === 'number' && typeof value.started === 'string' && typeof value.program === 'string'
    return complete && typeof value.parent?.pid === 'number' ? (value as RunRecord) : undefined
  } catch {
    return undefined
  }
}
