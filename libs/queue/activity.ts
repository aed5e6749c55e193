/** What a host is doing, for its probes, for cancellation and for an orderly end. */
export interface ActiveJob {
  /** Of the row, present or future. */
  readonly id: string
  readonly queue: string
  /** Of the BullMQ job. */
  readonly bullId: string
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
  /** Ends what runs and whatever starts from now on. */
  interrupt(reason: Error): void
  /** Resolves when nothing is active. */
  idle(): Promise<void>
}

export function createActivity(now: () => number): Activity {
  const active = new Set<ActiveJob>()
  let last = now()
  let interruption: Error | undefined
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
      if (interruption) job.controller.abort(interruption)
    },
    moved: () => {
      last = now()
    },
    ended: (job) => {
      active.delete(job)
      last = now()
      settle()
    },
    interrupt: (reason) => {
      interruption = reason
      for (const { controller } of active) controller.abort(reason)
    },
    idle: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiters.push(resolve)
      settle()
      return promise
    },
  }
}
