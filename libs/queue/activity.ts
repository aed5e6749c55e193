/** What a host is doing, for its probes, for cancellation and for an orderly end. */
export interface ActiveJob {
  /** Of the row, present or future. */
  readonly id: string
  readonly queue: string
  readonly durable: boolean
  readonly controller: AbortController
}

export interface Activity {
  readonly active: ReadonlySet<ActiveJob>
  /** Milliseconds since the epoch: a job started, moved on or ended. */
  readonly last: number
  started(job: ActiveJob): void
  moved(): void
  ended(job: ActiveJob): void
  /** Resolves when nothing is active. */
  idle(): Promise<void>
}

export function createActivity(now: () => number): Activity {
  const active = new Set<ActiveJob>()
  let last = now()
  let waiters: (() => void)[] = []
  const settle = () => {
    if (active.size > 0) return
    for (const resolve of waiters) resolve()
    waiters = []
  }
  return {
    active,
    get last() {
      return last
    },
    started: (job) => {
      active.add(job)
      last = now()
    },
    moved: () => {
      last = now()
    },
    ended: (job) => {
      active.delete(job)
      last = now()
      settle()
    },
    idle: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.push(resolve)
      settle()
      return promise
    },
  }
}
