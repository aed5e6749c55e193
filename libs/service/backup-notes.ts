import type { Redis } from 'ioredis'

export const backupNoteKinds = ['postgres', 'objects', 'drill'] as const
export type BackupNoteKind = (typeof backupNoteKinds)[number]

/** What commands leave in Redis for the metrics of workers, who cannot look into the place where backups lie. */
export interface BackupNote {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number
  /** Null for a restore. */
  readonly bytes: number | null
}

/** In the database `state`. Lost with Redis: then the next backup says so anew. */
const keyOf = (keyPrefix: string) => `${keyPrefix}:backups`

interface NoteOptions {
  readonly keyPrefix: string
  readonly kind: BackupNoteKind
  readonly note: BackupNote
}

export async function noteBackup(redis: Redis, { keyPrefix, kind, note }: NoteOptions): Promise<void> {
  await redis.hset(keyOf(keyPrefix), kind, `${note.at} ${note.bytes ?? ''}`)
}

/** What cannot be read is as if it were not there. */
export async function readBackupNotes(redis: Redis, keyPrefix: string): Promise<Partial<Record<BackupNoteKind, BackupNote>>> {
  const noted = await redis.hgetall(keyOf(keyPrefix))
  const notes = backupNoteKinds.flatMap((kind) => {
    const [, at, bytes] = /^(\d+) (\d*)$/.exec(noted[kind] ?? '') ?? []
    return at === undefined ? [] : [[kind, { at: Number(at), bytes: bytes ? Number(bytes) : null }] as const]
  })
  return Object.fromEntries(notes)
}
