import { randomInt } from 'node:crypto'
import { pause, poll } from '../../supervisor/poll.ts'
import type { Replica } from '../replica.ts'
import type { Chaos, Fault } from './fault.ts'

const killed: Fault = { name: 'api killed', seconds: 0, short: true, begin: (chaos) => killMany(chaos, { count: 3, only: 'files-api' }) }
const sixty: Fault = { name: 'apis and workers killed 60 times', seconds: 0, begin: (chaos) => killMany(chaos, { count: 60 }) }

interface Dose {
  readonly count: number
  /** Processes of this name; without it, any. */
  readonly only?: string
}

const betweenMilliseconds = 1000
/** A machine that cannot start processes fast enough gets fewer kills, which is a violation. */
const mostMilliseconds = 240_000
const readyMilliseconds = 120_000

/** Never both of a kind: that would be an outage, and no test of what one process leaves to the other. */
async function killMany({ world, client, note, signal }: Chaos, { count, only }: Dose): Promise<() => Promise<void>> {
  const until = performance.now() + mostMilliseconds
  let kills = 0
  while (kills < count && performance.now() < until && !signal.aborted) {
    const candidates = spare(world.replicas).filter(({ kind }) => only === undefined || kind === only)
    const victim = candidates[randomInt(Math.max(1, candidates.length))]
    if (victim?.kill()) kills++
    await pause(betweenMilliseconds, signal).catch(() => undefined)
  }
  note(`${kills} kills`)
  if (kills < count && !signal.aborted) client.ledger.violate('no-effect', `${kills} of ${count} kills in ${mostMilliseconds / 1000} s`)
  return () => allReady(world.replicas, signal)
}

/** Those whose twin is ready too. */
function spare(replicas: readonly Replica[]): Replica[] {
  const ready = replicas.filter(({ isReady }) => isReady)
  return ready.filter(({ name, kind }) => ready.some((other) => other.name !== name && other.kind === kind))
}

export async function allReady(replicas: readonly Replica[], signal: AbortSignal): Promise<void> {
  await poll(() => (replicas.every(({ isReady }) => isReady) ? true : null), { within: readyMilliseconds, signal })
}

export const processFaults: readonly Fault[] = [killed, sixty]
