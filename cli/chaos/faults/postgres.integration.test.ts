import { connect, type Database } from '@slipway/db'
import { files } from '@slipway/files'
import { platformMigrations } from '@slipway/service'
import { type TestDatabase, testDatabase } from '@slipway/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answer, scripted } from '../client.fixtures.ts'
import { poolSize, replicasOfEach, type World } from '../world.ts'
import { postgresFaults } from './postgres.ts'

let stack: AsyncDisposableStack
let made: TestDatabase
let api: Awaited<ReturnType<typeof scripted>>
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  made = stack.use(await testDatabase({ migrations: [{ service: files.name, folder: files.migrations }], libraries: platformMigrations }))
  api = stack.use(await scripted(answer(200)))
})
afterEach(() => stack.disposeAsync())

async function exhaust() {
  const notes: string[] = []
  const world = { target: { database: { adminUrl: made.adminUrl } } } as unknown as World
  const fault = postgresFaults.find(({ name }) => name === 'pools exhausted') ?? expect.fail('there is no such fault')
  const heal = await fault.begin({ world, client: api.client, note: (text) => notes.push(text), signal: new AbortController().signal })
  return { heal: heal ?? expect.fail('it was left out'), notes }
}

/** The pool of one API. */
const apiPool = (): Database => stack.use(connect({ url: made.url('runtime'), poolSize }))
const count = 'select count(*) from files'

test('every connection of the pools waits for the table until the fault is over', async () => {
  const pools = Array.from({ length: replicasOfEach }, apiPool)
  const { heal, notes } = await exhaust()
  const asked = Promise.all(pools.flatMap((one) => Array.from({ length: poolSize + 1 }, () => one.pool.query(count))))
  await expect.poll(() => pools.map(({ pool }) => pool.waitingCount)).toEqual([1, 1])
  await expect.poll(() => waitingForLocks()).toBe(poolSize * replicasOfEach)
  await heal()
  await asked
  expect(notes).toEqual([`${poolSize * replicasOfEach} of slipway_files_runtime waited for the table`])
  expect(api.rules()).toEqual([])
})

test('it says so when the pools were not full', async () => {
  const one = apiPool()
  const { heal, notes } = await exhaust()
  const asked = one.pool.query(count)
  await expect.poll(() => waitingForLocks()).toBe(1)
  await heal()
  await asked
  expect(notes).toEqual(['1 of slipway_files_runtime waited for the table'])
  expect(api.rules()).toEqual(['no-effect'])
})

async function waitingForLocks(): Promise<number> {
  await using admin = connect({ url: made.adminUrl, poolSize: 1 })
  const { rows } = await admin.pool.query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0]?.waiting ?? 0
}
