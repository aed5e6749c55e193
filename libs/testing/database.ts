import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { type MigrationSource, migrate, type Role, roleName, type ServicePasswords } from '@slipway/db'
import { Client, escapeIdentifier } from 'pg'
import { testStores } from './stores.ts'

/** One service whose schema the database should have. */
export interface TestMigrations {
  service: string
  folder: URL
}

export interface TestDatabaseOptions {
  migrations?: readonly TestMigrations[]
  /** Applied to every service's schema before its own, as `migrate` does it. */
  libraries?: readonly MigrationSource[]
}

export interface TestDatabase extends AsyncDisposable {
  readonly name: string
  readonly adminUrl: string
  /** Who a role signs in as; of the first service when none is named. */
  credentials(role: Role, service?: string): { user: string; password: string }
  /** `adminUrl` with the user and password of a role. */
  url(role: Role, service?: string): string
}

/** Roles belong to the whole server, which many databases share: their passwords are the same everywhere. */
const passwords = { owner: 'test-owner', runtime: 'test-runtime', system: 'test-system' } satisfies ServicePasswords
const templateLock = 0x544d_504c

/** An own database, cloned from a template that is migrated once per distinct set of migrations. Dropped at disposal. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { adminUrl } = testStores().postgres
  const name = `test_${randomBytes(8).toString('hex')}`
  const template = await ensureTemplate(adminUrl, options)
  await asAdmin(adminUrl, (client) => client.query(`create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`))
  const own = urlOf(adminUrl, { database: name })
  const credentials = (role: Role, service = options.migrations?.[0]?.service) => {
    if (service === undefined) throw new Error('this database has no service: pass `migrations`')
    return { user: roleName(service, role), password: passwords[role] }
  }
  return {
    name,
    adminUrl: own,
    credentials,
    url: (role, service) => urlOf(own, credentials(role, service)),
    [Symbol.asyncDispose]: async () => {
      await asAdmin(adminUrl, (client) => client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`))
    },
  }
}

async function ensureTemplate(adminUrl: string, options: TestDatabaseOptions): Promise<string> {
  if (!options.migrations?.length) return 'template1'
  const name = `template_${await digest(options)}`
  return asAdmin(adminUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [templateLock])
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
    if (!rowCount) await makeTemplate(client, { adminUrl, name, options })
    return name
  })
}

/** Gets its name last, so that a failed migration leaves no template behind that looks whole. */
async function makeTemplate(client: Client, target: { adminUrl: string; name: string; options: TestDatabaseOptions }): Promise<void> {
  const draft = escapeIdentifier(`${target.name}_draft`)
  const { migrations = [], libraries = [] } = target.options
  await client.query(`drop database if exists ${draft} with (force)`)
  await client.query(`create database ${draft}`)
  await migrate({
    adminUrl: urlOf(target.adminUrl, { database: `${target.name}_draft` }),
    services: migrations.map(({ service, folder }) => ({ name: service, folder, passwords })),
    libraries,
  })
  await client.query(`alter database ${draft} rename to ${escapeIdentifier(target.name)}`)
}

/** Names and contents of all files, so that an edited migration gives another template. */
async function digest({ migrations = [], libraries = [] }: TestDatabaseOptions): Promise<string> {
  const hash = createHash('sha256')
  const folders = [
    ...libraries.map(({ name, folder }) => ({ name: `library ${name}`, folder })),
    ...migrations.map(({ service, folder }) => ({ name: service, folder })),
  ]
  for (const { name, folder } of folders) {
    hash.update(`${name}\0`)
    const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
    for (const file of files) hash.update(`${file}\0`).update(await readFile(new URL(file, asFolder(folder))))
  }
  return hash.digest('hex').slice(0, 24)
}

function asFolder(url: URL): URL {
  return url.href.endsWith('/') ? url : new URL(`${url.href}/`)
}

function urlOf(url: string, change: { database?: string; user?: string; password?: string }): string {
  const changed = new URL(url)
  if (change.database !== undefined) changed.pathname = `/${change.database}`
  if (change.user !== undefined) changed.username = change.user
  if (change.password !== undefined) changed.password = change.password
  return changed.href
}

async function asAdmin<T>(connectionString: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end()
  }
}
