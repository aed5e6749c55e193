import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, migrationFolder, notesTable, passwords, runAs, startCluster } from './db.fixtures.ts'
import { backupRole, connect, type MigrateOptions, migrate, newId, pendingMigrations, type Role, roleName } from './index.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster[Symbol.asyncDispose]())

/** Of every schema. */
const ownFiles = ['db/0001_tenant_tables.sql', 'db/0002_direct_policies.sql']
const noteFiles = { '0001_notes.sql': notesTable, '0002_index.sql': 'create index notes_body on notes (tenant_id, body);' }

function urlOf(adminUrl: string, user: string, password: string): string {
  return Object.assign(new URL(adminUrl), { username: user, password }).href
}
function service(name: string, folder: URL, changed: Partial<typeof passwords> = {}) {
  return { name, folder, passwords: { ...passwords, ...changed } }
}

describe('migrate', () => {
  it('makes schemas, roles and tables with an admin that is no superuser, and a second time changes nothing', async () => {
    await using notes = await migrationFolder(noteFiles)
    await using tasks = await migrationFolder({ '0001_tasks.sql': `create table tasks (id serial primary key, title text not null)` })
    const adminUrl = await cluster.createDatabase()
    const options = { adminUrl, services: [service('notes', notes.folder), service('tasks', tasks.folder)] }
    const { applied } = await migrate(options)
    expect(applied).toEqual([
      ...ownFiles.map((file) => `notes: ${file}`),
      'notes: notes/0001_notes.sql',
      'notes: notes/0002_index.sql',
      ...ownFiles.map((file) => `tasks: ${file}`),
      'tasks: tasks/0001_tasks.sql',
    ])
    expect(await migrate(options)).toMatchObject({ applied: [] })

    const mighty = await runAs(
      adminUrl,
      `select 1 from pg_roles where rolname like 'slipway%' and (rolsuper or rolbypassrls or rolcreaterole)`,
    )
    expect(mighty).toEqual([])
    const owners = await runAs(adminUrl, `select distinct tableowner from pg_tables where schemaname = 'notes'`)
    expect(owners).toEqual([{ tableowner: 'slipway_notes_owner' }])
  })

  it('gives each role what it needs and no more', async () => {
    await using notes = await migrationFolder(noteFiles)
    await using tasks = await migrationFolder({ '0001_tasks.sql': `create table tasks (id serial primary key, title text not null)` })
    const adminUrl = await cluster.createDatabase()
    await migrate({ adminUrl, services: [service('notes', notes.folder), service('tasks', tasks.folder)] })
    const as = (role: Role, text: string) => runAs(urlOf(adminUrl, roleName('tasks', role), passwords[role]), text)
    const denied = { code: '42501' }

    await expect(as('runtime', `insert into tasks (title) values ('a') returning id`)).resolves.toEqual([{ id: 1 }])
    await expect(as('system', `update tasks set title = 'b' returning title`)).resolves.toEqual([{ title: 'b' }])
    await expect(as('runtime', 'select count(*)::int as files from schema_migrations')).resolves.toEqual([{ files: ownFiles.length + 1 }])
    for (const role of ['runtime', 'system'] as const) {
      await expect(as(role, 'select * from notes.notes')).rejects.toMatchObject(denied)
      await expect(as(role, 'create table own ()')).rejects.toMatchObject(denied)
      await expect(as(role, 'create temporary table own ()')).rejects.toMatchObject(denied)
      await expect(as(role, 'create table public.own ()')).rejects.toMatchObject(denied)
      await expect(as(role, 'drop table tasks')).rejects.toMatchObject(denied)
      await expect(as(role, 'truncate tasks')).rejects.toMatchObject(denied)
      await expect(as(role, 'delete from schema_migrations')).rejects.toMatchObject(denied)
      await expect(as(role, 'set role slipway_tasks_owner')).rejects.toMatchObject(denied)
      await expect(as(role, 'alter table tasks disable row level security')).rejects.toMatchObject(denied)
    }
  })

  it('lets three processes start at once: each file is applied exactly once', async () => {
    const adminUrl = await cluster.createDatabase()
    await using notes = await migrationFolder({ '0001_notes.sql': `select pg_advisory_xact_lock(42); ${notesTable}` })
    const options = { adminUrl, services: [{ name: 'notes', folder: notes.folder.href, passwords }] }
    const gate = new Client({ connectionString: adminUrl })
    await gate.connect()
    await gate.query('select pg_advisory_lock(42)')
    const reports = Promise.all([1, 2, 3].map(() => migrateInProcess(options)))
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    await expect.poll(async () => (await gate.query(waiting)).rowCount, { timeout: 30_000 }).toBe(3)
    await gate.end()
    expect((await reports).flat().toSorted()).toEqual([...ownFiles, 'notes/0001_notes.sql'].map((file) => `notes: ${file}`))
  })

  it('survives migrations of other databases of the same server, with which it shares the roles', async () => {
    await using notes = await migrationFolder(noteFiles)
    const urls = await Promise.all(Array.from({ length: 6 }, () => cluster.createDatabase()))
    const reports = await Promise.all(urls.map((adminUrl) => migrate({ adminUrl, services: [service('shared', notes.folder)] })))
    expect(reports.map((report) => report.applied.length)).toEqual(reports.map(() => ownFiles.length + 2))
  })

  it('rotates passwords, and signs nobody in without one', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    const signIn = (role: Role, password: string) => runAs(urlOf(adminUrl, roleName('rotated', role), password), 'select 1 as one')
    await migrate({ adminUrl, services: [service('rotated', notes.folder)], backupPassword: 'backup-1' })
    await expect(signIn('runtime', 'runtime-1')).resolves.toEqual([{ one: 1 }])

    const { owner: _, ...withoutOwner } = passwords
    const rotated = { name: 'rotated', folder: notes.folder, passwords: { ...withoutOwner, runtime: "new'-$\\2" } }
    await migrate({ adminUrl, services: [rotated] })
    await expect(signIn('runtime', "new'-$\\2")).resolves.toEqual([{ one: 1 }])
    await expect(signIn('runtime', 'runtime-1')).rejects.toMatchObject({ code: '28P01' })
    await expect(signIn('system', 'system-1')).resolves.toEqual([{ one: 1 }])
    await expect(signIn('owner', 'owner-1')).rejects.toMatchObject({ code: '28000' })
    await expect(runAs(urlOf(adminUrl, backupRole, 'backup-1'), 'select 1')).rejects.toMatchObject({ code: '28000' })
    await expect(migrate({ adminUrl, services: [service('rotated', notes.folder, { runtime: 'gänsefüßchen' })] })).rejects.toThrow(/ASCII/)
  })

  it('works in a clone of a migrated database', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase('template_notes')
    await migrate({ adminUrl, services: [service('notes', notes.folder)] })
    await cluster.query('create database clone_notes template template_notes owner admin')
    const clone = adminUrl.replace('template_notes', 'clone_notes')
    await using db = connect({ url: clone, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
    const tenant = newId()
    await db.tenantTransaction(tenant, (tx) => tx.execute(sql`insert into notes (id, body) values (${newId()}, 'cloned')`))
    expect((await db.tenantTransaction(newId(), (tx) => tx.execute(sql`select * from notes`))).rows).toEqual([])
    expect(await migrate({ adminUrl: clone, services: [service('notes', notes.folder)] })).toMatchObject({ applied: [] })
  })

  it('gives libraries their tables in every schema, before the service', async () => {
    await using library = await migrationFolder({ '0001_log.sql': 'create table log (line text)' })
    await using notes = await migrationFolder({ '0001_copy.sql': 'create table copy (like log)' })
    const adminUrl = await cluster.createDatabase()
    const libraries = [{ name: 'log', folder: library.folder }]
    await migrate({ adminUrl, libraries, services: [service('notes', notes.folder), service('tasks', notes.folder)] })
    const tables = await runAs(adminUrl, `select schemaname from pg_tables where tablename in ('log', 'copy') order by 1`)
    expect(tables.map((table) => table.schemaname)).toEqual(['notes', 'notes', 'tasks', 'tasks'])
  })

  it('lets a later migration fill a new column of all tenants', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    await migrate({ adminUrl, services: [service('notes', notes.folder)] })
    await using db = connect({ url: adminUrl, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
    for (const tenant of [newId(), newId()]) {
      await db.tenantTransaction(tenant, (tx) => tx.execute(sql`insert into notes (id, body) values (${newId()}, 'Old')`))
    }
    await notes.write({ '0003_lower.sql': 'alter table notes add column lower text; update notes set lower = lower(body);' })
    await migrate({ adminUrl, services: [service('notes', notes.folder)] })
    await using system = connect({ url: adminUrl, role: { user: roleName('notes', 'system'), password: passwords.system } })
    expect((await system.transaction((tx) => tx.execute(sql`select lower from notes`))).rows).toEqual([{ lower: 'old' }, { lower: 'old' }])
  })
})

describe('a migration that cannot go on', () => {
  it('leaves nothing of a failed file, keeps the files before it, and says where it failed', async () => {
    await using notes = await migrationFolder({ ...noteFiles, '0003_broken.sql': 'create table half ();\n\nselect nonsense;' })
    const adminUrl = await cluster.createDatabase()
    const options = { adminUrl, services: [service('notes', notes.folder)] }
    await expect(migrate(options)).rejects.toThrow(
      'notes/0003_broken.sql failed in schema notes: column "nonsense" does not exist (line 3)',
    )
    const tables = await runAs(adminUrl, `select tablename from pg_tables where schemaname = 'notes' order by 1`)
    expect(tables.map((table) => table.tablename)).toEqual(['notes', 'schema_migrations'])
    await notes.write({ '0003_broken.sql': 'create table half ();' })
    expect(await migrate(options)).toMatchObject({ applied: ['notes: notes/0003_broken.sql'] })
  })

  it('refuses a changed file, an older release and a late file, before it changes anything', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    const run = (options: Partial<MigrateOptions> = {}) => migrate({ adminUrl, services: [service('notes', notes.folder)], ...options })
    await run()
    await notes.write({ '0002_index.sql': '-- nothing', '0003_more.sql': 'create table more ()' })
    await expect(run()).rejects.toThrow(/0002_index\.sql was changed/)
    await notes.write({ '0002_index.sql': noteFiles['0002_index.sql'] })
    await run()
    await notes.remove('0003_more.sql')
    await expect(run()).rejects.toThrow(/0003_more\.sql is applied but unknown/)
    expect(await run({ allowNewer: true })).toMatchObject({ applied: [] })
  })

  it('does not wait for ever for a table in use', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    const options = { adminUrl, lockSeconds: 1, services: [service('notes', notes.folder)] }
    await migrate(options)
    await notes.write({ '0003_alter.sql': 'alter table notes add column extra text' })
    await using db = connect({ url: adminUrl, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
    await db.transaction(async (tx) => {
      await tx.execute(sql`select * from notes`)
      await expect(migrate(options)).rejects.toThrow(/0003_alter\.sql failed in schema notes: canceling statement due to lock timeout/)
    })
    expect(await migrate(options)).toMatchObject({ applied: ['notes: notes/0003_alter.sql'] })
  })

  it('waits longer the last time, for what is never free for a moment', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    const options = { adminUrl, lockSeconds: 2, services: [service('notes', notes.folder)] }
    await migrate(options)
    await notes.write({ '0003_alter.sql': 'alter table notes add column extra text' })
    await using db = connect({ url: adminUrl, role: { user: roleName('notes', 'runtime'), password: passwords.runtime } })
    const { running } = await db.transaction(async (tx) => {
      await tx.execute(sql`select * from notes`)
      const running = migrate(options)
      const waitsLonger = `select 1 from pg_stat_activity where application_name = 'slipway migrate' and wait_event_type = 'Lock'
        and clock_timestamp() - query_start > '500 ms'`
      await expect.poll(() => cluster.query(waitsLonger), { timeout: 30_000, interval: 50 }).toHaveLength(1)
      return { running }
    })
    expect(await running).toMatchObject({ applied: ['notes: notes/0003_alter.sql'] })
  })

  it('refuses roles that row level security does not bind, and an admin that may not make roles', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    await cluster.query('create role slipway_mighty_runtime bypassrls')
    await expect(migrate({ adminUrl, services: [service('mighty', notes.folder)] })).rejects.toThrow(
      /slipway_mighty_runtime is a superuser or has/,
    )
    await cluster.query(`create role weak login password 'weak'`)
    const weak = migrate({ adminUrl: urlOf(adminUrl, 'weak', 'weak'), services: [service('weakly', notes.folder)] })
    await expect(weak).rejects.toThrow(/the admin of DATABASE_URL needs CREATEROLE/)
    await expect(migrate({ adminUrl, services: [service('Bad-Name', notes.folder)] })).rejects.toThrow(/cannot name a schema/)
  })
})

describe('pendingMigrations', () => {
  it('is read by the runtime role: all before, none after, the new ones of a newer release', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    await migrate({ adminUrl, services: [service('other', notes.folder)] })
    await cluster.query(`create role slipway_gate_runtime login password 'gate'`)
    await using db = connect({ url: adminUrl, role: { user: 'slipway_gate_runtime', password: 'gate' } })
    const gate = () => pendingMigrations({ pool: db.pool, service: { name: 'gate', folder: notes.folder } })
    expect(await gate()).toEqual([...ownFiles, 'gate/0001_notes.sql', 'gate/0002_index.sql'])

    await cluster.query('grant slipway_gate_runtime to admin with admin true')
    await migrate({ adminUrl, services: [service('gate', notes.folder, { runtime: 'gate' })] })
    expect(await gate()).toEqual([])
    await notes.write({ '0003_more.sql': 'create table more ()' })
    expect(await gate()).toEqual(['gate/0003_more.sql'])
    await notes.remove('0003_more.sql')
    await notes.remove('0002_index.sql')
    expect(await gate()).toEqual([])
    await notes.write({ '0001_notes.sql': '-- other' })
    await expect(gate()).rejects.toThrow(/was changed/)
  })
})

describe('pendingMigrations of an admin without rights in the schema', () => {
  it('are read as its owner', async () => {
    await using notes = await migrationFolder(noteFiles)
    const adminUrl = await cluster.createDatabase()
    await using db = connect({ url: adminUrl })
    const pending = (asOwner: boolean) => pendingMigrations({ pool: db.pool, service: { name: 'asked', folder: notes.folder }, asOwner })
    expect(await pending(true)).toEqual([...ownFiles, 'asked/0001_notes.sql', 'asked/0002_index.sql'])
    await migrate({ adminUrl, services: [service('asked', notes.folder)] })
    expect(await pending(true)).toEqual([])
    await expect(pending(false)).rejects.toMatchObject({ code: '42501' })
    await notes.write({ '0003_more.sql': 'create table more ()' })
    expect(await pending(true)).toEqual(['asked/0003_more.sql'])
  })
})

/** A real process: promises of one process would share its event loop. */
async function migrateInProcess(options: object): Promise<string[]> {
  const script = `
    import { migrate } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    const options = ${JSON.stringify(options)}
    const services = options.services.map((service) => ({ ...service, folder: new URL(service.folder) }))
    process.stdout.write(JSON.stringify((await migrate({ ...options, services })).applied))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: fileURLToPath(new URL('.', import.meta.url)) })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(Buffer.concat(errors).toString())
  return JSON.parse(Buffer.concat(output).toString()) as string[]
}
