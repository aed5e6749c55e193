import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { migrations as audit } from '@slipway/audit'
import { connect, type MigrateOptions, migrate, roleName, type ServerSettings, withClient } from '@slipway/db'
import { migrations as queue } from '@slipway/queue'
import { postgresTools, removeHome, startPostgres } from '@slipway/stack'
import { createStorage, type Storage } from '@slipway/storage'
import { bringBack } from '@slipway/storage/backup'
import { fakeClock, testStorage } from '@slipway/testing'
import { escapeIdentifier } from 'pg'
import { digestOf } from './digest.ts'
import { openVault, prepareDump, publishDump, runScript } from './index.ts'

export const tenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const
const passwords = { runtime: 'runtime-1', system: 'system-1' }
const backupPassword = "backup'with'=signs\\#"

/** A Postgres of its own, as roles are of the whole server, with an admin who is no superuser, as managed ones have. */
export async function startServer() {
  const home = await mkdtemp(join(tmpdir(), 'slipway-backup-'))
  const part = await startPostgres({ home, durable: false })
  const asSuper = (database: string): ServerSettings => ({ url: Object.assign(new URL(part.adminUrl), { pathname: `/${database}` }).href })
  await withClient(asSuper('postgres'), (client) => client.query(`create role admin login createrole password 'admin'`))
  return {
    asSuper,
    async database() {
      const name = `db_${randomBytes(6).toString('hex')}`
      await withClient(asSuper('postgres'), (client) => client.query(`create database ${name} owner admin`))
      return databaseAt({ name, port: part.port, asSuper: asSuper(name) })
    },
    async [Symbol.asyncDispose]() {
      await part.stop()
      await removeHome(home)
    },
  }
}

export type TestServer = Awaited<ReturnType<typeof startServer>>

function databaseAt({ name, port, asSuper }: { name: string; port: number; asSuper: ServerSettings }) {
  const url = (user: string, password: string) => `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
  const migrations: MigrateOptions = {
    adminUrl: url('admin', 'admin'),
    services: ['notes', 'other'].map((service) => ({
      name: service,
      folder: new URL('./fixtures/migrations/', import.meta.url),
      passwords,
    })),
    libraries: [audit, queue],
    backupPassword,
  }
  return {
    name,
    asSuper,
    migrations,
    schemas: ['notes', 'other'],
    asBackup: { url: url('slipway_backup', backupPassword) },
    asAdmin: { url: url('admin', 'admin') },
    migrate: () => migrate(migrations),
    connect: (role: 'runtime' | 'system', service = 'notes') =>
      connect({ url: url(roleName(service, role), passwords[role]), poolSize: 1, name: `${service} ${role}` }),
  }
}

export type TestDatabase = Awaited<ReturnType<TestServer['database']>>

/** Rows of both tenants in both services, in tables with and without a way to change them. */
export async function fill(database: TestDatabase, rows = 3): Promise<void> {
  for (const service of database.schemas) {
    for (const tenant of tenants) {
      await using runtime = database.connect('runtime', service)
      await runtime.tenantTransaction(tenant, async (tx) => {
        const folder = crypto.randomUUID()
        await tx.execute(`insert into folders (id, name) values ('${folder}', 'of ${tenant}')`)
        await tx.execute(`insert into notes (folder_id, body) select '${folder}', 'note ' || n from generate_series(1, ${rows}) n`)
      })
    }
  }
}

/** Everything that a database has to have again: rows, rights, policies, owners, sequences. As text, to be compared. */
export async function contents(database: TestDatabase): Promise<Record<string, unknown>> {
  return withClient(database.asSuper, async (client) => {
    const found: Record<string, unknown> = {}
    const keep = async (name: string, query: string) => void (found[name] = (await client.query(query)).rows)
    const of = (column: string) => `${column} = any('{notes,other}')`
    const { rows } = await client.query<{ table: string }>(
      `select format('%I.%I', schemaname, tablename) as table from pg_tables where ${of('schemaname')} order by 1`,
    )
    for (const { table } of rows) await keep(table, `select * from ${table} order by 1, 2`)
    await keep(
      'tables',
      `select n.nspname, c.relname, c.relkind, c.relowner::regrole, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${of('n.nspname')} order by 1, 2`,
    )
    await keep('policies', `select * from pg_policies where ${of('schemaname')} order by schemaname, tablename, policyname`)
    await keep(
      'functions',
      `select n.nspname, p.proname, p.proowner::regrole, p.proacl::text, pg_get_functiondef(p.oid) from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace where ${of('n.nspname')} order by 1, 2`,
    )
    await keep(
      'constraints',
      `select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
      where connamespace::regnamespace::text = any('{notes,other}') order by 1, 2`,
    )
    await keep('indexes', `select * from pg_indexes where ${of('schemaname')} order by schemaname, indexname`)
    await keep('sequences', `select schemaname, sequencename, last_value from pg_sequences where ${of('schemaname')} order by 1, 2`)
    await keep('schemas', `select nspname, nspowner::regrole, nspacl::text from pg_namespace where ${of('nspname')} order by 1`)
    await keep(
      'defaults',
      `select defaclrole::regrole, defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text from pg_default_acl
      order by 1, 2, 3`,
    )
    return found
  })
}

export async function wipe(database: TestDatabase): Promise<void> {
  await withClient(database.asSuper, async (client) => {
    for (const schema of database.schemas) await client.query(`drop schema if exists ${escapeIdentifier(schema)} cascade`)
  })
}

/** A vault, a store with two buckets, and a clock. */
export async function startVault() {
  const { config, bucketPrefix } = await testStorage()
  const storage = createStorage(config)
  const vault = openVault({ ...config, bucket: `${bucketPrefix}backups` })
  await Promise.all([storage.ensureBuckets(buckets), vault.ensure()])
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-scratch-'))
  return {
    config,
    storage,
    vault,
    scratch,
    clock: fakeClock(Date.now()),
    async [Symbol.asyncDispose]() {
      await Promise.all([storage[Symbol.asyncDispose](), vault[Symbol.asyncDispose](), rm(scratch, { recursive: true })])
    },
  }
}

export type TestVault = Awaited<ReturnType<typeof startVault>>
export const buckets = ['files', 'dish-models']
export const retention = { keepDays: 7, keepAtLeast: 1 }

/** Newest of the programs that the tests need. */
export const programs = () => postgresTools(18)

export async function backUpPostgres(server: TestVault, database: TestDatabase, keep = retention) {
  const { vault, scratch, clock } = server
  const folder = await mkdtemp(join(scratch, 'dump-'))
  const dump = join(folder, 'dump')
  await prepareDump({ database: database.asBackup, schemas: database.schemas, folder, now: clock.now() })
  await runScript({ script: 'dump.sh', folder, dump, programs: await programs() })
  return await publishDump({ vault, database: database.asBackup, folder, dump, app: 'test', now: clock.now, ...keep })
}

/** As the scan gate leaves an object: with its digest in its metadata. */
export async function store(storage: Storage, place: { bucket: string; key: string }, content: string | Buffer): Promise<void> {
  const bytes = Buffer.from(content)
  const digest = await digestOf(Readable.from([bytes]))
  const metadata = { sha256: digest.sha256, 'scan-engine': 'ClamAV 1.4' }
  await bringBack(storage, { ...place, ...digest, contentType: 'text/plain', metadata }, Readable.from([bytes]))
}

export async function contentOf(storage: Storage, place: { bucket: string; key: string }): Promise<string> {
  return text((await storage.read(place)).stream)
}
