import { type Authenticator, createAuthenticator, serviceCallers } from '@slipway/auth'
import { ConfigError } from '@slipway/config'
import {
  createHttpApp,
  createIdempotencyStore,
  createRateLimiter,
  docsRoutes,
  type HttpAppOptions,
  type HttpServer,
  listen,
  mount,
  openApiDocument,
  openApiRoute,
  problemRoutes,
  type RateRule,
  type Route,
} from '@slipway/http'
import { httpMetrics } from '@slipway/telemetry'
import type { Express } from 'express'
import { usesStorage } from './checks.ts'
import { healthRoutes } from './health-routes.ts'
import { type Host, type HostedService, type HostOptions, openHost, orClose } from './host.ts'
import type { AnyManifest } from './manifest.ts'
import { platformRoutes } from './platform-routes.ts'
import { connected } from './redis.ts'
import type { Phase } from './shutdown.ts'

/** Of the contracts, not of the release: additions keep it, and `/api/v1` stays while it is 1. */
const apiVersion = '1.0.0'

/** The API process of one or more services, ready to listen. */
export interface Api {
  readonly host: Host
  /** What the edge routes to. */
  readonly app: Express
  /** What only other services may reach; the edge has no route to its listener. */
  readonly internalApp: Express
  /** The orderly stop, for a process that listens with `servers`. */
  shutdown(servers: readonly HttpServer[]): Phase[]
}

export interface ApiOptions extends HostOptions {
  /** For tests; by default tokens and keys are verified against the identity service. */
  readonly auth?: Authenticator & Partial<AsyncDisposable>
}

/** Builds the API of the given services without listening. Routes that the platform adds to each come before its own. */
export async function createApi(manifests: readonly AnyManifest[], options: ApiOptions): Promise<Api> {
  const host = await openHost('api', manifests, options)
  return await orClose(host, () => buildApi(host, options.auth ?? null))
}

async function buildApi(host: Host, given: ApiOptions['auth'] | null): Promise<Api> {
  const { platform } = host.config
  const auth = given ?? authenticator(host)
  if (platform.storage.createBuckets) await ensureBuckets(host)
  const redis = host.shared.redis.get('rateLimits')
  await connected(redis)
  const rateLimiter = createRateLimiter({ redis, keyPrefix: platform.redis.keyPrefix })
  const metrics = httpMetrics()
  const common: HttpAppOptions<unknown> = {
    auth,
    baseDomain: platform.baseDomain,
    rateLimiter,
    log: host.log,
    trustedProxies: platform.http.trustedProxies,
    answerSeconds: platform.http.answerSeconds,
    onRequestBegin: metrics ? ({ method }) => metrics.begin(method) : undefined,
    onRateUnchecked: metrics ? (outcome) => metrics.unchecked(outcome) : undefined,
    onRequestEnd: metrics ? (end) => metrics.record(end) : undefined,
  }
  const health = mount(healthRoutes, { health: host.health })
  const open = host.services.map((service) => serviceRoutes(service, host))
  const internal = host.services.map(({ manifest, context }) =>
    mount(
      manifest.routes.filter((route) => route.internal),
      context,
    ),
  )
  return {
    host,
    app: createHttpApp({ ...common, mounts: [health, documentation(host), ...open] }),
    internalApp: createHttpApp({ ...common, auth: serviceCallers(platform.auth.serviceCallers ?? []), mounts: [health, ...internal] }),
    shutdown: (servers) => apiPhases(host, servers, auth),
  }
}

function authenticator({ config, now }: Host): Authenticator & Partial<AsyncDisposable> {
  const { publicUrl, auth } = config.platform
  if (!auth.identityUrl || !auth.serviceCredential) {
    const missing = [auth.identityUrl ? [] : 'SLIPWAY_IDENTITY_URL', auth.serviceCredential ? [] : 'SLIPWAY_SERVICE_CREDENTIAL'].flat()
    throw new ConfigError(missing.map((name) => `${name} is not set: an API cannot verify credentials without it`))
  }
  const external = auth.externalIssuer
    ? {
        issuer: auth.externalIssuer,
        audience: auth.externalAudience,
        jwksUrl: auth.externalJwksUrl?.href ?? null,
        secret: auth.externalSecret?.reveal() ?? null,
      }
    : null
  return createAuthenticator({
    identityUrl: auth.identityUrl.href,
    serviceCredential: auth.serviceCredential.reveal(),
    issuer: publicUrl.origin,
    external,
    now,
  })
}

/** `/docs` and `/problems`: every API can serve them for the whole installation, the edge asks one. */
function documentation({ services, config }: Host) {
  const names = config.platform.services ?? services.map(({ manifest }) => manifest.name)
  const sources = names.map((name) => ({ title: name, url: `/api/v1/${name}/openapi.json` }))
  return mount([...docsRoutes({ title: 'Slipway API', sources }), ...problemRoutes], undefined)
}

/** A store that is down at the start is a matter of readiness: the buckets are then ensured by the next start or by `slipway migrate`. */
async function ensureBuckets({ services, shared, log }: Host): Promise<void> {
  const buckets = services.flatMap(({ manifest }) => manifest.buckets)
  if (buckets.length === 0) return
  await shared.storage.ensureBuckets(buckets).catch((error: unknown) => log.warn({ err: error }, 'the buckets could not be ensured'))
}

function serviceRoutes({ manifest, context, databases }: HostedService, host: Host) {
  const idempotency = createIdempotencyStore({ database: databases.runtime })
  const rate = { name: manifest.name, limit: host.config.platform.http.requestsPerMinute, seconds: 60, by: 'principal' } as const
  const own = manifest.routes.filter((route) => !route.internal).map((route) => withRate(route, rate))
  const added = platformRoutes(manifest).map((route) => withRate(route, rate))
  const { queues, scanner } = host.shared
  const platform = { manifest, databases, queues, health: host.health, scanner: usesStorage(manifest) ? scanner : null, now: host.now }
  const document = openApiRoute(manifest.name, [...own, ...added], apiInfo(manifest))
  return [...mount([document], undefined), ...mount(added, platform, { idempotency }), ...mount(own, context, { idempotency })]
}

function apiInfo({ title, description }: AnyManifest) {
  return { title, description, version: apiVersion }
}

/** The OpenAPI document of a service without running it, for what is generated from it. */
export function apiDocument(manifest: AnyManifest): ReturnType<typeof openApiDocument> {
  const own: Route[] = manifest.routes.filter((route) => !route.internal)
  return openApiDocument<never>([...own, ...platformRoutes(manifest)], apiInfo(manifest))
}

/** Nobody's program that runs wild may take a service from the others, so what has no limit of its own shares one per caller. */
function withRate<Context>(route: Route<Context>, rate: RateRule): Route<Context> {
  const { contract } = route
  return contract.rate || contract.auth === 'none' ? route : { ...route, contract: { ...contract, rate } }
}

function apiPhases(host: Host, servers: readonly HttpServer[], auth: Partial<AsyncDisposable>): Phase[] {
  const { seconds, notReadySeconds } = host.config.platform.shutdown
  return [
    { name: 'not ready', run: (signal) => turnNotReady(host, notReadySeconds, signal) },
    { name: 'requests', run: () => Promise.all(servers.map((server) => server.close((seconds - notReadySeconds) / 2))) },
    { name: 'services', run: () => host.closeServices() },
    { name: 'stores', run: async () => Promise.all([host.closeStores(), auth[Symbol.asyncDispose]?.()]) },
  ]
}

/** Load balancers learn of it by the probe, so the process serves on for a while. */
export async function turnNotReady({ health }: Host, seconds: number, signal: AbortSignal): Promise<void> {
  health.drain()
  if (seconds === 0) return
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(seconds * 1000, undefined, { signal })
}

/** Both listeners of an API process. */
export async function listenApi({ app, internalApp, host }: Api): Promise<{ open: HttpServer; internal: HttpServer }> {
  const { http, shutdown } = host.config.platform
  const closeSeconds = shutdown.seconds / 2
  const open = await listen(app, { host: http.host, port: http.port, closeSeconds })
  try {
    const internal = await listen(internalApp, { host: http.internalHost, port: http.internalPort, closeSeconds })
    return { open, internal }
  } catch (error) {
    await open.close(0)
    throw error
  }
}
