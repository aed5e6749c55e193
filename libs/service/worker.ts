import { withCredentials } from '@slipway/config'
import { createHttpApp, type HttpServer, listen, mount } from '@slipway/http'
import { problem } from '@slipway/problem'
import { createWorkers, type QueueMetrics, queuePrefix, type Workers } from '@slipway/queue'
import { jobMetrics, queueTelemetry } from '@slipway/telemetry'
import type { Express } from 'express'
import { turnNotReady } from './api.ts'
import { healthRoutes } from './health-routes.ts'
import { type Host, type HostedService, type HostOptions, openHost, orClose } from './host.ts'
import type { AnyManifest } from './manifest.ts'
import { observeBackups } from './observe.ts'
import type { Phase } from './shutdown.ts'
import { startUpkeep } from './upkeep.ts'

/** The worker process of one or more services. */
export interface Worker {
  readonly host: Host
  readonly workers: readonly Workers[]
  /** Health and progress probes, for the internal listener. */
  readonly app: Express
  shutdown(server?: HttpServer): Phase[]
}

/** Starts the processors of the given services, the relay of their durable jobs, and their schedules. */
export async function createWorker(manifests: readonly AnyManifest[], options: HostOptions): Promise<Worker> {
  const host = await openHost('worker', manifests, options)
  return await orClose(host, () => buildWorker(host))
}

async function buildWorker(host: Host): Promise<Worker> {
  await using started = new AsyncDisposableStack()
  const workers: Workers[] = []
  for (const service of host.services) workers.push(started.use(await startWorkers(service, host)))
  started.move()
  const upkeep = host.services.map(({ databases }) => startUpkeep({ database: databases.system, log: host.log }))
  const { keyPrefix } = host.config.platform.redis
  const backups = observeBackups({ redis: host.shared.redis, keyPrefix, now: host.now })
  const app = createHttpApp({
    auth: { authenticate: async () => null },
    log: host.log,
    mounts: [mount(healthRoutes, { health: host.health, progress: () => requireProgress(workers) })],
  })
  return { host, workers, app, shutdown: (server) => workerPhases({ host, workers, upkeep, backups }, server) }
}

async function startWorkers({ manifest, context, databases }: HostedService, host: Host): Promise<Workers> {
  const { redis } = host.config.platform
  return await createWorkers({
    service: manifest.name,
    definitions: manifest.queues,
    schedules: manifest.schedules,
    limits: manifest.limits?.(host.config.services[manifest.name]?.own as never),
    context,
    database: databases.system,
    redisUrl: withCredentials(redis.url, redis).reveal(),
    caFile: redis.caFile,
    prefix: queuePrefix({ keyPrefix: redis.keyPrefix }),
    telemetry: queueTelemetry(),
    metrics: queueMetrics(),
    log: host.log.child({ service: manifest.name }),
  })
}

/** Jobs wait and nothing has moved for too long: alive by all other signs, and yet of no use. */
function requireProgress(workers: readonly Workers[]): void {
  const stuck = workers.flatMap((each) => each.progress().stuck)
  if (stuck.length > 0) throw problem('service.not-ready', { detail: `jobs wait and nothing moves in ${stuck.join(', ')}` })
}

/** What the queues tell, in the instruments of telemetry: seconds. */
function queueMetrics(): QueueMetrics | null {
  const metrics = jobMetrics()
  return (
    metrics && {
      started: (queue, wait) => metrics.waited(queue, wait / 1000),
      finished: ({ milliseconds, ...end }) => metrics.ended({ ...end, seconds: milliseconds === null ? null : milliseconds / 1000 }),
      stalled: (queue, jobs) => metrics.stalled(queue, jobs),
    }
  )
}

interface Running {
  readonly host: Host
  readonly workers: readonly Workers[]
  readonly upkeep: readonly AsyncDisposable[]
  readonly backups: Disposable
}

function workerPhases({ host, workers, upkeep, backups }: Running, server?: HttpServer): Phase[] {
  const { seconds, notReadySeconds } = host.config.platform.shutdown
  return [
    { name: 'not ready', run: (signal) => turnNotReady(host, notReadySeconds, signal) },
    { name: 'jobs', run: () => Promise.all(workers.map((each) => each.stop((seconds - notReadySeconds) * 1000 * 0.6))) },
    { name: 'services', run: () => Promise.all([host.closeServices(), ...upkeep.map((each) => each[Symbol.asyncDispose]())]) },
    { name: 'probes', run: () => server?.close(1) },
    { name: 'metrics', run: () => backups[Symbol.dispose]() },
    { name: 'stores', run: () => host.closeStores() },
  ]
}

/** Workers listen for probes only, and only on the internal address. */
export function listenWorker({ app, host }: Worker): Promise<HttpServer> {
  const { http } = host.config.platform
  return listen(app, { host: http.internalHost, port: http.internalPort, closeSeconds: 1 })
}
