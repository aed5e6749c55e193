import { createReadStream } from 'node:fs'
import { open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppliedMigration, backupRole, type ServerSettings, withClient } from '@slipway/db'
import type { Vault } from '@slipway/storage/backup'
import type { Client } from 'pg'
import type { z } from 'zod'
import { prune, type Retention, writeManifest } from './catalog.ts'
import { digestOf } from './digest.ts'
import { BackupError } from './error.ts'
import { backupId, keyOf, type PostgresManifest, postgresManifest } from './manifest.ts'
import { writeServerFiles } from './server-files.ts'

export interface PrepareDump {
  /** As `slipway_backup`. */
  readonly database: ServerSettings
  /** Schemas of the installation. */
  readonly schemas: readonly string[]
  /** Private: gets the script and what it needs. */
  readonly folder: string
  readonly now: number
}

const dumpPlan = postgresManifest.pick({ id: true, startedAt: true, schemas: true, server: true })
type DumpPlan = z.infer<typeof dumpPlan>

/**
 * The first of three steps: checks that the role sees every row, and writes down which migrations the schemas have. Then `dump.sh FOLDER
 * DUMP` runs where the programs of Postgres are, and `publishDump` brings its result away.
 * @throws {BackupError} when rows would be missing in the dump
 */
export async function prepareDump({ database, schemas, folder, now }: PrepareDump): Promise<void> {
  const plan = await withClient(database, async (client) => {
    const missing = await hidden(client, schemas)
    if (missing.length > 0) {
      throw new BackupError(`${backupRole} does not see all rows of ${missing.join(', ')}`, {
        fix: 'run `slipway migrate`; a table with row level security needs the policy that tenant_table() makes',
      })
    }
    const { rows } = await client.query<{ server: string }>("select current_setting('server_version') as server")
    const made = await ledgers(client, schemas)
    return { id: backupId(now), startedAt: new Date(now).toISOString(), schemas: made, server: rows[0]?.server ?? '' } satisfies DumpPlan
  })
  await writeServerFiles(folder, { database, schemas, script: 'dump.sh' })
  await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
}

/**
 * pg_dump reads through row level security and says nothing of rows that policies hide, so every table must let the role see all. Gives
 * the names of those that do not, and of schemas that are not there.
 */
async function hidden(client: Client, schemas: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `with me as (select oid from pg_roles where rolname = current_user),
      policies as (select p.*, me.oid = any(polroles) or 0 = any(polroles) as mine from pg_policy p, me)
    select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = any($1) and c.relkind in ('r', 'p') and (
        not has_schema_privilege(n.oid, 'usage') or not has_table_privilege(c.oid, 'select') or c.relrowsecurity and (
          not exists (select from policies p where p.polrelid = c.oid and p.mine and p.polpermissive and p.polcmd in ('r', '*')
            and pg_get_expr(p.polqual, p.polrelid) = 'true')
          or exists (select from policies p where p.polrelid = c.oid and p.mine and not p.polpermissive and p.polcmd in ('r', '*'))))
    union all
    select 'schema ' || name from unnest($1::text[]) name where to_regnamespace(quote_ident(name)) is null
    order by 1`,
    [schemas],
  )
  return rows.map(({ name }) => name)
}

async function ledgers(client: Client, schemas: readonly string[]): Promise<Record<string, AppliedMigration[]>> {
  const found: Record<string, AppliedMigration[]> = {}
  for (const schema of schemas) {
    const query = `select source, file, sha256 from ${client.escapeIdentifier(schema)}.schema_migrations order by source, file`
    found[schema] = (await client.query<AppliedMigration>(query)).rows
  }
  return found
}

export interface PublishDump extends Retention {
  readonly vault: Vault
  readonly database: ServerSettings
  readonly folder: string
  /** The file that `dump.sh` wrote. */
  readonly dump: string
  /** Version of Slipway. */
  readonly app: string
  readonly now: () => number
}

export interface Published<M> {
  readonly manifest: M
  /** Ids of backups that were removed, as their time was over. */
  readonly expired: readonly string[]
}

/**
 * The last step: uploads the dump, reads it back, writes the manifest, and only then removes what is too old.
 * @throws {BackupError} when a migration ran in the meantime, or the store gives other bytes back
 */
export async function publishDump(options: PublishDump): Promise<Published<PostgresManifest>> {
  const { vault, database, folder, dump, app, now, keepDays, keepAtLeast } = options
  const plan = dumpPlan.parse(JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')))
  await assertArchive(dump)
  await assertSameSchemas(database, plan)
  const key = keyOf.dump(plan.id)
  if (await vault.head(keyOf.manifest('postgres', plan.id))) throw new BackupError(`there is a Postgres backup ${plan.id} already`)
  const { size, sha256 } = await vault.put(key, createReadStream(dump), { size: (await stat(dump)).size })
  const stored = await digestOf((await vault.read(key)).stream)
  if (stored.sha256 !== sha256 || stored.size !== size) throw new BackupError(`${key} is not what was uploaded: the store has changed it`)
  const manifest = { version: 1, kind: 'postgres', ...plan, app, endedAt: new Date(now()).toISOString(), bytes: size, sha256 } as const
  await writeManifest(vault, manifest)
  return { manifest, expired: await prune(vault, { kind: 'postgres', keepDays, keepAtLeast, now: now() }) }
}

async function assertArchive(file: string): Promise<void> {
  await using handle = await open(file)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(5), 0, 5, 0)
  if (buffer.toString('latin1', 0, bytesRead) !== 'PGDMP') throw new BackupError(`${file} is no dump of pg_dump`)
}

async function assertSameSchemas(database: ServerSettings, { schemas }: DumpPlan): Promise<void> {
  const present = await withClient(database, (client) => ledgers(client, Object.keys(schemas)))
  if (JSON.stringify(present) === JSON.stringify(schemas)) return
  throw new BackupError('a migration ran while the dump was made', { fix: 'make the backup again' })
}
