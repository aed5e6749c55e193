import { testDatabase } from '@slipway/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connect, type Database, inBatches } from './index.ts'

const numbers = (count: number) => `select n from generate_series(1, ${count}) as n order by n`
const stack = new AsyncDisposableStack()
let url: string
let database: Database
beforeAll(async () => {
  const made = stack.use(await testDatabase())
  url = made.adminUrl
  database = stack.use(connect({ url, poolSize: 1 }))
})
afterAll(() => stack.disposeAsync())

async function sizes(query: string, size: number): Promise<number[]> {
  const found: number[] = []
  for await (const rows of inBatches(database, query, size)) found.push(rows.length)
  return found
}

it.each([
  [0, []],
  [3, [3]],
  [10, [10]],
  [25, [10, 10, 5]],
])('gives %i rows in batches', async (count, expected) => {
  expect(await sizes(numbers(count), 10)).toEqual(expected)
})

it('gives the rows of one moment, whatever is written meanwhile', async () => {
  await database.pool.query('create table moments as select n from generate_series(1, 20) as n')
  await using other = connect({ url, poolSize: 1 })
  const seen: number[] = []
  for await (const rows of inBatches<{ n: number }>(database, 'select n from moments order by n', 5)) {
    seen.push(...rows.map(({ n }) => n))
    await other.pool.query('insert into moments values (1000)')
  }
  expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
})

it('writes nothing', async () => {
  await expect(sizes(`select n from generate_series(1, 3) as n, nextval('none') as v`, 10)).rejects.toThrow(/none/)
  await database.pool.query('create sequence counting')
  await expect(sizes(`select nextval('counting') as v`, 10)).rejects.toMatchObject({ cause: { code: '25006' } })
})

it('gives the connection back at the end, when it is left, and after an error', async () => {
  await sizes(numbers(15), 10)
  for await (const _rows of inBatches(database, numbers(100), 10)) break
  await expect(sizes('select * from nothing_of_this_name', 10)).rejects.toThrow(/nothing_of_this_name/)
  // The pool has one connection: this would wait for ever.
  expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

it('is database.unavailable when Postgres cannot be reached, and when it goes away in between', async () => {
  await using nowhere = connect({ url: 'postgres://nobody@127.0.0.1:1/none', connectSeconds: 1 })
  const read = async () => {
    for await (const _rows of inBatches(nowhere, numbers(1))) continue
  }
  await expect(read()).rejects.toMatchObject({ code: 'database.unavailable' })
  await using other = connect({ url, poolSize: 1 })
  const broken = async () => {
    for await (const _rows of inBatches(database, numbers(100), 10))
      await other.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like 'fetch 10%' and pid <> pg_backend_pid()`,
      )
  }
  await expect(broken()).rejects.toMatchObject({ code: 'database.unavailable' })
  expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
