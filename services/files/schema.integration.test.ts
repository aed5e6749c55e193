import { randomUUID } from 'node:crypto'
import { assertTenantTables, connect } from '@slipway/db'
import { platformMigrations } from '@slipway/service'
import { testDatabase } from '@slipway/testing'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as schema from './schema.ts'
import { files } from './service.ts'

type Made<T> = T extends () => Promise<infer R> ? R : never
const open = async () => {
  const database = await testDatabase({ migrations: [{ service: files.name, folder: files.migrations }], libraries: platformMigrations })
  return {
    database,
    runtime: connect({ url: database.url('runtime'), connectSeconds: 10 }),
    system: connect({ url: database.url('system'), connectSeconds: 10 }),
  }
}
let test: Made<typeof open>
beforeAll(async () => {
  test = await open()
})
afterAll(async () => {
  for (const part of [test.runtime, test.system, test.database]) await part[Symbol.asyncDispose]()
})

const { folders, files: fileTable, quarantine, usage, resumableUploads, retention } = schema
const tables: PgTable[] = [folders, fileTable, quarantine, usage, resumableUploads, retention]
const folder = (tenantId: string | undefined, parentId: string | null = null) => {
  const now = new Date()
  const id = randomUUID()
  return { id, parentId, name: id, nameKey: id, createdBy: 'user:a', createdAt: now, updatedAt: now, ...(tenantId ? { tenantId } : {}) }
}

describe('the schema', () => {
  it('keeps tenants apart in every table', async () => {
    expect(await assertTenantTables(test.database.adminUrl, 'files')).toEqual(
      expect.arrayContaining(['files', 'folders', 'quarantine', 'resumable_uploads', 'retention', 'usage']),
    )
  })

  it.each(tables.map((table) => [getTableConfig(table).name, table] as const))('of %s is what the migrations make', async (name, table) => {
    const { rows } = await test.system.pool.query<{ name: string; required: boolean }>(
      `select column_name as name, is_nullable = 'NO' as required from information_schema.columns
       where table_schema = 'files' and table_name = $1 order by 1`,
      [name],
    )
    const declared = getTableConfig(table).columns.map((column) => ({ name: column.name, required: column.notNull || column.primary }))
    expect(declared.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(rows)
  })
})

describe('the runtime role', () => {
  it('sees no row of another tenant, and none without a tenant', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    await test.runtime.tenantTransaction(one, (tx) => tx.insert(folders).values(folder(undefined)))
    const seen = (tenant: string) => test.runtime.tenantTransaction(tenant, (tx) => tx.select().from(folders))
    expect([(await seen(one)).length, (await seen(other)).length]).toEqual([1, 0])
    expect(await test.runtime.transaction((tx) => tx.select().from(folders))).toEqual([])
    expect(await test.system.transaction((tx) => tx.select().from(folders))).toHaveLength(1)
  })

  it('writes no row for another tenant', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const write = test.runtime.tenantTransaction(one, (tx) => tx.insert(folders).values(folder(other)))
    await expect(write).rejects.toThrow()
  })

  it('hangs no folder into a foreign one, although foreign keys look past row level security', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const foreign = folder(undefined)
    await test.runtime.tenantTransaction(other, (tx) => tx.insert(folders).values(foreign))
    const write = test.runtime.tenantTransaction(one, (tx) => tx.insert(folders).values(folder(undefined, foreign.id)))
    await expect(write).rejects.toThrow()
  })
})
