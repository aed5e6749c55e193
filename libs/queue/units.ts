export function seconds(count: number): number {
  return count * 1000
}

export function minutes(count: number): number {
  return seconds(count * 60)
}

export function hours(count: number): number {
  return minutes(count * 60)
}

export function days(count: number): number {
  return hours(count * 24)
}

/** At most `max` starts within `duration` milliseconds, over all workers of the queue. */
export interface Rate {
  readonly max: number
  readonly duration: number
}

export function perSecond(max: number): Rate {
  return { max, duration: seconds(1) }
}

export function perMinute(max: number): Rate {
  return { max, duration: minutes(1) }
}

/** The wait before attempt n+1. `jitter` is the share of it that is random, so that what failed together does not come back together. */
export interface Backoff {
  readonly type: 'exponential' | 'fixed'
  readonly delay: number
  readonly jitter: number
}

/** `first`, then twice as long after each further failure. */
export function exponential(first: number, { jitter = 0.5 }: { jitter?: number } = {}): Backoff {
  return { type: 'exponential', delay: first, jitter }
}

export function fixed(delay: number, { jitter = 0.2 }: { jitter?: number } = {}): Backoff {
  return { type: 'fixed', delay, jitter }
}
