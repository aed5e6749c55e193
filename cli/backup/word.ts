import { readFileSync } from 'node:fs'
import { type Manifest, timeOf } from '@slipway/backup'
import { type BackupNoteKind, noteBackup, redisDatabases } from '@slipway/service'
import { Redis } from 'ioredis'
import type { Target } from '../target.ts'

/** A backup is one whether Redis hears of it or not: this takes seconds at most. */
const milliseconds = 3000

export const unheard = 'Redis could not be told: metrics keep the age of the one before.'

/** Tells the workers, whose metrics have the age of backups. @returns whether they could be told */
export async function leaveWord(
  { redis }: Pick<Target, 'redis'>,
  kind: BackupNoteKind,
  manifest: Pick<Manifest, 'id' | 'bytes'> | null,
): Promise<boolean> {
  const { url, caFile, keyPrefix } = redis
  const tls = caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}
  const limits = { connectTimeout: milliseconds, commandTimeout: milliseconds, maxRetriesPerRequest: 0, retryStrategy: () => null }
  const client = new Redis(url, { db: redisDatabases.state, lazyConnect: true, ...limits, ...tls })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const note = { at: manifest ? timeOf(manifest.id) : Date.now(), bytes: manifest?.bytes ?? null }
    await noteBackup(client, { keyPrefix, kind, note })
    return true
  } catch {
    return false
  } finally {
    client.disconnect()
  }
}
