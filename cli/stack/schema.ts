import { type MigrationReport, migrate } from '@slipway/db'
import { type AnyManifest, platformMigrations } from '@slipway/service'
import { createStorage } from '@slipway/storage'
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

/** Makes the buckets that are missing; gives their names. */
export async function ensureAllBuckets(manifests: readonly AnyManifest[], target: Target): Promise<string[]> {
  await using storage = createStorage(target.storage)
  return await storage.ensureBuckets(manifests.flatMap((manifest) => manifest.buckets))
}
