import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Cluster, migrationFolder, notesTable, passwords, runAs, startCluster } from './db.fixtures.ts'
import { assertTenantTables, connect, type Database, type MigrateOptions, migrate, newId, roleName } from './index.ts'

const applied = ['notes: db/0002_direct_policies.sql']
const subSelect = `(select nullif(current_setting('slipway.tenant', true), '')::uuid)`
const tasksTable = `
  create table tasks (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));
  call tenant_table('tasks');`

let cluster: Cluster
let files: Awaited<ReturnType<typeof migrationFolder>>
beforeAll(async () => {
  cluster = await startCluster()
  files = await migrationFolder({ '0001_notes.sql': notesTable, '0002_tasks.sql': tasksTable })
})
afterAll(async () => {
  await files[Symbol.asyncDispose]()
  await cluster[Symbol.asyncDispose]()
})

let adminUrl: string
const again = (more: Partial<MigrateOptions> = {}) =>
  migrate({ adminUrl, services: [{ name: 'notes', folder: files.folder, passwords }], ...more })

beforeEach(async () => {
  adminUrl = await cluster.createDatabase()
  await again()
  const asBefore = ['notes', 'tasks'].map(
    (table) => `alter policy one_tenant on notes.${table} using (tenant_id = ${subSelect}) with check (tenant_id = ${subSelect});`,
  )
  const ownerUrl = adminUrl.replace('admin:admin', `${roleName('notes', 'owner')}:${passwords.owner}`)
  await runAs(ownerUrl, `${asBefore.join('\n')} delete from notes.schema_migrations where source = 'db' and file like '0002%'`)
})

function openRuntime(): Database {
  return connect({ url: adminUrl, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
}

async function subSelects(): Promise<unknown[]> {
  return runAs(
    adminUrl,
    `select tablename from pg_policies where policyname = 'one_tenant' and qual || with_check like '%SELECT%' order by 1`,
  )
}

/** Until a migration waits for a lock. */
async function someoneWaits(): Promise<void> {
  const waiting = `select 1 from pg_stat_activity where application_name = 'slipway migrate' and wait_event_type = 'Lock'`
  await expect.poll(() => cluster.query(waiting), { timeout: 30_000, interval: 20 }).toHaveLength(1)
}

describe('the migration to policies that read the setting themselves', () => {
  it('changes those of all tables, which keep tenants apart before and after', async () => {
    await using db = openRuntime()
    const [mine, other] = [newId(), newId()]
    const count = (tenant: string) =>
      db.tenantTransaction(tenant, async (tx) => (await tx.execute<{ count: string }>(sql`select count(*) from tasks`)).rows)
    await db.tenantTransaction(mine, (tx) => tx.execute(sql`insert into tasks (id) values (${newId()})`))

    expect(await subSelects()).toEqual([{ tablename: 'notes' }, { tablename: 'tasks' }])
    expect(await assertTenantTables(adminUrl, 'notes')).toEqual(['notes', 'tasks'])
    expect([await count(mine), await count(other)]).toEqual([[{ count: '1' }], [{ count: '0' }]])

    expect(await again()).toMatchObject({ applied })
    expect(await subSelects()).toEqual([])
    expect(await assertTenantTables(adminUrl, 'notes')).toEqual(['notes', 'tasks'])
    expect([await count(mine), await count(other)]).toEqual([[{ count: '1' }], [{ count: '0' }]])
    const plant = sql`insert into tasks (tenant_id, id) values (${other}, ${newId()})`
    await expect(db.tenantTransaction(mine, (tx) => tx.execute(plant))).rejects.toMatchObject({ cause: { code: '42501' } })
  })

  it('gives way to a request that holds one table and wants the next: none is cancelled', async () => {
    await using db = openRuntime()
    const add = (table: SQL) => sql`insert into ${table} (tenant_id, id) values (${tenant}, ${newId()})`
    const tenant = newId()
    const migrating = await db.tenantTransaction(tenant, async (tx) => {
      await tx.execute(add(sql`tasks`))
      const running = again()
      await someoneWaits()
      await tx.execute(sql`select count(*) from notes`)
      expect(await subSelects()).toHaveLength(2)
      return { running }
    })
    expect(await migrating.running).toMatchObject({ applied })
    const rows = await db.tenantTransaction(tenant, async (tx) => (await tx.execute(sql`select id from tasks`)).rows)
    expect(rows).toHaveLength(1)
    expect(await subSelects()).toEqual([])
  })

  it('does not wait for ever, changes nothing then, and goes on the next time', async () => {
    await using db = openRuntime()
    await db.transaction(async (tx) => {
      await tx.execute(sql`select count(*) from tasks`)
      await expect(again({ lockSeconds: 1 })).rejects.toThrow(/0002_direct_policies\.sql failed in schema notes: .*lock timeout/)
    })
    expect(await subSelects()).toHaveLength(2)
    expect(await again()).toMatchObject({ applied })
    expect(await subSelects()).toEqual([])
  })
})
