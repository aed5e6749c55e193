import { type Client, escapeIdentifier, type Pool } from 'pg'
import { databaseError } from './error.ts'
import {
  type AppliedMigration,
  loadMigrations,
  type Migration,
  MigrationError,
  type MigrationSource,
  migrationId,
  planMigrations,
} from './migration-plan.ts'
import { closeDatabase, inTransaction, provisionRoles, provisionSchema, type ServicePasswords } from './provision.ts'
import { roleName } from './role.ts'
import { type Tls, withClient } from './settings.ts'
import type { TokenSource } from './token.ts'

export interface ServiceMigrations extends MigrationSource {
  passwords: ServicePasswords
}

export interface MigrateOptions {
  /** CREATEROLE and CREATE on the database suffice: no superuser. */
  adminUrl: string
  services: readonly ServiceMigrations[]
  /** Applied to the schema of every service before the service's own. */
  libraries?: readonly MigrationSource[] | undefined
  /** How the admin signs in, instead of by the password of the URL. */
  tokens?: TokenSource | undefined
  /** Membership in it lets a role sign in by token, such as `rds_iam`: then no role has a password, whatever is given. */
  tokenRole?: string | undefined
  /** Without it `slipway_backup` exists but cannot sign in. */
  backupPassword?: string | undefined
  tls?: Tls | undefined
  /** Accept applied files that this release does not know: a rollback to an older release. */
  allowNewer?: boolean | undefined
  /** How long one statement may wait for a table that is in use; longer, and the requests behind it pile up. */
  lockSeconds?: number | undefined
}

export interface MigrationReport {
  /** `<service>: <source>/<file>` in the order of their application. */
  applied: string[]
  milliseconds: number
}

/** 'SLIP' in ASCII; every migration of this database waits for the one before. */
const lockKey = 0x534c4950

export const ownMigrations: MigrationSource = { name: 'db', folder: new URL('./migrations/', import.meta.url) }

/**
 * Brings roles, schemas and tables of all services to this release. Safe to run again, and by several processes at once. Each file
 * is one transaction: after a failure the files before it stay applied and the next run continues.
 * Throws `MigrationError` for what a person must put right.
 */
export async function migrate(options: MigrateOptions): Promise<MigrationReport> {
  const started = performance.now()
  const services = await Promise.all(options.services.map((service) => load(service, options.libraries ?? [])))
  const applied: string[] = []
  await withAdmin(options, async (admin) => {
    await provisionRoles(admin, services, options)
    await closeDatabase(admin)
    for (const service of services) {
      await provisionSchema(admin, service.name)
      const pending = planMigrations(service.migrations, await readLedger(admin, service.name), options)
      for (const migration of pending) {
        await apply(admin, { service: service.name, migration, lockSeconds: options.lockSeconds ?? 15 })
        applied.push(`${service.name}: ${migrationId(migration)}`)
      }
    }
  })
  return { applied, milliseconds: Math.round(performance.now() - started) }
}

/**
 * Makes the roles only, and says whether migrations could go on from `applied`, the ledgers of a backup by schema: before what is there
 * gives way to it.
 * @throws `MigrationError` when a newer release made the backup, or an applied file differs
 */
export async function prepareRestore(
  options: MigrateOptions,
  applied: Readonly<Record<string, readonly AppliedMigration[]>>,
): Promise<void> {
  const services = await Promise.all(options.services.map((service) => load(service, options.libraries ?? [])))
  for (const { name, migrations } of services) planMigrations(migrations, applied[name] ?? [], options)
  await withAdmin(options, async (admin) => {
    await provisionRoles(admin, services, options)
    await closeDatabase(admin)
  })
}

/** The first statement of a transaction that no migration may run beside. */
export const migrationLock = `select pg_advisory_xact_lock(${lockKey})`

interface LoadedService extends ServiceMigrations {
  migrations: Migration[]
}

async function load(service: ServiceMigrations, libraries: readonly MigrationSource[]): Promise<LoadedService> {
  return { ...service, migrations: await loadMigrations([ownMigrations, ...libraries, service]) }
}

async function withAdmin(options: MigrateOptions, work: (admin: Client) => Promise<void>): Promise<void> {
  const { adminUrl: url, tls, tokens } = options
  await withClient({ url, tls, tokens, name: 'slipway migrate', connectSeconds: 10 }, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [lockKey])
    await work(admin)
  })
}

async function readLedger(admin: Client, service: string): Promise<AppliedMigration[]> {
  return inTransaction(admin, async () => {
    await admin.query(`set local role ${escapeIdentifier(roleName(service, 'owner'))}`)
    return (await admin.query<AppliedMigration>(ledgerQuery(service))).rows
  })
}

function ledgerQuery(service: string): string {
  return `select source, file, sha256 from ${escapeIdentifier(service)}.schema_migrations`
}

interface Step {
  service: string
  migration: Migration
  lockSeconds: number
}

async function apply(admin: Client, { service, migration, lockSeconds }: Step): Promise<void> {
  const { source, file, sql, sha256 } = migration
  const owner = escapeIdentifier(roleName(service, 'owner'))
  const schema = escapeIdentifier(service)
  try {
    await inTransaction(admin, async () => {
      await admin.query(`set local role ${owner}; set local search_path = ${schema}; set local lock_timeout = '${lockSeconds}s'`)
      await admin.query(sql)
      await admin.query(`insert into ${schema}.schema_migrations (source, file, sha256) values ($1, $2, $3)`, [source, file, sha256])
    })
  } catch (error) {
    throw new MigrationError(`${migrationId(migration)} failed in schema ${service}: ${(error as Error).message}${place(error, sql)}`, {
      cause: error,
    })
  }
}

/** Postgres counts characters from 1. */
function place(error: unknown, sql: string): string {
  const position = Number(databaseError(error)?.position ?? Number.NaN)
  return Number.isNaN(position) ? '' : ` (line ${sql.slice(0, position).split('\n').length})`
}

export interface PendingOptions {
  /** Any role of the service may read the ledger. */
  pool: Pool
  service: MigrationSource
  libraries?: readonly MigrationSource[] | undefined
}

/**
 * The gate in front of a process: files of this release that the database has not got. A newer database is none of its business, as
 * migrations keep the release before them working. Throws `MigrationError` when an applied file differs.
 */
export async function pendingMigrations({ pool, service, libraries = [] }: PendingOptions): Promise<string[]> {
  const available = await loadMigrations([ownMigrations, ...libraries, service])
  const applied = await readLedgerIfAny(pool, service.name)
  return planMigrations(available, applied, { allowNewer: true }).map(migrationId)
}

async function readLedgerIfAny(pool: Pool, service: string): Promise<AppliedMigration[]> {
  try {
    return (await pool.query<AppliedMigration>(ledgerQuery(service))).rows
  } catch (error) {
    const missing = ['42P01', '3F000']
    if (missing.includes(databaseError(error)?.code ?? '')) return []
    throw error
  }
}
