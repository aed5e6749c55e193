import type { Pool } from 'pg'
import type { OnAcquire } from './timed-pool.ts'

/** Milliseconds. */
const impatient = 1000

/**
 * A database that is busy makes callers wait, one that is gone must not. Which it is shows in what became of the last one who asked for a
 * connection: while nobody gets one, the next wait a second at most; with the first that is given the usual time counts again.
 */
export function losesPatience({ options }: Pool): OnAcquire {
  const patient = options.connectionTimeoutMillis ?? impatient
  return ({ error }) => {
    // The pool reads it anew for each one who asks.
    options.connectionTimeoutMillis = error === null ? patient : Math.min(impatient, patient)
  }
}
