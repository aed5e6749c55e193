import type { Pool } from 'pg'
import type { OnAcquire } from './timed-pool.ts'

/** Milliseconds. */
const impatient = 1000

/**
 * A database that is busy makes callers wait, one that is gone must not. Which it is shows in what became of the others while somebody
 * waited in vain: when nobody was given a connection, the next wait a second at most, until one is given again.
 */
export function losesPatience({ options }: Pick<Pool, 'options'>, now = () => performance.now()): OnAcquire {
  const patient = options.connectionTimeoutMillis ?? impatient
  let given = Number.NEGATIVE_INFINITY
  return ({ seconds, error }) => {
    if (error === null) given = now()
    else if (given > now() - seconds * 1000) return
    // The pool reads it anew for each one who asks.
    options.connectionTimeoutMillis = error === null ? patient : Math.min(impatient, patient)
  }
}
