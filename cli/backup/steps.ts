import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BackupKind,
  backUpObjects,
  type Chosen,
  checkObjects,
  chooseBackups,
  fetchDump,
  forgetEverything,
  openVault,
  prepareDump,
  publishDump,
  readCatalog,
  restoreObjects,
  servicesAtWork,
  stageRestore,
  type Vault,
} from '@slipway/backup'
import { backupRole, migrate, type ServerSettings, withClient } from '@slipway/db'
import { type AnyManifest, platformMigrations, redisDatabases } from '@slipway/service'
import { createStorage } from '@slipway/storage'
import { Failure } from '../failure.ts'
import { services } from '../services.ts'
import { poll } from '../supervisor/poll.ts'
import type { Target } from '../target.ts'
import { version } from '../version.ts'
import { leaveWord } from './word.ts'

/** The vault of an installation. @throws {Failure} when it would be one of the buckets that are backed up */
export async function vaultOf({ backups, storage }: Target): Promise<Vault> {
  const { vault, createBucket } = backups
  const sameStore = String(vault.endpoint ?? '') === String(storage.endpoint ?? '')
  const taken = ['quarantine', ...bucketsOf(services)].map((bucket) => `${storage.bucketPrefix}${bucket}`)
  if (sameStore && taken.includes(vault.bucket)) {
    throw new Failure(`backups cannot go into ${vault.bucket}, which is backed up itself`, {
      fix: 'name another bucket in BACKUP_S3_BUCKET',
    })
  }
  const opened = openVault(vault)
  if (createBucket) await opened.ensure()
  return opened
}

function bucketsOf(manifests: readonly AnyManifest[]): string[] {
  return manifests.flatMap(({ buckets }) => buckets)
}

/** Who reads everything. */
export function asBackup({ database: { adminUrl, tls, tokens }, backupPassword }: Target): ServerSettings {
  if (backupPassword === undefined && !tokens) {
    throw new Failure('DATABASE_BACKUP_PASSWORD is not set', { fix: 'give the password that `slipway migrate` gave to slipway_backup' })
  }
  return { url: adminUrl, role: { user: backupRole, password: backupPassword }, name: 'slipway backup', tls, tokens }
}

/** Who may make schemas. */
export function asAdmin({ database: { adminUrl, tls, tokens } }: Target): ServerSettings {
  return { url: adminUrl, name: 'slipway restore', tls, tokens }
}

/** Those of our services that the installation has: a service that is switched off has no schema. */
async function presentSchemas(database: ServerSettings): Promise<string[]> {
  const known = services.map(({ name }) => name)
  const { rows } = await withClient(database, (client) =>
    client.query<{ nspname: string }>('select nspname from pg_namespace where nspname = any($1) order by 1', [known]),
  )
  if (rows.length === 0) throw new Failure('the database has no schema of any service', { fix: 'run `slipway migrate` first' })
  return rows.map(({ nspname }) => nspname)
}

export async function prepareBackup(target: Target, folder: string): Promise<void> {
  const database = asBackup(target)
  await prepareDump({ database, schemas: await presentSchemas(database), folder, now: Date.now() })
}

export async function publishBackup(target: Target, { folder, dump }: { folder: string; dump: string }) {
  await using vault = await vaultOf(target)
  const { keepDays, keepAtLeast } = target.backups
  const published = await publishDump({
    vault,
    database: asBackup(target),
    folder,
    dump,
    app: version,
    now: Date.now,
    keepDays,
    keepAtLeast,
  })
  return { ...published, noted: await leaveWord(target, 'postgres', published.manifest) }
}

export async function backUpAllObjects(target: Target) {
  await using vault = await vaultOf(target)
  await using storage = createStorage(target.storage)
  const { keepDays, keepAtLeast } = target.backups
  const report = await backUpObjects({ vault, storage, buckets: bucketsOf(services), app: version, now: Date.now, keepDays, keepAtLeast })
  return { ...report, noted: await leaveWord(target, 'objects', report.manifest) }
}

export interface VerifyRestore {
  readonly from: string
  readonly only: BackupKind | undefined
  /** Private: gets what the next steps need. */
  readonly folder: string
  readonly dump: string
  /** How long services may take to end. */
  readonly waitSeconds: number
}

const chosenFile = 'chosen.json'

/**
 * Everything before something is touched: chooses the backups, reads both to the last byte, and sees that no service is at work.
 * @throws {Failure}, `BackupError`, `MigrationError` with what is wrong
 */
export async function verifyRestore(target: Target, { from, only, folder, dump, waitSeconds }: VerifyRestore) {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await using vault = await vaultOf(target)
  const chosen = chooseBackups(await readCatalog(vault), { from, only })
  const { postgres, objects } = chosen
  await nobodyAtWork(target, waitSeconds)
  if (postgres) await fetchDump(vault, postgres, dump)
  await using storage = createStorage(target.storage)
  const missing = objects ? await checkObjects({ vault, storage, manifest: objects }) : 0
  if (postgres) await stageRestore({ migrations: migrationsOf(target, Object.keys(postgres.schemas)), manifest: postgres, folder })
  await writeFile(join(folder, chosenFile), JSON.stringify(chosen))
  return { ...chosen, missing }
}

function migrationsOf(target: Target, schemas: readonly string[]) {
  const concerned = services.filter(({ name }) => schemas.includes(name))
  return {
    ...target.database,
    libraries: platformMigrations,
    services: concerned.map(({ name, migrations }) => ({ name, folder: migrations, passwords: target.passwords(name) })),
    backupPassword: target.backupPassword,
  }
}

async function nobodyAtWork(target: Target, seconds: number): Promise<void> {
  let names: string[] = []
  const look = async () => {
    names = await servicesAtWork(asAdmin(target))
    return names.length === 0 ? true : null
  }
  if ((await look()) || (await poll(look, { within: seconds * 1000, every: 1000 }))) return
  throw new Failure(`services are at work on the database: ${names.join(', ')}`, {
    fix: 'stop them: `slipway down`, or replicas: 0 as restore.from of the chart does it',
  })
}

/** Everything after `restore.sh`: newer migrations, objects, and Redis forgets what is no more. */
export async function finishRestore(target: Target, folder: string) {
  const { postgres, objects } = JSON.parse(await readFile(join(folder, chosenFile), 'utf8')) as Chosen
  const migrated = postgres ? (await migrate(migrationsOf(target, Object.keys(postgres.schemas)))).applied : []
  const written = objects ? await bringObjectsBack(target, objects) : 0
  const { keyPrefix, url, caFile } = target.redis
  const forgotten = postgres ? await forgetEverything({ url, caFile, keyPrefix, databases: Object.values(redisDatabases) }) : 0
  return { migrated, written, forgotten, noted: await leaveWord(target, 'drill', null) }
}

async function bringObjectsBack(target: Target, manifest: NonNullable<Chosen['objects']>): Promise<number> {
  await using vault = await vaultOf(target)
  await using storage = createStorage(target.storage)
  return await restoreObjects({ vault, storage, manifest })
}
