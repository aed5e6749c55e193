import { rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Home, readIfPresent, writeFault, writePrivately } from './home.ts'
import type { StackLog } from './part.ts'
import { isRunning, type ProcessIdentity, processState } from './process-identity.ts'
import { StackError, systemCode } from './stack-error.ts'
import { eventually } from './wait.ts'

/** What `run/<part>.pid` says: the process, the program it should be, and who started it. */
interface RunRecord extends ProcessIdentity {
  readonly program: string
  readonly parent: ProcessIdentity
}

/** Where a part runs, and how it is asked to end. */
export interface Seat {
  readonly name: string
  readonly home: Home
  readonly stopSignal: NodeJS.Signals
  readonly stopSeconds: number
  readonly log?: StackLog | undefined
}

function runFile({ home, name }: Seat): string {
  return resolve(home.run, `${name}.pid`)
}

/**
 * Starts a part as the only one of its kind in its home. An earlier process whose parent is gone is ended first; one whose parent
 * lives belongs to a running stack and is left alone.
 *
 * @throws {StackError} `already-running`, `not-permitted`, and what `start` throws
 */
export async function claimed<T>(seat: Seat, start: () => Promise<T>): Promise<T> {
  await endOrphan(seat)
  const self = await ownIdentity()
  await takeRunFile(seat, { ...self, program: '', parent: self })
  try {
    return await start()
  } catch (error) {
    await removeRunFile(seat)
    throw error
  }
}

async function endOrphan(seat: Seat): Promise<void> {
  const path = runFile(seat)
  const record = parseRecord(await readIfPresent(path))
  if (record && (await isStillThatProgram(record))) {
    if (await isRunning(record.parent)) throw alreadyRunning(seat, record)
    seat.log?.(`${seat.name}: ends process ${record.pid} that a killed stack left behind`)
    await endProcess(record, seat)
  }
  await rm(path, { force: true })
}

/** Two starts at once: the file is there for the one that comes second. */
async function takeRunFile(seat: Seat, record: RunRecord): Promise<void> {
  try {
    await writeFile(runFile(seat), JSON.stringify(record), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    throw systemCode(error) === 'EEXIST' ? alreadyRunning(seat, record) : writeFault(runFile(seat), error)
  }
}

async function ownIdentity(): Promise<ProcessIdentity> {
  const state = await processState(process.pid)
  return { pid: process.pid, started: state?.started ?? '' }
}

function alreadyRunning({ name, home }: Seat, record: RunRecord): StackError {
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
export async function endProcess(identity: ProcessIdentity, how: { stopSignal: NodeJS.Signals; stopSeconds: number }): Promise<void> {
  const gone = async () => !(await isRunning(identity))
  send(identity.pid, how.stopSignal)
  if (await eventually(gone, how.stopSeconds)) return
  send(identity.pid, 'SIGKILL')
  if (await eventually(gone, 10)) return
  throw new StackError('not-permitted', { what: `process ${identity.pid} does not end`, fix: `end it by hand: kill -9 ${identity.pid}` })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return
    throw new StackError('not-permitted', {
      what: `process ${pid} belongs to another user and cannot be ended`,
      fix: `end it by hand: sudo kill ${pid}`,
      cause: error,
    })
  }
}

/** Says which process the part is, once it is known. */
export async function writeRunFile(seat: Seat, child: { pid: number; program: string }): Promise<void> {
  const state = await processState(child.pid)
  if (!state) return
  const record: RunRecord = { pid: child.pid, started: state.started, program: child.program, parent: await ownIdentity() }
  await writePrivately(runFile(seat), JSON.stringify(record))
}

export async function removeRunFile(seat: Seat): Promise<void> {
  await rm(runFile(seat), { force: true })
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
