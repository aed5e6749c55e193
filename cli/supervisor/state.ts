import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { identify, isAlive, type ProcessIdentity } from './identity.ts'
import type { UnitStatus } from './unit.ts'

export type Phase = 'starting' | 'ready' | 'stopping'

/** A unit and the process that embodies it. Null: it has none at the moment. */
export type RecordedUnit = UnitStatus & { readonly identity: ProcessIdentity | null }

/** What a supervisor tells about itself, for `status`, `down` and whoever cleans up after its sudden death. */
export interface StackState {
  readonly version: 1
  readonly supervisor: ProcessIdentity
  readonly phase: Phase
  readonly url: string
  readonly port: number
  readonly startedAt: string
  readonly units: readonly RecordedUnit[]
}

/**
 * The state in the file, or null when there is none that this version wrote.
 * @throws when there is one that this user may not read: a stack of somebody else must not be taken for none
 */
export function readState(file: string): StackState | null {
  const text = readPresent(file)
  try {
    const state = JSON.parse(text ?? 'null') as StackState | null
    return state?.version === 1 && Array.isArray(state.units) ? state : null
  } catch {
    return null
  }
}

function readPresent(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

/** The state of a stack whose supervisor runs. */
export function liveState(file: string): StackState | null {
  const state = readState(file)
  return state && isAlive(state.supervisor) ? state : null
}

interface StateBasis {
  file: string
  url: string
  port: number
  log?: (line: string) => void
}

/**
 * Keeps the state file in step. Replaced as a whole, so that no reader sees half of it. A full disk must not end a stack that runs: only
 * the first write has to succeed, later ones are made up for by the next.
 */
export class StateRecord {
  readonly #file: string
  readonly #log: (line: string) => void
  #state: StackState

  constructor({ file, url, port, log = () => undefined }: StateBasis) {
    this.#file = file
    this.#log = log
    const startedAt = new Date().toISOString()
    this.#state = { version: 1, supervisor: identify(process.pid), phase: 'starting', url, port, startedAt, units: [] }
    this.#write()
  }

  #update(state: StackState): void {
    this.#state = state
    try {
      this.#write()
    } catch (error) {
      this.#log(`${this.#file} cannot be written: ${(error as Error).message}`)
    }
  }

  phase(phase: Phase): void {
    this.#update({ ...this.#state, phase })
  }

  unit(status: UnitStatus): void {
    const before = this.#state.units.find((unit) => unit.name === status.name)
    const identity = identityOf(status.pid, before)
    const recorded = { ...status, identity }
    const units = before ? this.#state.units.map((unit) => (unit === before ? recorded : unit)) : [...this.#state.units, recorded]
    this.#update({ ...this.#state, units })
  }

  remove(): void {
    rmSync(this.#file, { force: true })
  }

  #write(): void {
    const next = `${this.#file}.next`
    writeFileSync(next, `${JSON.stringify(this.#state, null, 2)}\n`, { mode: 0o600 })
    renameSync(next, this.#file)
  }
}

function identityOf(pid: number | undefined, before: RecordedUnit | undefined): ProcessIdentity | null {
  if (pid === undefined) return null
  return before?.identity?.pid === pid ? before.identity : identify(pid)
}
