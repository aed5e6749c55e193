import type { Home } from '../home.ts'
import { isAlive, signalProcess } from '../supervisor/identity.ts'
import { poll } from '../supervisor/poll.ts'
import { cleanUpAfter } from '../supervisor/recovery.ts'
import { liveState, type StackState } from '../supervisor/state.ts'

/** Longer than the longest orderly stop: an edge that drains, then processes that drain, then stores. */
const patience = 120_000

/** Stops a stack in order and waits for it; ends what a killed one left. Says in a sentence what was done. */
export async function stopStack(home: Home): Promise<string> {
  const state = liveState(home.state)
  if (state) return stopSupervisor(home, state)
  const orphans = await cleanUpAfter(home.state)
  return orphans.length > 0 ? `Ended what a killed stack left behind: ${orphans.join(', ')}.` : 'Nothing was running.'
}

async function stopSupervisor(home: Home, { supervisor }: StackState): Promise<string> {
  const again = () => signalProcess(supervisor, 'SIGTERM')
  process.on('SIGINT', again)
  try {
    signalProcess(supervisor, 'SIGTERM')
    const ended = await poll(() => (isAlive(supervisor) ? null : true), { within: patience })
    if (ended) return 'Stopped.'
    signalProcess(supervisor, 'SIGKILL')
    await poll(() => (isAlive(supervisor) ? null : true), { within: 5000 })
    const left = await cleanUpAfter(home.state)
    return `Killed: it did not stop within ${patience / 1000} s${left.length > 0 ? ` (${left.join(', ')} still ran)` : ''}.`
  } finally {
    process.off('SIGINT', again)
  }
}
