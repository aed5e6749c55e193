import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { removeHome, startPostgres } from '@slipway/stack'
import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { connect, type Database, type DatabaseSettings, migrate, type Role, roleName, type Transaction } from './index.ts'

/** A Postgres of its own: these tests rotate passwords and make roles, which all databases of a server share. */
export interface Cluster extends AsyncDisposable {
  port: number
  query(text: string, database?: string): Promise<Record<string, unknown>[]>
  /** An empty database that an admin without superuser owns; the URL signs in as that admin. */
  createDatabase(name?: string): Promise<string>
}

export const passwords = { runtime: 'runtime-1', system: 'system-1', owner: 'owner-1' }

export async function startCluster(): Promise<Cluster> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-db-'))
  const part = await startPostgres({ home, durable: false })
  const superUrl = new URL(part.adminUrl)
  const query = (text: string, database = 'postgres') => runAs(Object.assign(new URL(superUrl), { pathname: `/${database}` }).href, text)
  await query(`create role admin login createrole password 'admin'`)
  return {
    port: part.port,
    query,
    async createDatabase(name = `db_${randomBytes(6).toString('hex')}`) {
      await query(`create database ${name} owner admin`)
      return `postgres://admin:admin@127.0.0.1:${part.port}/${name}`
    },
    async [Symbol.asyncDispose]() {
      await part.stop()
      await removeHome(home)
    },
  }
}

export async function runAs(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

/** A folder of migrations that is removed with `await using`; `write` adds or changes files. */
export async function migrationFolder(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), 'slipway-migrations-'))
  const write = async (more: Record<string, string>) => {
    await mkdir(path, { recursive: true })
    await Promise.all(Object.entries(more).map(([file, text]) => writeFile(join(path, file), text)))
  }
  await write(files)
  return {
    folder: pathToFileURL(path),
    write,
    remove: (file: string) => rm(join(path, file)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  }
}

export const notesTable = `
  create table notes (
    id uuid primary key,
    tenant_id uuid not null,
    body text not null,
    constraint notes_body_key unique (tenant_id, body)
  );
  call tenant_table('notes');`

/** A migrated database with the service `notes`, and how to connect to it. */
export async function notesDatabase(cluster: Cluster) {
  await using files = await migrationFolder({ '0001_notes.sql': notesTable })
  const adminUrl = await cluster.createDatabase()
  await migrate({ adminUrl, services: [{ name: 'notes', folder: files.folder, passwords }], backupPassword: 'backup-1' })
  return { adminUrl, open: (role: Role, settings: Partial<DatabaseSettings> = {}) => open(adminUrl, role, settings) }
}

function open(url: string, role: Role, settings: Partial<DatabaseSettings>): Database {
  return connect({ url, role: { user: roleName('notes', role), password: passwords[role] }, ...settings })
}

export async function addNote(tx: Transaction, id: string, body: string): Promise<void> {
  await tx.execute(sql`insert into notes (id, body) values (${id}, ${body})`)
}

export async function readNotes(tx: Transaction): Promise<{ id: string; tenantId: string; body: string }[]> {
  const { rows } = await tx.execute<{ id: string; tenantId: string; body: string }>(
    sql`select id, tenant_id as "tenantId", body from notes order by id`,
  )
  return rows
}
