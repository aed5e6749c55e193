import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, notesDatabase, passwords, runAs, startCluster } from './db.fixtures.ts'
import { assertTenantTables, connect, newId, roleName } from './index.ts'

let cluster: Cluster
let adminUrl: string
let ownerUrl: string
beforeAll(async () => {
  cluster = await startCluster()
  adminUrl = (await notesDatabase(cluster)).adminUrl
  ownerUrl = adminUrl.replace('admin:admin', 'slipway_notes_owner:owner-1')
})
afterAll(() => cluster[Symbol.asyncDispose]())

describe('assertTenantTables', () => {
  it('passes tables that went through tenant_table()', async () => {
    expect(await assertTenantTables(adminUrl, 'notes')).toEqual(['notes'])
  })

  it.each([
    ['create table bad (id uuid)', /table bad has no tenant_id/],
    [
      'create table bad (tenant_id uuid)',
      /does not FORCE[\s\S]*no index that begins with tenant_id[\s\S]*no policy for the runtime role[\s\S]*no policy for slipway_notes_system/,
    ],
    [
      `create table bad (id uuid primary key, tenant_id uuid); call tenant_table('bad')`,
      /^.*\ntable bad has no index that begins with tenant_id$/,
    ],
    [
      `create table bad (tenant_id uuid primary key); call tenant_table('bad'); alter table bad no force row level security`,
      /^.*\ntable bad does not FORCE row level security.*$/,
    ],
    [
      `create table bad (tenant_id uuid primary key); call tenant_table('bad'); create policy also on bad to slipway_notes_runtime using (true)`,
      /policy also of table bad does not compare tenant_id/,
    ],
    [
      `create table bad (tenant_id uuid primary key); call tenant_table('bad'); create policy also on bad for select to public using (true)`,
      /policy also of table bad does not compare/,
    ],
    [
      `create table bad (tenant_id uuid primary key); call tenant_table('bad'); drop policy backup on bad`,
      /table bad has no policy for slipway_backup/,
    ],
    ['create view bad as select * from notes', /view bad reads as its owner/],
    ['create materialized view bad as select * from notes', /view bad reads as its owner/],
    [
      `create function bad() returns bigint language sql security definer as 'select count(*) from notes'`,
      /function bad is SECURITY DEFINER/,
    ],
  ])('refuses: %s', async (statements, message) => {
    await runAs(ownerUrl, statements)
    await expect(assertTenantTables(adminUrl, 'notes')).rejects.toThrow(message)
    const kind = /materialized view|table|view|function/.exec(statements)?.[0]
    await runAs(ownerUrl, `drop ${kind} bad`)
    await expect(assertTenantTables(adminUrl, 'notes')).resolves.toEqual(['notes'])
  })

  it('accepts views that read as who asks, and tables that are named as without tenant', async () => {
    await runAs(ownerUrl, 'create view fine with (security_invoker = true) as select * from notes; create table plans (id int)')
    expect(await assertTenantTables(adminUrl, 'notes', { withoutTenant: ['plans'] })).toEqual(['notes'])
    await runAs(ownerUrl, 'drop view fine; drop table plans')
  })

  it('does not pass for a schema that is not there', async () => {
    await expect(assertTenantTables(adminUrl, 'nothing')).rejects.toThrow(/schema nothing has no tables/)
  })
})

describe('tenant_table', () => {
  const planOf = async (statement: SQL) => {
    await using db = connect({ url: adminUrl, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
    return db.tenantTransaction(newId(), async (tx) => {
      await tx.execute(sql`set local enable_seqscan = off`)
      const { rows } = await tx.execute<{ 'QUERY PLAN': string }>(sql`explain ${statement}`)
      return rows.map((row) => row['QUERY PLAN'].trim())
    })
  }

  it('costs a query that names its tenant one comparison, and one by an index nothing for each row', async () => {
    const named = await planOf(sql`select body from notes where tenant_id = ${newId()}`)
    expect(named).toContainEqual(expect.stringMatching(/^One-Time Filter: .*current_setting/))
    expect(named).toContainEqual(expect.stringMatching(/^Index Cond: \(tenant_id = '/))
    const unnamed = await planOf(sql`select body from notes`)
    expect(unnamed).toContainEqual(expect.stringMatching(/^Index Cond: .*current_setting/))
    for (const plan of [named, unnamed]) {
      expect(plan.filter((line) => /^Filter:|InitPlan|SubPlan/.test(line))).toEqual([])
    }
  })

  it('refuses a table without tenant_id', async () => {
    await expect(runAs(ownerUrl, `create table bad (id uuid); call tenant_table('bad')`)).rejects.toThrow(
      'table bad has no column tenant_id of type uuid',
    )
  })
})
