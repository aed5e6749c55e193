import type { Database } from '@slipway/db'
import { removeExpiredKeys } from '@slipway/http'
import type { Log } from '@slipway/telemetry'

const hour = 3_600_000

interface UpkeepOptions {
  /** The system role. */
  readonly database: Database
  readonly log: Log
  /** Milliseconds between two rounds. */
  readonly every?: number
}

/**
 * Clears what the platform's own tables of a service keep for a time only: answers under idempotency keys. Runs at the start of a worker
 * and then every hour. Several replicas do it at once without harm, and a round that fails is made good by the next.
 */
export function startUpkeep({ database, log, every = hour }: UpkeepOptions): AsyncDisposable {
  let running = Promise.resolve()
  const round = async () => {
    try {
      const removed = await removeExpiredKeys(database)
      if (removed > 0) log.info({ removed }, 'expired idempotency keys were removed')
    } catch (error) {
      log.warn({ err: error }, 'expired idempotency keys could not be removed')
    }
  }
  const next = () => {
    running = running.then(round)
  }
  const timer = setInterval(next, every)
  next()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}
