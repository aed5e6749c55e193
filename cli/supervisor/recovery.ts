import { rmSync } from 'node:fs'
import { isAlive, type ProcessIdentity, signalProcess } from './identity.ts'
import { poll } from './poll.ts'
import { type RecordedUnit, readState } from './state.ts'
import type { UnitKind } from './unit.ts'

/** Those who use come before what they use. */
export const stopOrder: readonly UnitKind[] = ['edge', 'api', 'worker', 'store']

interface RecoveryOptions {
  /** Time for an orderly end per kind, before processes are killed. */
  milliseconds?: number
}

/**
 * Ends what a supervisor left behind when it was killed: the processes it recorded, and only those. Its state file is removed.
 * Returns the names of what still ran. Must not be called while the supervisor runs.
 */
export async function cleanUpAfter(stateFile: string, options: RecoveryOptions = {}): Promise<string[]> {
  const state = readState(stateFile)
  const orphans = (state?.units ?? []).filter((unit) => unit.identity !== null && isAlive(unit.identity))
  for (const kind of stopOrder) {
    await endAll(
      orphans.filter((unit) => unit.kind === kind),
      options.milliseconds ?? 10_000,
    )
  }
  rmSync(stateFile, { force: true })
  return orphans.map((unit) => unit.name)
}

async function endAll(units: readonly RecordedUnit[], milliseconds: number): Promise<void> {
  await Promise.all(
    units.map(async ({ identity, stopSignal }) => {
      if (identity) await endProcess(identity, { signal: stopSignal, milliseconds })
    }),
  )
}

interface EndOptions {
  signal: NodeJS.Signals
  /** How long the orderly way may take. */
  milliseconds: number
}

/** Signals a process that is not our child, waits until it is gone, kills it when that takes too long. */
export async function endProcess(identity: ProcessIdentity, { signal, milliseconds }: EndOptions): Promise<void> {
  const gone = () => (isAlive(identity) ? null : true)
  signalProcess(identity, signal)
  if (await poll(gone, { within: milliseconds })) return
  signalProcess(identity, 'SIGKILL')
  await poll(gone, { within: 5000 })
}
