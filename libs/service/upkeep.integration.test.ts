import { connect, newId } from '@slipway/db'
import { testDatabase } from '@slipway/testing'
import { expect, it } from 'vitest'
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
