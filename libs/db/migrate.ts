import { setTimeout as delay } from 'node:timers/promises'
import { type Client, type ClientBase, escapeIdentifier, type Pool } from 'pg'
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
  /** How long a file whose tables are in use gives way and is tried again, and then how long its last try waits for each of them. */
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

async function readLedger(admin: ClientBase, service: string): Promise<AppliedMigration[]> {
  return inTransaction(admin, async () => {
    await admin.query(`set local role ${escapeIdentifier(roleName(service, 'owner'))}`)
    return (await admin.query<AppliedMigration>(ledgerQuery(service))).rows
  })
}

function ledgerQuery(service: string): string {
  return `select source, file, sha256 from ${escapeIdentifier(service)}.schema_migrations`
}

/** SQLSTATE: lock_not_available, deadlock_detected. */
const inUse = new Set(['55P03', '40P01'])

interface Step {
  service: string
  migration: Migration
  lockSeconds: number
}

/**
 * Requests go on meanwhile, and lock the same tables in orders of their own: one that waits for a table of a migration and holds another would be
 * cancelled by Postgres as deadlocked, after a second (`deadlock_timeout`). So it is the migration that gives way, before that.
 */
const politeMilliseconds = 200
const pauseMilliseconds = 100

/**
 * A file is one transaction: one that could not have a table has changed nothing, and is tried again. What cannot be done in this way, as requests
 * are long or much work comes before a lock, is done by a last try that waits for each lock as long as it may.
 */
async function apply(admin: Client, step: Step): Promise<void> {
  const { migration, service, lockSeconds } = step
  const until = performance.now() + lockSeconds * 1000
  for (let isLast = false; ; ) {
    try {
      return await tryOnce(admin, step, isLast ? lockSeconds * 1000 : politeMilliseconds)
    } catch (error) {
      if (isLast || !inUse.has(databaseError(error)?.code ?? '')) {
        const message = `${migrationId(migration)} failed in schema ${service}: ${(error as Error).message}${place(error, migration.sql)}`
        throw new MigrationError(message, { cause: error })
      }
    }
    await delay(pauseMilliseconds)
    isLast = performance.now() >= until
  }
}

async function tryOnce(admin: Client, { service, migration }: Step, lockMilliseconds: number): Promise<void> {
  const { source, file, sql, sha256 } = migration
  const owner = escapeIdentifier(roleName(service, 'owner'))
  const schema = escapeIdentifier(service)
  await inTransaction(admin, async () => {
    await admin.query(`set local role ${owner}; set local search_path = ${schema}; set local lock_timeout = ${lockMilliseconds}`)
    await admin.query(sql)
    await admin.query(`insert into ${schema}.schema_migrations (source, file, sha256) values ($1, $2, $3)`, [source, file, sha256])
  })
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
  /** The ledger is read as the schema's owner, as an admin has to who is no superuser and has no rights in it. */
  asOwner?: boolean | undefined
}

/**
 * The gate in front of a process: files of this release that the database has not got. A newer database is none of its business, as
 * migrations keep the release before them working. Throws `MigrationError` when an applied file differs.
 */
export async function pendingMigrations({ pool, service, libraries = [], asOwner = false }: PendingOptions): Promise<string[]> {
  const available = await loadMigrations([ownMigrations, ...libraries, service])
  const read = asOwner
    ? readLedgerAsOwner(pool, service.name)
    : pool.query<AppliedMigration>(ledgerQuery(service.name)).then(({ rows }) => rows)
  const applied = await read.catch(noneYet)
  return planMigrations(available, applied, { allowNewer: true }).map(migrationId)
}

async function readLedgerAsOwner(pool: Pool, service: string): Promise<AppliedMigration[]> {
  const client = await pool.connect()
  try {
    return await readLedger(client, service)
  } finally {
    client.release()
  }
}

/** Without the table, its schema or its owner nothing was applied. */
function noneYet(error: unknown): AppliedMigration[] {
  const missing = ['42P01', '3F000', '22023']
  if (missing.includes(databaseError(error)?.code ?? '')) return []
  throw error
}
