import { setTimeout as after } from 'node:timers/promises'
import { migrations as auditMigrations } from '@slipway/audit'
import { type Database, type MigrationSource, pendingMigrations } from '@slipway/db'
import { migrations as httpMigrations } from '@slipway/http'
import { problem } from '@slipway/problem'
import { migrations as queueMigrations } from '@slipway/queue'
import type { Scanner, ScannerState } from '@slipway/scanner'
import type { ReadinessCheck } from './health.ts'
import type { AnyManifest } from './manifest.ts'
import type { SharedResources } from './resources.ts'

/** The tables that the platform adds to the schema of every service. */
export const platformMigrations: readonly MigrationSource[] = [auditMigrations, httpMigrations, queueMigrations]

interface CheckedProcess {
  readonly kind: 'api' | 'worker'
  readonly manifests: readonly AnyManifest[]
  readonly databases: ReadonlyMap<string, { readonly runtime: Database }>
  readonly shared: SharedResources
  readonly allowTestSignatures: boolean
}

/**
 * What a process needs. Without Postgres or the object store it can do nothing, and a worker can do nothing without Redis; an API
 * goes on without Redis (jobs wait as intents), and without clamd downloads go on and uploads get their 503. A scanner without real
 * signatures is worse than none, because its verdicts mean nothing.
 */
export function readinessChecks({ kind, manifests, databases, shared, allowTestSignatures }: CheckedProcess): ReadinessCheck[] {
  return [
    ...[...databases].map(([service, { runtime }]) => databaseCheck(service, runtime)),
    ...manifests.flatMap((manifest) => schemaCheck(manifest, databases.get(manifest.name)?.runtime)),
    { name: 'redis', essential: kind === 'worker', run: () => redisCheck(shared) },
    ...(manifests.some(usesStorage)
      ? [
          { name: 'storage', essential: true, run: (signal: AbortSignal) => done(shared.storage.ready(signal)) },
          { name: 'scanner', essential: false, run: () => scannerCheck(shared.scanner) },
          { name: 'signatures', essential: true, run: () => signatureCheck(shared.scanner, allowTestSignatures) },
        ]
      : []),
  ]
}

/** Without buckets neither the object store nor the scanner is of any concern. */
export function usesStorage({ buckets }: AnyManifest): boolean {
  return buckets.length > 0
}

function databaseCheck(service: string, database: Database): ReadinessCheck {
  return { name: `database:${service}`, essential: true, run: () => done(database.ready()) }
}

/** The schema gate. A schema that was found complete stays complete: migrations never go back. */
function schemaCheck(manifest: AnyManifest, database: Database | undefined): ReadinessCheck[] {
  if (!database) return []
  let complete = false
  const run = async () => {
    if (complete) return undefined
    const service = { name: manifest.name, folder: manifest.migrations }
    const pending = await pendingMigrations({ pool: database.pool, service, libraries: platformMigrations })
    if (pending.length > 0)
      throw problem('service.not-ready', { detail: `migrations are pending: ${pending.join(', ')}; run \`slipway migrate\`` })
    complete = true
    return undefined
  }
  return [{ name: `schema:${manifest.name}`, essential: true, run }]
}

async function redisCheck({ queues }: SharedResources): Promise<string | undefined> {
  await queues.ready()
  return (await queues.policy()).warning ?? undefined
}

/** Within the time of a check: a clamd that hangs counts as one that is down, and not as one without signatures. */
const scannerMilliseconds = 1500

export async function scannerState(scanner: Scanner): Promise<ScannerState> {
  const answered = new AbortController()
  const silent = { status: 'down', reason: `clamd does not answer within ${scannerMilliseconds} ms` } as const
  try {
    return await Promise.race([scanner.state(), after(scannerMilliseconds, silent, { signal: answered.signal })])
  } finally {
    answered.abort()
  }
}

async function scannerCheck(scanner: Scanner): Promise<undefined> {
  const state = await scannerState(scanner)
  if (state.status === 'down') throw problem('scanner.unavailable', { detail: state.reason })
}

async function signatureCheck(scanner: Scanner, allowTestSignatures: boolean): Promise<string | undefined> {
  const state = await scannerState(scanner)
  if (state.status !== 'test-signatures') return undefined
  if (allowTestSignatures) return 'clamd has test signatures only: nothing but the EICAR test file is found'
  throw problem('scanner.no-signatures', { detail: 'clamd has no official database: let freshclam fetch one before traffic is let in' })
}

async function done(work: Promise<unknown>): Promise<undefined> {
  await work
}
