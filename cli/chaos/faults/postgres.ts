import { connect, type Database } from '@slipway/db'
import { pause } from '../../supervisor/poll.ts'
import type { World } from '../world.ts'
import type { Fault } from './fault.ts'

const stopped: Fault = {
  name: 'postgres stopped',
  seconds: 30,
  async begin({ world: { stores } }) {
    await stores.postgres.stop()
    return () => stores.postgres.start()
  },
}

const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where usename like 'slipway%'`

const terminated: Fault = {
  name: 'backends terminated',
  seconds: 8,
  async begin({ world }) {
    const admin = adminOf(world, 1)
    const ending = again(300, () => admin.pool.query(terminate))
    return async () => {
      await ending()
      await admin[Symbol.asyncDispose]()
    }
  },
}

/** Of `startPostgres`, but for those that Postgres keeps for superusers. */
const connections = 197

const exhausted: Fault = {
  name: 'connections exhausted',
  seconds: 10,
  async begin({ world }) {
    const admin = adminOf(world, connections)
    const held: { query(text: string): Promise<unknown>; release(): void }[] = []
    const hold = async () => {
      while (held.length < connections) held.push(await admin.pool.connect())
    }
    // Every place that one of theirs leaves is taken.
    const ending = again(200, async () => {
      await hold().catch(() => undefined)
      await held[0]?.query(terminate)
    })
    return async () => {
      await ending()
      for (const client of held) client.release()
      await admin[Symbol.asyncDispose]()
    }
  },
}

function adminOf({ target }: World, poolSize: number): Database {
  return connect({ url: target.database.adminUrl, poolSize, name: 'slipway chaos', connectSeconds: 2, onError: () => undefined })
}

/** @returns what ends it */
export function again(milliseconds: number, act: () => Promise<unknown>): () => Promise<void> {
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await act()
      await pause(milliseconds, stopping.signal).catch(() => undefined)
    }
  })()
  return async () => {
    stopping.abort()
    await running
  }
}

export const postgresFaults: readonly Fault[] = [stopped, terminated, exhausted]
