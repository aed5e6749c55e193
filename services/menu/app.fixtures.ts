import type { AuthenticateRequest, Principal, TenantRole } from '@slipway/auth'
import { readConfig } from '@slipway/config'
import { connect, type Database } from '@slipway/db'
import { createHttpApp, createIdempotencyStore, listen } from '@slipway/http'
import { createQueues, createWorkers, type Workers } from '@slipway/queue'
import { createScanner } from '@slipway/scanner'
import type { Runtime } from '@slipway/service'
import { createScanGate, createStorage, type StorageOptions } from '@slipway/storage'
import { sql } from 'drizzle-orm'
import { Redis } from 'ioredis'
import type { MenuContext } from './context.ts'
import { menu } from './service.ts'

/** Where the stores are: plain data, so that it can be handed to another process. */
export interface MenuSettings {
  database: { runtime: string; system: string }
  redisUrl: string
  storage: StorageOptions & { endpoint: string }
  scanner: { host: string; port: number; maxFileBytes: number }
  environment: Record<string, string>
}

/** Lets a test put something between the service and its stores. */
export type Wrap = (context: MenuContext) => MenuContext

const nothing = () => undefined
export const silent = { info: nothing, warn: nothing, error: nothing, debug: nothing, child: () => silent }

/** Slugs that tests name tenants by: `t` and the first part of the id. Identity is not asked. */
export const slugOf = (tenantId: string) => `t${tenantId.slice(0, 8)}`

/** The real routes and processors over real stores; only who calls, and which tenants there are, is said by the test instead of by identity. */
export async function openMenu(settings: MenuSettings, wrap: Wrap = (context) => context) {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(connect({ url: settings.database.runtime, poolSize: 10, connectSeconds: 10 }))
  const system = stack.use(connect({ url: settings.database.system, poolSize: 4, connectSeconds: 10 }))
  const scanner = stack.use(createScanner({ ...settings.scanner, connections: 4, queueSeconds: 30, idleSeconds: 30 }))
  const storage = stack.use(createStorage(settings.storage))
  await storage.ensureBuckets(menu.buckets)
  const gate = createScanGate({ storage, scanner })
  const queueSettings = { redisUrl: settings.redisUrl, prefix: 'test:q', definitions: menu.queues }
  const queues = stack.use(createQueues(queueSettings))
  const redis = new Redis(settings.redisUrl, { db: 4, maxRetriesPerRequest: 0, commandTimeout: 2000, retryStrategy: () => 50 })
  redis.on('error', nothing)
  stack.defer(() => redis.disconnect())
  const offset = { milliseconds: 0 }
  const now = () => Date.now() + offset.milliseconds
  const config = readConfig(menu.config, {
    MENU_PHOTO_BYTES: String(9 * 1_048_576),
    MENU_MODELS_PER_MINUTE: '1000',
    ...settings.environment,
  })
  const platform = { scanner: { maxFileBytes: scanner.maxFileBytes }, redis: { keyPrefix: 'test' }, auth: {}, baseDomain: 'menu.test' }
  const own = <T extends AsyncDisposable>(resource: T) => stack.use(resource)
  const parts = {
    kind: 'worker',
    database,
    system,
    storage,
    scanner,
    gate,
    queues,
    now,
    config,
    platform,
    log: silent,
    own,
    redis: () => redis,
  }
  const made = await menu.context(parts as unknown as Runtime<typeof config>)
  const tenants = { find: (slug: string) => findTenant(system, slug) }
  const context = wrap({ ...made, tenants })
  const app = createHttpApp({
    routes: menu.routes,
    context,
    auth: { authenticate },
    baseDomain: platform.baseDomain,
    idempotency: createIdempotencyStore({ database }),
    log: silent,
  })
  const server = stack.use(await listen(app, { host: '127.0.0.1', port: 0, closeSeconds: 5 }))
  const owned = stack.move()
  return {
    url: server.url,
    server,
    context,
    system,
    storage,
    queues,
    redis,
    advance: (milliseconds: number) => {
      offset.milliseconds += milliseconds
    },
    work: (): Promise<Workers> =>
      createWorkers({
        ...queueSettings,
        service: menu.name,
        limits: menu.limits?.(config),
        context,
        database: system,
        tuning: { poll: 100, reconcile: 500, lock: 2000, stalled: 500, grace: 500 },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Whoever has a dish or a menu is a tenant. */
async function findTenant(system: Database, slug: string) {
  const { rows } = await system.transaction((tx) =>
    tx.execute<{ id: string }>(sql`
      select tenant_id as id from (select tenant_id from dishes union select tenant_id from menus) as known
        where 't' || left(tenant_id::text, 8) = ${slug}`),
  )
  const [found] = rows
  return found ? { id: found.id, slug, name: `Tenant ${slug}` } : null
}

/** `Bearer <tenant id>/<slug>/<role>/<user>/<scopes>`. */
async function authenticate({ headers }: AuthenticateRequest): Promise<Principal | null> {
  if (!headers.authorization) return null
  const [id = '', slug = '', role, user = '', scopes = ''] = headers.authorization.replace('Bearer ', '').split('/')
  return { kind: 'user', id: user, tenant: { id, slug }, role: role as TenantRole, scopes: scopes.split(' ') }
}
