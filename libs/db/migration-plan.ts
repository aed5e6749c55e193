import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** A folder of migrations: the service's own, or a library's that every service schema gets. */
export interface MigrationSource {
  /** Name of the service or library; with the file name it identifies a migration for ever. */
  name: string
  folder: URL
}

export interface Migration {
  source: string
  file: string
  sql: string
  sha256: string
}

export interface AppliedMigration {
  source: string
  file: string
  sha256: string
}

/** Something that the person who runs the migration must put right. Nothing of the service at fault has been changed. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

const fileName = /^\d{4}_[a-z0-9_]+\.sql$/
/** A file runs inside one transaction with its ledger row, so it may not end it. */
const transactionControl = /^\s*(begin|commit|rollback|start\s+transaction)(\s+(work|transaction))?\s*;/im

/** The migrations of the sources in the order in which they are applied. */
export async function loadMigrations(sources: readonly MigrationSource[]): Promise<Migration[]> {
  const names = sources.map((source) => source.name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new MigrationError(`Two migration folders are named ${twice}: rename the library`)
  return (await Promise.all(sources.map(loadSource))).flat()
}

async function loadSource({ name, folder }: MigrationSource): Promise<Migration[]> {
  const root = new URL(folder.href.endsWith('/') ? folder.href : `${folder.href}/`)
  const entries = await readdir(root).catch((cause: unknown) => {
    throw new MigrationError(`The migrations of ${name} cannot be read at ${fileURLToPath(root)}`, { cause })
  })
  const files = entries.filter((entry) => entry.endsWith('.sql')).sort()
  checkNames(name, files)
  return Promise.all(files.map((file) => loadFile(name, new URL(file, root))))
}

function checkNames(source: string, files: readonly string[]): void {
  const misnamed = files.find((file) => !fileName.test(file))
  if (misnamed !== undefined) throw new MigrationError(`${source}/${misnamed}: migrations are named like 0001_add_folders.sql`)
  const clash = files.find((file, index) => index > 0 && file.slice(0, 4) === files[index - 1]?.slice(0, 4))
  if (clash !== undefined) throw new MigrationError(`${source}/${clash}: another migration has this number, give it the next free one`)
}

async function loadFile(source: string, url: URL): Promise<Migration> {
  const sql = (await readFile(url, 'utf8')).replaceAll('\r\n', '\n')
  const file = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
  if (transactionControl.test(sql)) throw new MigrationError(`${source}/${file}: a migration is one transaction, remove begin and commit`)
  return { source, file, sql, sha256: createHash('sha256').update(sql).digest('hex') }
}

/**
 * What is left to apply. Refuses a history that cannot be continued: an applied file that was changed, one that this release does not
 * know (a newer release was here; `allowNewer` accepts it), and one that sorts before an applied file of its folder, because
 * databases would then differ in the order of their changes: a migration merged late gets the next free number.
 */
export function planMigrations(
  available: readonly Migration[],
  applied: readonly AppliedMigration[],
  { allowNewer = false }: { allowNewer?: boolean | undefined } = {},
): Migration[] {
  const known = new Map(available.map((migration) => [migrationId(migration), migration]))
  const done = new Map(applied.map((migration) => [migrationId(migration), migration]))
  const pending = available.filter((migration) => !done.has(migrationId(migration)))
  const faults = [
    ...applied.flatMap((row) => appliedFault(row, known.get(migrationId(row)), allowNewer)),
    ...pending.flatMap((migration) => orderFault(migration, applied)),
  ]
  if (faults.length > 0) throw new MigrationError(faults.join('\n'))
  return pending
}

function appliedFault(row: AppliedMigration, file: Migration | undefined, allowNewer: boolean): string[] {
  const id = migrationId(row)
  if (file === undefined) return allowNewer ? [] : [`${id} is applied but unknown to this release: the database belongs to a newer release`]
  return file.sha256 === row.sha256 ? [] : [`${id} was changed after it had been applied: restore it and add a new migration`]
}

function orderFault(migration: Migration, applied: readonly AppliedMigration[]): string[] {
  const later = applied.find((row) => row.source === migration.source && row.file > migration.file)
  return later ? [`${migrationId(migration)} sorts before ${later.file}, which is applied: give it the next free number`] : []
}

export function migrationId({ source, file }: { source: string; file: string }): string {
  return `${source}/${file}`
}
