import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type MigrateOptions, migrationLock, prepareRestore, renewSchema, type ServerSettings, withClient } from '@slipway/db'
import type { Vault } from '@slipway/storage/backup'
import { digestThrough } from './digest.ts'
import { BackupError } from './error.ts'
import { keyOf, type PostgresManifest } from './manifest.ts'
import { writeServerFiles } from './server-files.ts'

/** Brings the dump into a file. @throws {BackupError} when it is not the one that the manifest names */
export async function fetchDump(vault: Vault, { id, bytes, sha256 }: PostgresManifest, file: string): Promise<void> {
  const { stream } = await vault.read(keyOf.dump(id))
  const digest = digestThrough()
  await pipeline(stream, digest.through, createWriteStream(file, { mode: 0o600 }))
  const actual = digest.result()
  if (actual.size === bytes && actual.sha256 === sha256) return
  throw new BackupError(`the dump of Postgres backup ${id} is damaged: it has ${actual.size} bytes with SHA-256 ${actual.sha256}`)
}

export interface StageRestore {
  /** As the admin; services and their migrations as for `migrate`. */
  readonly migrations: MigrateOptions
  readonly manifest: PostgresManifest
  /** Private: gets the script and what it needs. */
  readonly folder: string
}

/**
 * Everything before `restore.sh FOLDER DUMP`: nothing but roles is touched. Gives the schemas that will come back.
 * @throws {BackupError} when a service of the backup is not here
 * @throws `MigrationError` when a newer release made the backup
 */
export async function stageRestore({ migrations, manifest, folder }: StageRestore): Promise<string[]> {
  const present = migrations.services.map(({ name }) => name)
  const schemas = Object.keys(manifest.schemas)
  const strange = schemas.filter((schema) => !present.includes(schema))
  if (strange.length > 0) {
    throw new BackupError(`the backup has services that this release has not: ${strange.join(', ')}`, { fix: 'switch them on' })
  }
  await prepareRestore(migrations, manifest.schemas)
  const { adminUrl: url, tls, tokens } = migrations
  const database = { url, tls, tokens, name: 'slipway restore' }
  await writeServerFiles(folder, { database, schemas, script: 'restore.sh' })
  await writeFile(join(folder, 'begin.sql'), `begin;\n${migrationLock};\n`)
  for (const schema of schemas) await writeFile(join(folder, `${schema}.sql`), renewSchema(schema))
  return schemas
}

/** Names of connections of services to this database: nothing may be restored below them. */
export async function servicesAtWork(database: ServerSettings): Promise<string[]> {
  return withClient(database, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select distinct usename || ' (' || coalesce(nullif(application_name, ''), 'without a name') || ')' as name from pg_stat_activity
        where datname = current_database() and usename ~ '^slipway_.*_(runtime|system)$' order by 1`,
    )
    return rows.map(({ name }) => name)
  })
}
