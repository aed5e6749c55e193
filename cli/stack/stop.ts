import type { Home } from '../home.ts'
import { isAlive, type ProcessIdentity, signalProcess } from '../supervisor/identity.ts'
import { lockHolder } from '../supervisor/lock.ts'
import { poll } from '../supervisor/poll.ts'
import { cleanUpAfter } from '../supervisor/recovery.ts'
import { liveState } from '../supervisor/state.ts'

/** Longer than the longest orderly stop: an edge that drains, then processes that drain, then stores. */
const patience = 120_000

/** Stops a stack in order and waits for it; ends what a killed one left. Says in a sentence what was done. */
export async function stopStack(home: Home): Promise<string> {
  const state = liveState(home.state)
  // A supervisor that has just begun holds the lock already, but has no state yet.
  const supervisor = state?.supervisor ?? lockHolder(home.lock)
  if (supervisor) return stopSupervisor(home, { supervisor, isStopping: state?.phase === 'stopping' })
  const orphans = await cleanUpAfter(home.state)
  return orphans.length > 0 ? `Ended what a killed stack left behind: ${orphans.join(', ')}.` : 'Nothing was running.'
}

interface Running {
  supervisor: ProcessIdentity
  /** Somebody asked before: asking again would force the end. */
  isStopping: boolean
}

async function stopSupervisor(home: Home, { supervisor, isStopping }: Running): Promise<string> {
  const ask = () => signalProcess(supervisor, 'SIGTERM')
  const gone = () => (isAlive(supervisor) ? null : true)
  process.on('SIGINT', ask)
  try {
    if (!isStopping) ask()
    const ended = await poll(gone, { within: patience })
    if (!ended) signalProcess(supervisor, 'SIGKILL')
    await poll(gone, { within: 5000 })
    const left = liveState(home.state) ? [] : await cleanUpAfter(home.state)
    if (ended) return left.length > 0 ? `Stopped; ended what still ran: ${left.join(', ')}.` : 'Stopped.'
    return `Killed: it did not stop within ${patience / 1000} s${left.length > 0 ? ` (${left.join(', ')} still ran)` : ''}.`
  } finally {
    process.off('SIGINT', ask)
  }
}
