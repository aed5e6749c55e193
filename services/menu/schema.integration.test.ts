import { assertTenantTables } from '@slipway/db'
import { platformMigrations } from '@slipway/service'
import { type TestDatabase, testDatabase } from '@slipway/testing'
import { getTableConfig } from 'drizzle-orm/pg-core'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { categories, dishes, menus, models, photos } from './schema.ts'
import { menu } from './service.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase({ migrations: [{ service: menu.name, folder: menu.migrations }], libraries: platformMigrations })
})
afterAll(() => database[Symbol.asyncDispose]())

describe('the schema', () => {
  it('keeps tenants apart in every table', async () => {
    expect(await assertTenantTables(database.adminUrl, 'menu')).toEqual(
      expect.arrayContaining(['categories', 'dishes', 'jobs', 'menus', 'models', 'photos']),
    )
  })

  it.each([categories, dishes, menus, models, photos].map((table) => [getTableConfig(table).name, table] as const))(
    'of %s is what the migrations make',
    async (name, table) => {
      const client = new Client({ connectionString: database.adminUrl })
      await client.connect()
      const { rows } = await client.query<{ name: string; required: boolean }>(
        `select column_name as name, is_nullable = 'NO' as required from information_schema.columns
          where table_schema = 'menu' and table_name = $1 order by 1`,
        [name],
      )
      await client.end()
      const declared = getTableConfig(table).columns.map((column) => ({ name: column.name, required: column.notNull || column.primary }))
      expect(declared.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(rows)
    },
  )
})
