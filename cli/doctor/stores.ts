import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { connect, pendingMigrations } from '@slipway/db'
import { queuePrefix, queueRoundTrip } from '@slipway/queue'
import { createScanner } from '@slipway/scanner'
import { type AnyManifest, platformMigrations, redisDatabases } from '@slipway/service'
import { eicar } from '@slipway/stack'
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
    { name: 'queues', run: () => queues(target) },
    { name: 'clamd', run: () => clamd(target) },
    { name: 'scan', run: () => scan(target) },
  ]
}

function database({ database: { adminUrl, ...rest } }: Target) {
  return connect({ url: adminUrl, poolSize: 1, name: 'slipway doctor', onError: () => undefined, ...rest })
}

async function postgres(target: Target) {
  await using admin = database(target)
  const { rows } = await admin.pool.query<{ version: string; tls: string | null }>(
    'select current_setting($1) as version, (select version from pg_stat_ssl where pid = pg_backend_pid()) as tls',
    ['server_version'],
  )
  return well(`PostgreSQL ${rows[0]?.version}, ${rows[0]?.tls ?? 'without TLS'}`)
}

async function schema(target: Target, { name, migrations }: AnyManifest) {
  await using admin = database(target)
  const pending = await pendingMigrations({
    pool: admin.pool,
    service: { name, folder: migrations },
    libraries: platformMigrations,
    asOwner: true,
  })
  if (pending.length === 0) return well('all migrations are applied')
  return { level: 'fail' as const, what: `${pending.length} migrations are pending: ${pending.join(', ')}`, fix: 'run `slipway migrate`' }
}

/** Queues lose jobs under any policy that evicts keys, and without an append-only file when Redis restarts. */
async function redis({ redis: { url, caFile } }: Target) {
  const client = new Redis(url, {
    db: redisDatabases.queues,
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
    ...(caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}),
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    // Managed servers refuse CONFIG; what INFO says is open everywhere.
    const info = await client.info()
    const fact = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1] ?? 'unknown'
    const policy = fact('maxmemory_policy')
    const appendOnly = fact('aof_enabled') === '1'
    // Valkey calls the version of Redis that it is compatible with redis_version.
    const server = fact('server_name') === 'valkey' ? `Valkey ${fact('valkey_version')}` : `Redis ${fact('redis_version')}`
    const what = `${server}, ${url.startsWith('rediss:') ? 'TLS' : 'without TLS'}, maxmemory-policy ${policy}, appendonly ${appendOnly ? 'yes' : 'no'}`
    if (policy !== 'noeviction')
      return { level: 'fail' as const, what, fix: 'set maxmemory-policy noeviction: any other loses jobs when memory is short' }
    if (!appendOnly)
      return { level: 'warn' as const, what, fix: 'set appendonly yes: jobs would be re-created from Postgres after a restart only' }
    return well(what)
  } finally {
    client.disconnect()
  }
}

/** Beside the queues of the installation, so that no worker of it takes the job. */
async function queues({ redis: { url, caFile } }: Target) {
  const milliseconds = await queueRoundTrip({ redisUrl: url, caFile, prefix: queuePrefix({ keyPrefix: 'slipway-doctor' }) })
  return well(`a job went there and back in ${Math.round(milliseconds)} ms`)
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

function scannerOf({ scanner: { host, port } }: Target) {
  return createScanner({ host, port, connections: 1, queueSeconds: 5, idleSeconds: 10, maxFileBytes: 1024 })
}

async function clamd(target: Target) {
  const { host, port } = target.scanner
  await using scanner = scannerOf(target)
  const state = await scanner.state()
  if (state.status === 'down') return { level: 'fail' as const, what: state.reason, fix: `see that clamd listens at ${host}:${port}` }
  const what = `${state.engine}, database ${state.database || 'without a date'}`
  return state.status === 'ok'
    ? well(what)
    : { level: 'warn' as const, what: `${what}. ${testSignatureWarning}`, fix: 'run freshclam where it can reach its mirror' }
}

/** A scanner that answers and finds nothing would be worse than none. */
async function scan(target: Target) {
  await using scanner = scannerOf(target)
  const { verdict, raw } = await scanner.scan(Readable.from([eicar()]))
  if (verdict === 'infected') return well('the EICAR test file is found')
  const fix = 'see that clamd has a signature database and scans streams'
  return { level: 'fail' as const, what: `the EICAR test file is not found: ${raw}`, fix }
}
