import { type ChildOptions, startChild } from '../supervisor/child.ts'
import { pause, poll } from '../supervisor/poll.ts'
import type { Running } from '../supervisor/unit.ts'

/** One process of several that do the same, restarted at once whenever it has ended, as a kubelet does. */
export interface Replica extends AsyncDisposable {
  readonly name: string
  /** What it is one of, as in `files-api`. */
  readonly kind: string
  /** It answered its readiness probe, and has not ended since. */
  readonly isReady: boolean
  readonly restarts: number
  /** When the harness killed it last, by the monotonic clock. */
  readonly killedAt: number
  /** Of its own listener, past every balancer. */
  readonly readyUrl: string
  /** With SIGKILL; it comes back by itself. False when there is nothing to kill. */
  kill(): boolean
  /** Resolves when it is ready; rejects when it is not within the time. */
  ready(within: number, signal: AbortSignal): Promise<void>
}

/** Before its process was killed, a connection may have waited for it for so long. */
const waitedMilliseconds = 1000

/** Whether a kill explains that a connection to this kind of process broke, which was opened at that moment. */
export function brokeByKill(replicas: readonly Pick<Replica, 'kind' | 'killedAt'>[], kind: string, began: number): boolean {
  return replicas.some((replica) => replica.kind === kind && replica.killedAt >= began - waitedMilliseconds)
}

interface ReplicaOptions {
  readonly name: string
  readonly kind: string
  /** Asked for anew at each start. */
  readonly child: () => ChildOptions
  /** The process has ended, and nobody but itself is to blame. */
  readonly onOwnEnd: (what: string) => void
}

export function startReplica(options: ReplicaOptions): Replica {
  const { name, kind } = options
  const ending = new AbortController()
  const state = { pid: 0, running: undefined as Running | undefined, isKilled: false, killedAt: Number.NEGATIVE_INFINITY, restarts: -1 }

  async function keep(): Promise<void> {
    while (!ending.signal.aborted) {
      state.restarts++
      const how = await once().catch((error: Error) => error.message)
      state.running = undefined
      state.pid = 0
      if (ending.signal.aborted) return
      if (!state.isKilled) {
        options.onOwnEnd(`${name} ended by itself: ${how}`)
        await pause(1000, ending.signal).catch(() => undefined)
      }
      state.isKilled = false
    }
  }

  async function once(): Promise<string> {
    const running = await startChild(options.child(), { signal: ending.signal, spawned: (pid) => (state.pid = pid) })
    state.running = running
    const code = await running.exited
    return code === null ? 'by a signal' : `code ${code}`
  }

  const kept = keep()
  return {
    name,
    kind,
    get isReady() {
      return state.running !== undefined && !state.isKilled
    },
    get restarts() {
      return state.restarts
    },
    get killedAt() {
      return state.killedAt
    },
    get readyUrl() {
      return options.child().readyUrl
    },
    kill() {
      if (state.pid === 0 || state.isKilled) return false
      state.isKilled = true
      state.killedAt = performance.now()
      process.kill(state.pid, 'SIGKILL')
      return true
    },
    async ready(within, signal) {
      const is = await poll(() => (state.running && !state.isKilled ? true : null), { within, signal })
      if (!is) throw new Error(`${name} is not ready after ${within / 1000} s`)
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('the run is over'))
      await state.running?.stop()
      await kept
    },
  }
}
