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

/**
 * Resolves when Postgres and the object store answer: stores that start beside the migration need their time.
 * @throws {Failure} with what they said last, after so many seconds
 */
export async function storesAnswer(target: Target, seconds: number): Promise<void> {
  let last = 'nothing'
  const look = () =>
    answer(target).then(
      () => true,
      (error: unknown) => {
        last = error instanceof Error ? error.message : String(error)
        return null
      },
    )
  if (await poll(look, { within: seconds * 1000, every: 500 })) return
  throw new Failure(`the stores did not answer within ${seconds} s; the last was: ${last}`, {
    fix: 'see that they run and that the addresses and credentials are right',
  })
}

async function answer({ database: { adminUrl, ...rest }, storage }: Target): Promise<void> {
  await using admin = connect({ url: adminUrl, poolSize: 1, name: 'slipway migrate', onError: () => undefined, ...rest })
  await admin.pool.query('select 1')
  await using objects = createStorage(storage)
  await objects.ready()
}

/** Makes the buckets that are missing; gives their names. */
export async function ensureAllBuckets(manifests: readonly AnyManifest[], target: Target): Promise<string[]> {
  await using storage = createStorage(target.storage)
  return await storage.ensureBuckets(manifests.flatMap((manifest) => manifest.buckets))
}
