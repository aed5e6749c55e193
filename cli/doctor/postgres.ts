import { backupRole, declaredTables, pendingMigrations, tenantFaults } from '@slipway/db'
import { type AnyManifest, platformMigrations } from '@slipway/service'
import type { Target } from '../target.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import { compareClocks } from './clock.ts'
import { databaseOf, isRefusal } from './database.ts'
import type { Subject } from './facts.ts'
import { roleChecks } from './roles.ts'

/** Postgres and what is in it. */
export function postgresChecks({ target, manifests }: Subject): Check[] {
  const part = 'postgres'
  const ofSchemas = manifests.map((manifest) => ({
    name: `schema ${manifest.name}`,
    part,
    run: () => schema(target, manifest),
    next: [
      { name: `tables ${manifest.name}`, part, run: () => tables(target, manifest) },
      { name: `tenants ${manifest.name}`, part, run: () => tenants(target, manifest) },
      ...roleChecks(target, manifest),
    ] as const,
  })) satisfies Check[]
  const next: Check[] = [
    { name: 'postgres clock', part, run: () => clock(target) },
    ...ofSchemas,
    { name: 'backup role', part, run: () => backupSignIn(target) },
  ]
  return [{ name: 'postgres', part, run: () => server(target), next }]
}

async function server(target: Target): Promise<Outcome> {
  await using admin = databaseOf(target)
  const { rows } = await admin.pool.query<{ version: string; tls: string | null }>(
    'select current_setting($1) as version, (select version from pg_stat_ssl where pid = pg_backend_pid()) as tls',
    ['server_version'],
  )
  return well(`PostgreSQL ${rows[0]?.version}, ${rows[0]?.tls ?? 'without TLS'}`)
}

async function clock(target: Target): Promise<Outcome> {
  await using admin = databaseOf(target)
  await admin.ready()
  const read = async () => {
    const { rows } = await admin.pool.query<{ now: number }>('select (extract(epoch from clock_timestamp()) * 1000)::float8 as now')
    return rows[0]?.now ?? 0
  }
  return await compareClocks('postgres.clock', { read })
}

async function schema(target: Target, { name, migrations }: AnyManifest): Promise<Outcome> {
  await using admin = databaseOf(target)
  const { rowCount } = await admin.pool.query('select from pg_namespace where nspname = $1', [name])
  if (rowCount === 0) return fault('schema.missing', `there is no schema ${name}`)
  const service = { name, folder: migrations }
  try {
    const pending = await pendingMigrations({ pool: admin.pool, service, libraries: platformMigrations, asOwner: true })
    if (pending.length === 0) return well('all migrations are applied')
    return fault('schema.behind', `${pending.length} migrations are pending: ${pending.join(', ')}`)
  } catch (error) {
    if (error instanceof Error && error.name === 'MigrationError') return fault('schema.changed', error.message)
    throw error
  }
}

async function tables(target: Target, { name, migrations }: AnyManifest): Promise<Outcome> {
  await using admin = databaseOf(target)
  const declared = await declaredTables({ name, folder: migrations }, platformMigrations)
  const { rows } = await admin.pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p')`,
    [name],
  )
  const present = new Set(rows.map((row) => row.name))
  const missing = declared.tables.filter((table) => !present.has(table))
  if (missing.length === 0) return well(`all ${declared.tables.length} are there`)
  return fault('schema.table', `missing: ${missing.map((table) => `${name}.${table}`).join(', ')}`)
}

async function tenants(target: Target, { name, migrations }: AnyManifest): Promise<Outcome> {
  await using admin = databaseOf(target)
  const { ofTenants } = await declaredTables({ name, folder: migrations }, platformMigrations)
  const faults = await tenantFaults(admin.pool, name, ofTenants)
  if (faults.length === 0) return well('are kept apart by row level security')
  const table = /^table (\w+) does not FORCE/.exec(faults[0] ?? '')?.[1]
  const fix = `run \`alter table ${name}.${table} enable row level security, force row level security\` as its owner; find out who changed it`
  return fault('tenants.open', faults.join('; '), table === undefined ? {} : { fix })
}

/** Signing in is all that a dump needs beside what migrations grant. */
async function backupSignIn(target: Target): Promise<Outcome> {
  const isNeeded = target.backupPassword !== undefined || target.database.tokens !== undefined || target.backups.schedules.postgres !== null
  if (!isNeeded) return well('is not used: DATABASE_BACKUP_PASSWORD is not set')
  await using backup = databaseOf(target, { user: backupRole, password: target.backupPassword })
  try {
    await backup.pool.query('select 1')
    return well(`${backupRole} can sign in`)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return fault('backup.role', (error as Error).message)
  }
}
