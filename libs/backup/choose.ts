import type { Catalog } from './catalog.ts'
import { BackupError } from './error.ts'
import { type BackupKind, isBackupId, type ObjectsManifest, type PostgresManifest } from './manifest.ts'

export interface Choice {
  /** `latest`, or the id of a backup. */
  readonly from: string
  readonly only?: BackupKind | undefined
}

export interface Chosen {
  readonly postgres?: PostgresManifest
  readonly objects?: ObjectsManifest
}

/**
 * Which backups belong together. The objects are those that were copied after the dump had been made: objects of its rows are in it, unless
 * they were removed in between. When there is none yet, it is the newest before; objects of the youngest rows are missing in that.
 * @throws {BackupError} with what there is
 */
export function chooseBackups({ backups, unreadable }: Catalog, { from, only }: Choice): Chosen {
  if (from !== 'latest' && !isBackupId(from)) {
    throw new BackupError(`"${from}" is no id of a backup`, {
      fix: 'give latest, or an id such as 20261121T021500Z as `slipway backups` shows it',
    })
  }
  const damaged = unreadable.find(({ id, kind }) => id === from && (only ?? kind) === kind)
  if (damaged) throw new BackupError(damaged.reason)
  const dumps = backups.filter((backup): backup is PostgresManifest => backup.kind === 'postgres')
  const copies = backups.filter((backup): backup is ObjectsManifest => backup.kind === 'objects')
  const pick = <B extends { id: string; kind: string }>(of: readonly B[]) => {
    const found = from === 'latest' ? of[0] : of.find(({ id }) => id === from)
    if (!found) throw noSuch(from, backups)
    return found
  }
  if (only === 'objects') return { objects: pick(copies) }
  const postgres = pick(dumps)
  if (only === 'postgres') return { postgres }
  const objects = copies.findLast(({ startedAt }) => startedAt >= postgres.endedAt) ?? copies[0]
  return objects ? { postgres, objects } : { postgres }
}

function noSuch(from: string, backups: readonly { id: string; kind: string }[]): BackupError {
  const there = backups.slice(0, 5).map(({ id, kind }) => `${id} (${kind})`)
  const what = from === 'latest' ? 'there is no backup' : `there is no such backup: ${from}`
  const fix = there.length === 0 ? 'make one with `slipway backup`' : `the newest are ${there.join(', ')}; --only says of what`
  return new BackupError(what, { fix })
}
