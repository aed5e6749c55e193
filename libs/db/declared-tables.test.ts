import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { declaredTables } from './declared-tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'slipway-declared-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('tables are those that the migrations leave, in their order', async () => {
  writeFileSync(
    join(folder, '0001_first.sql'),
    `create table "user" (id uuid primary key);
create table notes (id uuid, tenant_id uuid);
call tenant_table('notes');
CREATE TABLE IF NOT EXISTS drafts (id uuid, tenant_id uuid);
call tenant_table('drafts');
-- create table in_a_comment (id uuid);`,
  )
  writeFileSync(join(folder, '0002_second.sql'), 'alter table notes rename to letters;\ndrop table if exists drafts;\n')
  const source = { name: 'sample', folder: pathToFileURL(`${folder}/`) }
  expect(await declaredTables(source)).toEqual({ tables: ['letters', 'schema_migrations', 'user'], ofTenants: ['letters'] })
})
