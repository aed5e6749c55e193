import { once } from 'node:events'
import { connect, type Database } from '@slipway/db'
import { type TestDatabase, type TestRedis, testDatabase, testRedis } from '@slipway/testing'
import { Client } from 'pg'
import { createQueues, createWorkers, migrations, type QueueClient, type Workers, type WorkersSettings } from './index.ts'
import type { JobState } from './ledger.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { probeQueues } from './probe-queues.fixtures.ts'
import { prefix, quick } from './probe-settings.fixtures.ts'

export const tenantA = '018f0000-0000-7000-8000-00000000000a'
export const tenantB = '018f0000-0000-7000-8000-00000000000b'

export interface Row {
  id: string
  state: JobState
  run: number
  attempts: number
  reason: string | null
  stack: string | null
  key: string | null
  payload: unknown
  tenant_id: string
  actor: string | null
  replay_of: string | null
}

export interface Harness extends AsyncDisposable {
  readonly database: TestDatabase
  readonly redis: TestRedis
  readonly system: Database
  readonly runtime: Database
  readonly queues: QueueClient
  readonly workers: (options?: Partial<WorkersSettings<ProbeContext>>, during?: ProbeContext['during']) => Promise<Workers>
  readonly rows: () => Promise<Row[]>
  readonly row: (id: string) => Promise<Row | undefined>
  /** Names of what was done, once for each job however often it ran. */
  readonly effects: () => Promise<string[]>
  /** How often the jobs of this name ran to their end. */
  readonly runs: (name: string) => Promise<number>
  /**
   * Resolves once the answer of `look` satisfies `fits`. Looks again after every change of a job's row or of the effects, or at once
   * for what Postgres does not tell of; a question to Postgres lies between the looks.
   */
  until<T>(look: () => Promise<T>, fits: (value: T) => boolean, again?: 'after a change' | 'at once'): Promise<T>
  ended(id: string, state?: JobState): Promise<Row>
}

export async function harness(): Promise<Harness> {
  const stack = new AsyncDisposableStack()
  const redis = stack.use(await testRedis())
  const database = stack.use(
    await testDatabase({
      migrations: [{ service: 'probe', folder: new URL('./fixtures/migrations/', import.meta.url) }],
      libraries: [migrations],
    }),
  )
  const system = stack.use(connect({ url: database.url('system') }))
  const runtime = stack.use(connect({ url: database.url('runtime') }))
  const queues = stack.use(createQueues({ redisUrl: redis.url, prefix, definitions: probeQueues }))
  const changes = await watchChanges(database, stack)
  const rows = async () => (await system.pool.query<Row>('select * from jobs order by id')).rows
  const row = async (id: string) => (await rows()).find((found) => found.id === id)
  const until: Harness['until'] = async (look, fits, again = 'after a change') => {
    for (;;) {
      const changed = changes.next()
      const value = await look()
      if (fits(value)) return value
      await (again === 'at once' ? system.ready() : changed)
    }
  }
  return {
    database,
    redis,
    system,
    runtime,
    queues,
    rows,
    row,
    until,
    workers: async (options = {}, during) => {
      const workers = await createWorkers({
        service: 'probe',
        definitions: probeQueues,
        redisUrl: redis.url,
        prefix,
        database: system,
        tuning: quick,
        context: { database: system, ...(during ? { during } : {}) },
        ...options,
      })
      return stack.use(workers)
    },
    runs: async (name) => {
      const { rows: found } = await system.pool.query<{ runs: number }>(
        'select coalesce(sum(runs), 0)::int as runs from effects where name = $1',
        [name],
      )
      return found[0]?.runs ?? 0
    },
    effects: async () => (await system.pool.query<{ name: string }>('select name from effects order by name')).rows.map(({ name }) => name),
    ended: async (id, state = 'completed') => {
      const found = await until(
        () => row(id),
        (value) => value?.state === state,
      )
      if (!found) throw new Error(`no row ${id}`)
      return found
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Postgres tells of every change, so tests wait for events and not for time. */
async function watchChanges(database: TestDatabase, stack: AsyncDisposableStack): Promise<{ next(): Promise<unknown> }> {
  const client = new Client({ connectionString: database.adminUrl })
  await client.connect()
  stack.defer(() => client.end())
  await client.query(`
    create function probe.tell() returns trigger language plpgsql as $$ begin perform pg_notify('changed', ''); return null; end $$;
    create trigger tell after insert or update or delete on probe.jobs execute function probe.tell();
    create trigger tell after insert or update on probe.effects execute function probe.tell();
    grant execute on function probe.tell() to public;
    listen changed`)
  client.setMaxListeners(0)
  return { next: () => once(client, 'notification') }
}
