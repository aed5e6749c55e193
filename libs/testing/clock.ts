export interface Clock {
  readonly now: () => number
}

export interface FakeClock extends Clock {
  /** Moves time forward by milliseconds. */
  readonly advance: (milliseconds: number) => void
}

/** A clock that stands still until it is moved. `now` may be passed on alone. */
export function fakeClock(start: number | Date | string = '2026-01-01T00:00:00Z'): FakeClock {
  let time = typeof start === 'number' ? start : new Date(start).getTime()
  return {
    now: () => time,
    advance: (milliseconds) => {
      if (milliseconds < 0) throw new RangeError('time does not go back')
      time += milliseconds
    },
  }
}
