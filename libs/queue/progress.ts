import type { Job } from 'bullmq'
import type { Activity } from './activity.ts'
import type { QueueLog } from './log.ts'

const interval = 500

export interface Progress {
  report(value: number | object): void
  /** Writes what is left; reports after it are dropped. */
  end(): Promise<void>
}

/** A processor may report as often as it likes; Redis hears of it at most twice a second, and of the last word always. */
export function createProgress(job: Pick<Job, 'updateProgress'>, log: QueueLog, activity: Pick<Activity, 'moved'>): Progress {
  let pending: number | object | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const write = async () => {
    const value = pending
    pending = undefined
    if (value === undefined) return
    await job.updateProgress(value).catch((error: unknown) => log.debug({ err: error }, 'progress was not written'))
  }
  const tick = () => {
    timer = undefined
    if (pending === undefined) return
    timer = setTimeout(tick, interval)
    void write()
  }
  return {
    report: (value) => {
      if (ended) return
      pending = value
      activity.moved()
      if (timer === undefined) tick()
    },
    end: async () => {
      ended = true
      clearTimeout(timer)
      await write()
    },
  }
}
