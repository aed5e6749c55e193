import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Vault } from '@slipway/storage/backup'
import { BackupError } from './error.ts'
import { anyManifest, type BackupKind, backupKinds, isBackupId, keyOf, type Manifest, timeOf } from './manifest.ts'

/** Longer than any run may take: what is older and has no manifest is of a run that was killed. */
export const longestRun = 24 * 3_600_000

export interface Catalog {
  /** Complete backups, the newest first. */
  readonly backups: readonly Manifest[]
  /** Backups whose manifest cannot be read: neither restored nor removed. */
  readonly unreadable: readonly { readonly kind: BackupKind; readonly id: string; readonly reason: string }[]
  /** What has no manifest: a run that goes on, or one that was killed. */
  readonly incomplete: readonly { readonly kind: BackupKind; readonly id: string }[]
}

export async function readCatalog(vault: Vault): Promise<Catalog> {
  const kinds = await Promise.all(backupKinds.map((kind) => readKind(vault, kind)))
  const backups = kinds.flatMap((kind) => kind.backups).sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0))
  return { backups, unreadable: kinds.flatMap((kind) => kind.unreadable), incomplete: kinds.flatMap((kind) => kind.incomplete) }
}

async function readKind(vault: Vault, kind: BackupKind) {
  const found = new Map<string, boolean>()
  for await (const page of vault.list(`${kind}/`)) {
    for (const { key } of page) {
      const [, id = '', file] = key.split('/')
      if (isBackupId(id)) found.set(id, found.get(id) === true || file === 'manifest.json')
    }
  }
  const ids = [...found].filter(([, complete]) => complete).map(([id]) => id)
  const outcomes = await Promise.all(ids.map((id) => readManifest(vault, kind, id).catch((error: unknown) => error)))
  const backups = outcomes.filter((outcome): outcome is Manifest => !(outcome instanceof Error))
  const unreadable = ids.flatMap((id, index) => {
    const outcome = outcomes[index]
    return outcome instanceof Error ? [{ kind, id, reason: outcome.message }] : []
  })
  const incomplete = [...found].filter(([, complete]) => !complete).map(([id]) => ({ kind, id }))
  return { backups, unreadable, incomplete }
}

// oxlint-disable-next-line eslint/max-params -- a place is a kind and an id
async function readManifest(vault: Vault, kind: BackupKind, id: string): Promise<Manifest> {
  const { stream } = await vault.read(keyOf.manifest(kind, id))
  const parsed = anyManifest.safeParse(parseJson(await text(stream)))
  if (!parsed.success) throw new BackupError(`the manifest of ${kind} backup ${id} is damaged`)
  if (parsed.data.kind !== kind || parsed.data.id !== id) throw new BackupError(`the manifest of ${kind} backup ${id} is another's`)
  return parsed.data
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Written last: without it nobody takes what lies beside it for a backup. */
export async function writeManifest(vault: Vault, manifest: Manifest): Promise<void> {
  const key = keyOf.manifest(manifest.kind, manifest.id)
  const bytes = Buffer.from(`${JSON.stringify(anyManifest.parse(manifest), null, 2)}\n`)
  await vault.put(key, Readable.from([bytes]), { contentType: 'application/json' })
}

export interface Retention {
  readonly keepDays: number
  /** Stays however old it is. */
  readonly keepAtLeast: number
}

/** Those that may go. `backups` are of one kind. */
export function expired<B extends Pick<Manifest, 'id'>>(backups: readonly B[], { keepDays, keepAtLeast }: Retention, now: number): B[] {
  const newestFirst = backups.toSorted((a, b) => (a.id < b.id ? 1 : -1))
  const border = now - keepDays * 86_400_000
  return newestFirst.filter(({ id }, index) => index >= Math.max(1, keepAtLeast) && timeOf(id) < border)
}

/** The manifest goes first: what is left when this is interrupted is no backup any more, and goes with the next run. */
export async function removeBackup(vault: Vault, { kind, id }: { kind: BackupKind; id: string }): Promise<void> {
  await vault.remove([keyOf.manifest(kind, id)])
  const rest: string[] = []
  for await (const page of vault.list(keyOf.folder(kind, id))) rest.push(...page.map(({ key }) => key))
  await vault.remove(rest)
}

export interface PruneOptions extends Retention {
  readonly kind: BackupKind
  readonly now: number
}

/** Removes expired backups and what killed runs left of this kind. @returns the ids of the expired ones */
export async function prune(vault: Vault, { kind, now, ...retention }: PruneOptions): Promise<string[]> {
  const { backups, incomplete } = await readCatalog(vault)
  const gone = expired(
    backups.filter((backup) => backup.kind === kind),
    retention,
    now,
  )
  for (const backup of gone) await removeBackup(vault, backup)
  for (const left of incomplete) if (left.kind === kind && timeOf(left.id) < now - longestRun) await removeBackup(vault, left)
  await vault.abortUploads({ prefix: `${kind}/`, olderThan: new Date(now - longestRun) })
  return gone.map(({ id }) => id)
}
