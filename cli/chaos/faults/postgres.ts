import { connect, type Database, roleName } from '@slipway/db'
import { pause } from '../../supervisor/poll.ts'
import { insist } from '../insist.ts'
import { poolSize, replicasOfEach, type World } from '../world.ts'
import type { Chaos, Fault } from './fault.ts'

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

const lock = 'lock table files.files in access exclusive mode'

const waiting = `
  select a.usename as role, count(*)::int as count from pg_locks l join pg_stat_activity a using (pid)
  where l.relation = 'files.files'::regclass and not l.granted group by a.usename`

/** Which requests of the APIs of files run under. */
const requestRole = roleName('files', 'runtime')
/** All that these APIs have of it. */
const places = poolSize * replicasOfEach
/** Questions beside the load, which on a slow machine would not fill the pools in time: three for each place. */
const askers = 3 * places

/** Postgres has room, and the connections of our own processes are all taken: each waits for a table, and whoever comes then waits for one of them. */
const poolsExhausted: Fault = {
  name: 'pools exhausted',
  seconds: 8,
  async begin(chaos) {
    const { world, client, note } = chaos
    const admin = adminOf(world, 2)
    const holder = await admin.pool.connect()
    await holder.query(`begin; ${lock}`)
    const asking = Promise.all(Array.from({ length: askers }, () => insist(client, { method: 'GET', path: '/api/v1/files?limit=1' })))
    asking.catch(() => undefined)
    const most = new Map<string, number>()
    const ending = again(200, () => countWaiting(admin, most))
    return async () => {
      await ending()
      await countWaiting(admin, most)
      await holder.query('rollback').finally(() => holder.release())
      await admin[Symbol.asyncDispose]()
      await asking
      note(`${[...most].map(([role, count]) => `${count} of ${role}`).join(', ') || 'none'} waited for the table`)
      requireFull(chaos, most.get(requestRole) ?? 0)
    }
  },
}

/** The most that were seen at once; a look that Postgres has no time for sees nobody. */
async function countWaiting(admin: Database, most: Map<string, number>): Promise<void> {
  const { rows } = await admin.pool.query<{ role: string; count: number }>(waiting).catch(() => ({ rows: [] }))
  for (const { role, count } of rows) most.set(role, Math.max(count, most.get(role) ?? 0))
}

function requireFull({ client: { ledger } }: Chaos, waited: number): void {
  if (waited < places) ledger.violate('no-effect', `${waited} connections of ${requestRole} waited, and its pools have ${places}`)
}

function adminOf({ target }: World, poolSize: number): Database {
  return connect({ url: target.database.adminUrl, poolSize, name: 'slipway chaos', connectSeconds: 2, onError: () => undefined })
}

/** @returns what ends it, and tells of what failed */
export function again(milliseconds: number, act: () => Promise<unknown>): () => Promise<void> {
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await act()
      await pause(milliseconds, stopping.signal).catch(() => undefined)
    }
  })()
  running.catch(() => undefined)
  return async () => {
    stopping.abort()
    await running
  }
}

export const postgresFaults: readonly Fault[] = [stopped, terminated, exhausted, poolsExhausted]
