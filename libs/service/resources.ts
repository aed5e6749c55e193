import { type PlatformConfig, withCredentials } from '@slipway/config'
import { awsTokens, connect, type Database, type Role, roleName } from '@slipway/db'
import { createQueues, type QueueClient, queuePrefix } from '@slipway/queue'
import { createScanner, type Scanner } from '@slipway/scanner'
import { createScanGate, createStorage, type ScanGate, type Storage } from '@slipway/storage'
import {
  acquireMetrics,
  displacedMetrics,
  type Log,
  queueTelemetry,
  scanMetrics,
  scanPlaceMetrics,
  storageMetrics,
} from '@slipway/telemetry'
import { type Certificates, observeCertificates } from './certificates.ts'
import { usesStorage } from './checks.ts'
import type { AnyManifest } from './manifest.ts'
import { measuredGate, observePool, observeRedis, observeScanner } from './observe.ts'
import type { ProcessConfig } from './process-config.ts'
import { createRedisConnections, type RedisConnections } from './redis.ts'

/** What all services of a process share. Closed in the opposite order of its making. */
export interface SharedResources extends AsyncDisposable {
  readonly storage: Storage
  readonly scanner: Scanner
  readonly gate: ScanGate
  readonly queues: QueueClient
  readonly redis: RedisConnections
  readonly certificates: Certificates
}

export interface ServiceDatabases extends AsyncDisposable {
  readonly runtime: Database
  readonly system: Database
}

interface SharedOptions {
  readonly manifests: readonly AnyManifest[]
  readonly log: Log
  readonly now: () => number
}

/** Makes the clients of all stores. Nothing is asked of them yet: a store that is down is a matter of readiness, not of the start. */
export function openShared(platform: PlatformConfig, { manifests, log, now }: SharedOptions): SharedResources {
  const stack = new AsyncDisposableStack()
  const certificates = stack.use(observeCertificates(now))
  const storageObservers = { onOperation: storageMetrics() ?? undefined, onSecure: certificates.onSecure('storage') }
  const displaced = displacedMetrics()
  const crowd = { onMadeRoom: displaced ? ({ reason }: { reason: string }) => displaced(reason) : undefined }
  const storage = stack.use(createStorage({ ...storageOptions(platform.storage), ...storageObservers, crowd }))
  const { allowTestSignatures: _, ...scannerOptions } = platform.scanner
  const scanner = stack.use(createScanner({ ...scannerOptions, onOpen: scanPlaceMetrics() ?? undefined }))
  if (manifests.some(usesStorage)) stack.use(observeScanner(scanner, now))
  const redis = stack.use(createRedisConnections(platform.redis, { log, onSecure: certificates.onSecure('redis') }))
  stack.use(observeRedis(redis))
  const queues = stack.use(
    createQueues({
      redisUrl: withCredentials(platform.redis.url, platform.redis).reveal(),
      caFile: platform.redis.caFile,
      prefix: queuePrefix({ keyPrefix: platform.redis.keyPrefix }),
      definitions: manifests.flatMap((manifest) => manifest.queues),
      telemetry: queueTelemetry(),
      log,
    }),
  )
  const gate = measuredGate(createScanGate({ storage, scanner }), scanMetrics())
  return { storage, scanner, gate, queues, redis, certificates, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function storageOptions(settings: PlatformConfig['storage']) {
  const { createBuckets: _, accessKey, secretKey, ...rest } = settings
  return { ...rest, accessKey: accessKey?.reveal() ?? null, secretKey: secretKey?.reveal() ?? null }
}

interface DatabaseObservers {
  readonly log: Log
  readonly certificates: Certificates
}

/** One pool per role. */
export function openDatabases(config: ProcessConfig, service: string, { log, certificates }: DatabaseObservers): ServiceDatabases {
  const passwords = config.services[service]?.database
  if (!passwords) throw new TypeError(`this process was not configured for service ${service}`)
  const stack = new AsyncDisposableStack()
  const open = (role: Exclude<Role, 'owner'>) => {
    const { url, tls, caFile, auth, region, ...limits } = config.platform.database
    const user = roleName(service, role)
    const database = connect({
      ...limits,
      url: url.reveal(),
      role: { user, password: passwords[role]?.reveal() },
      tokens: auth === 'aws-iam' ? awsTokens({ region }) : undefined,
      tls: { mode: tls, caFile },
      name: `slipway ${service} ${role}`,
      onAcquire: acquireMetrics(user) ?? undefined,
      onSecure: certificates.onSecure('postgres'),
      onError: (error) => log.warn({ err: error, role: user }, 'a database connection or a callback after commit failed'),
    })
    const metrics = observePool(database.pool, user)
    stack.defer(async () => {
      metrics[Symbol.dispose]()
      await database[Symbol.asyncDispose]()
    })
    return database
  }
  return { runtime: open('runtime'), system: open('system'), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
