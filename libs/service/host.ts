import { hostname } from 'node:os'
import type { Environment } from '@slipway/config'
import { createLog, type Log, observe } from '@slipway/telemetry'
import { readinessChecks } from './checks.ts'
import { createHealth, type Health } from './health.ts'
import { type AnyManifest, checkManifests } from './manifest.ts'
import { type ObservedQueues, observeQueues } from './observe.ts'
import { type ProcessConfig, readProcessConfig } from './process-config.ts'
import { openDatabases, openShared, type ServiceDatabases, type SharedResources } from './resources.ts'
import type { Runtime } from './runtime.ts'

export type ProcessKind = 'api' | 'worker'

export interface HostOptions {
  readonly environment: Environment
  readonly log?: Log
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** A service within a process: its manifest with everything that was made for it. */
export interface HostedService {
  readonly manifest: AnyManifest
  readonly context: unknown
  readonly databases: ServiceDatabases
}

/** What an API process and a worker process have in common. */
export interface Host {
  readonly kind: ProcessKind
  readonly config: ProcessConfig
  readonly log: Log
  readonly now: () => number
  readonly health: Health
  readonly shared: SharedResources
  readonly services: readonly HostedService[]
  /** First half of the closing: what the services own. The stores stay open, because that work may still need them. */
  closeServices(): Promise<void>
  /** Second half: pools and connections. */
  closeStores(): Promise<void>
}

/**
 * Checks the manifests and the environment, and makes what the services need. Listens nowhere and asks no store for anything but
 * the buckets.
 * @throws {ManifestError} {ConfigError}
 */
export async function openHost(kind: ProcessKind, manifests: readonly AnyManifest[], options: HostOptions): Promise<Host> {
  checkManifests(manifests)
  const config = readProcessConfig(manifests, options.environment)
  const log = options.log ?? processLog(kind, manifests, config)
  const now = options.now ?? Date.now
  const stores = new AsyncDisposableStack()
  const owned = new AsyncDisposableStack()
  await using unfinished = new AsyncDisposableStack()
  unfinished.use(stores)
  unfinished.use(owned)
  const shared = stores.use(openShared(config.platform, { manifests, log, now }))
  const services: HostedService[] = []
  for (const manifest of manifests) {
    const databases = stores.use(openDatabases(config, manifest.name, { log, certificates: shared.certificates }))
    const runtime = runtimeOf({ manifest, kind, config, log, now, shared, databases, owned })
    services.push({ manifest, databases, context: await manifest.context(runtime) })
  }
  const checks = readinessChecks({
    kind,
    manifests,
    databases: new Map(services.map(({ manifest, databases }) => [manifest.name, databases])),
    shared,
    allowTestSignatures: config.platform.scanner.allowTestSignatures,
  })
  // By APIs too: that nobody works must be seen just when there is no worker.
  owned.use(observeQueues(shared.queues, services.map(observedQueues), now))
  const health = createHealth({ checks, now })
  // From here on the host closes them; they stay the ones that services were given, which may hand over more at any time.
  unfinished.move()
  return {
    kind,
    config,
    log,
    now,
    health,
    shared,
    services,
    closeServices: () => owned.disposeAsync(),
    closeStores: () => stores.disposeAsync(),
  }
}

function observedQueues({ manifest, databases }: HostedService): ObservedQueues {
  return { definitions: manifest.queues, database: databases.system }
}

/** Makes the rest of a process around its host, and leaves nothing open when that fails. */
export async function orClose<T>(host: Host, make: () => Promise<T>): Promise<T> {
  try {
    return await make()
  } catch (error) {
    await host.closeServices()
    await host.closeStores()
    throw error
  }
}

function processLog(kind: ProcessKind, manifests: readonly AnyManifest[], { platform }: ProcessConfig): Log {
  const name = `${manifests.map((manifest) => manifest.name).join('+')}-${kind}`
  return createLog({ name, level: platform.log.level, instance: platform.instance ?? hostname() })
}

interface RuntimeParts {
  manifest: AnyManifest
  kind: ProcessKind
  config: ProcessConfig
  log: Log
  now: () => number
  shared: SharedResources
  databases: ServiceDatabases
  owned: AsyncDisposableStack
}

function runtimeOf({ manifest, kind, config, log, now, shared, databases, owned }: RuntimeParts): Runtime<never> {
  const own = config.services[manifest.name]?.own
  if (own === undefined) throw new TypeError(`this process was not configured for service ${manifest.name}`)
  return {
    service: manifest.name,
    kind,
    config: own,
    platform: config.platform,
    log: log.child({ service: manifest.name }),
    now,
    database: databases.runtime,
    system: databases.system,
    storage: shared.storage,
    scanner: shared.scanner,
    gate: shared.gate,
    queues: shared.queues,
    redis: (purpose) => shared.redis.get(purpose),
    observe: (names, read) => void owned.use(observe(names, read)),
    own: (resource) => owned.use(resource),
  }
}
