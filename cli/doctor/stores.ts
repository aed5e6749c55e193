import { connect, pendingMigrations } from '@slipway/db'
import { createScanner } from '@slipway/scanner'
import { type AnyManifest, platformMigrations, redisDatabases } from '@slipway/service'
import { createStorage } from '@slipway/storage'
import { Redis } from 'ioredis'
import { testSignatureWarning } from '../stack/summary.ts'
import type { Target } from '../target.ts'
import { type Check, well } from './checks.ts'

/** Whether the stores answer, and are set up as the platform needs them. */
export function storeChecks(target: Target, manifests: readonly AnyManifest[]): Check[] {
  return [
    { name: 'postgres', run: () => postgres(target) },
    ...manifests.map((manifest) => ({ name: `schema ${manifest.name}`, run: () => schema(target, manifest) })),
    { name: 'redis', run: () => redis(target) },
    { name: 'storage', run: () => storage(target, manifests) },
    { name: 'clamd', run: () => clamd(target) },
  ]
}

function database({ database: { adminUrl, ...rest } }: Target) {
  return connect({ url: adminUrl, poolSize: 1, name: 'slipway doctor', onError: () => undefined, ...rest })
}

async function postgres(target: Target) {
  await using admin = database(target)
  const { rows } = await admin.pool.query<{ version: string }>('select current_setting($1) as version', ['server_version'])
  return well(`PostgreSQL ${rows[0]?.version}`)
}

async function schema(target: Target, { name, migrations }: AnyManifest) {
  await using admin = database(target)
  const pending = await pendingMigrations({ pool: admin.pool, service: { name, folder: migrations }, libraries: platformMigrations })
  if (pending.length === 0) return well('all migrations are applied')
  return { level: 'fail' as const, what: `${pending.length} migrations are pending: ${pending.join(', ')}`, fix: 'run `slipway migrate`' }
}

/** Queues lose jobs under any policy that evicts keys, and without an append-only file when Redis restarts. */
async function redis({ redis: { url } }: Target) {
  const client = new Redis(url, { db: redisDatabases.queues, lazyConnect: true, maxRetriesPerRequest: 1, retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const [, policy] = await client.config('GET', 'maxmemory-policy')
    const [, appendOnly] = await client.config('GET', 'appendonly')
    const what = `maxmemory-policy ${policy}, appendonly ${appendOnly}`
    if (policy !== 'noeviction')
      return { level: 'fail' as const, what, fix: 'set maxmemory-policy noeviction: any other loses jobs when memory is short' }
    if (appendOnly !== 'yes')
      return { level: 'warn' as const, what, fix: 'set appendonly yes: jobs would be re-created from Postgres after a restart only' }
    return well(what)
  } finally {
    client.disconnect()
  }
}

async function storage(target: Target, manifests: readonly AnyManifest[]) {
  await using store = createStorage(target.storage)
  await store.ready()
  const [bucket] = manifests.flatMap((manifest) => manifest.buckets)
  if (bucket === undefined) return well('answers')
  const { ok, checks } = await store.probe(bucket)
  if (ok) return well(`answers, ${checks.length} conformance checks passed`)
  const failed = checks.filter((check) => !check.ok).map((check) => `${check.name}${check.detail ? ` (${check.detail})` : ''}`)
  return {
    level: 'fail' as const,
    what: `does not behave as S3 does: ${failed.join('; ')}`,
    fix: 'use an engine that passes: SeaweedFS, AWS S3',
  }
}

async function clamd({ scanner: { host, port } }: Target) {
  await using scanner = createScanner({ host, port, connections: 1, queueSeconds: 5, idleSeconds: 10, maxFileBytes: 1024 })
  const state = await scanner.state()
  if (state.status === 'down') return { level: 'fail' as const, what: state.reason, fix: `see that clamd listens at ${host}:${port}` }
  const what = `${state.engine}, database ${state.database || 'without a date'}`
  return state.status === 'ok'
    ? well(what)
    : { level: 'warn' as const, what: `${what}. ${testSignatureWarning}`, fix: 'run freshclam where it can reach its mirror' }
}
