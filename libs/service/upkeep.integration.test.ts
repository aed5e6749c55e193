import { connect, type Database, newId } from '@slipway/db'
import { testDatabase } from '@slipway/testing'
import { expect, it, vi } from 'vitest'
import { platformMigrations } from './checks.ts'
import { notes } from './sample.fixtures/service.ts'
import { silentLog } from './silent-log.fixtures.ts'
import { startUpkeep } from './upkeep.ts'

const migrations = [{ service: 'notes', folder: notes.migrations }]

it('removes what has expired at its start, keeps the rest, and ends its round before it is closed', async () => {
  await using stored = await testDatabase({ migrations, libraries: platformMigrations })
  await using database = connect({ url: stored.url('system') })
  const tenant = newId()
  const insert = (key: string, expires: string) =>
    database.pool.query(
      `insert into idempotency_keys (tenant_id, principal, method, route, key_id, attempt, lease_until, expires_at)
       values ($1, 'user:1', 'POST', '/x', $2::bytea, $3, now(), now() + $4::interval)`,
      [tenant, Buffer.from(key), newId(), expires],
    )
  await insert('old', '-1 hour')
  await insert('new', '1 hour')
  const upkeep = startUpkeep({ database, log: silentLog })
  await upkeep[Symbol.asyncDispose]()
  const { rows } = await database.pool.query<{ key_id: Buffer }>('select key_id from idempotency_keys')
  expect(rows.map((row) => row.key_id.toString())).toEqual(['new'])
})

it('outlives a database that cannot be reached', async () => {
  await using database = connect({ url: 'postgres://nobody@127.0.0.1:1/none', connectSeconds: 1 })
  await using upkeep = startUpkeep({ database, log: silentLog })
  expect(upkeep).toBeDefined()
})

it('goes on round after round, one at a time, also after one that failed, and not after its end', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const rounds: PromiseWithResolvers<{ rowCount: number }>[] = []
    const transaction = () => {
      const round = Promise.withResolvers<{ rowCount: number }>()
      rounds.push(round)
      return round.promise
    }
    const upkeep = startUpkeep({ database: { transaction } as unknown as Database, log: silentLog, every: 1000 })
    await vi.waitFor(() => expect(rounds).toHaveLength(1))
    vi.advanceTimersByTime(2000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(rounds).toHaveLength(1)
    rounds[0]?.reject(new Error('away'))
    await vi.waitFor(() => expect(rounds).toHaveLength(2))
    rounds[1]?.resolve({ rowCount: 0 })
    await vi.waitFor(() => expect(rounds).toHaveLength(3))
    let closed = false
    const close = async () => {
      await upkeep[Symbol.asyncDispose]()
      closed = true
    }
    const closing = close()
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    rounds[2]?.resolve({ rowCount: 0 })
    await closing
    vi.advanceTimersByTime(10_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect([rounds.length, vi.getTimerCount()]).toEqual([3, 0])
  } finally {
    vi.useRealTimers()
  }
})

it('of several replicas at once removes everything once', async () => {
  await using stored = await testDatabase({ migrations, libraries: platformMigrations })
  await using database = connect({ url: stored.url('system') })
  await database.pool.query(
    `insert into idempotency_keys (tenant_id, principal, method, route, key_id, attempt, lease_until, expires_at)
     select gen_random_uuid(), 'user:1', 'POST', '/x', n::text::bytea, gen_random_uuid(), now(), now() - interval '1 hour'
     from generate_series(1, 2500) as n`,
  )
  const removed: unknown[] = []
  const log = { info: (fields: { removed: number }) => removed.push(fields.removed), warn: (fields: object) => removed.push(fields) }
  const replicas = [1, 2, 3].map(() => startUpkeep({ database, log: log as unknown as typeof silentLog }))
  await Promise.all(replicas.map((each) => each[Symbol.asyncDispose]()))
  const { rows } = await database.pool.query<{ left: number }>('select count(*)::int as left from idempotency_keys')
  expect(rows[0]?.left).toBe(0)
  expect(removed.reduce((sum: number, count) => sum + (count as number), 0)).toBe(2500)
})
