import { connect, type MigrationReport, migrate } from '@slipway/db'
import { type AnyManifest, platformMigrations } from '@slipway/service'
import { createStorage } from '@slipway/storage'
import { Failure } from '../failure.ts'
import { poll } from '../supervisor/poll.ts'
import type { Target } from '../target.ts'

/** Brings the schemas of all services up to date. */
export async function migrateAll(manifests: readonly AnyManifest[], target: Target): Promise<MigrationReport> {
  return migrate({
    ...target.database,
    libraries: platformMigrations,
    services: manifests.map(({ name, migrations }) => ({ name, folder: migrations, passwords: target.passwords(name) })),
    backupPassword: target.backupPassword,
  })
}

interface Patience {
  readonly seconds: number
  /** Gets the reason of the waiting whenever it is another one. */
  readonly told: (reason: string) => void
}

/**
 * Resolves when Postgres answers and the object store has made its buckets: stores that start beside the migration need their time.
 * @returns the names of the buckets that were made
 * @throws {Failure} with what they said last, after so many seconds
 */
export async function storesAnswer(manifests: readonly AnyManifest[], target: Target, { seconds, told }: Patience): Promise<string[]> {
  let last = 'nothing'
  const look = async () => {
    try {
      await databaseAnswers(target)
      return await ensureAllBuckets(manifests, target)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== last) told(reason)
      last = reason
      return null
    }
  }
  const made = await poll(look, { within: seconds * 1000, every: 500 })
  if (made) return made
  throw new Failure(`the stores did not answer within ${seconds} s; the last was: ${last}`, {
    fix: 'see that they run and that the addresses and credentials are right',
  })
}

/** Why Postgres does not answer; null when it does. */
export async function databaseSilence(target: Target): Promise<string | null> {
  try {
    await databaseAnswers(target)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function databaseAnswers({ database: { adminUrl, ...rest } }: Target): Promise<void> {
  await using admin = connect({ url: adminUrl, poolSize: 1, name: 'slipway migrate', onError: () => undefined, ...rest })
  await admin.pool.query('select 1')
}

/** Makes the buckets that are missing; gives their names. */
export async function ensureAllBuckets(manifests: readonly AnyManifest[], target: Target): Promise<string[]> {
  await using storage = createStorage(target.storage)
  return await storage.ensureBuckets(manifests.flatMap((manifest) => manifest.buckets))
}
