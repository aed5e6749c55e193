import type { AuthenticateRequest, Principal, TenantRole } from '@slipway/auth'
import { readConfig } from '@slipway/config'
import { connect } from '@slipway/db'
import { createHttpApp, createIdempotencyStore, listen } from '@slipway/http'
import { createQueues, createWorkers, type Workers } from '@slipway/queue'
import { createScanner } from '@slipway/scanner'
import type { Runtime } from '@slipway/service'
import { createScanGate, createStorage, type StorageOptions } from '@slipway/storage'
import type { FilesContext } from './context.ts'
import { files } from './service.ts'

/** Where the stores are: plain data, so that it can be handed to another process. */
export interface FilesSettings {
  database: { runtime: string; system: string }
  redisUrl: string
  storage: StorageOptions
  scanner: { host: string; port: number; maxFileBytes: number }
  environment: Record<string, string>
}

/** Lets a test put something between the service and its stores. */
export type Wrap = (context: FilesContext) => FilesContext

export const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined }

/** The real routes and processors over real stores; only who calls is said by the test instead of by identity. */
export async function openFiles(settings: FilesSettings, wrap: Wrap = (context) => context) {
  await using stack = new AsyncDisposableStack()
  const offset = { milliseconds: 0 }
  const now = () => Date.now() + offset.milliseconds
  const database = stack.use(connect({ url: settings.database.runtime, poolSize: 20, connectSeconds: 10 }))
  const system = stack.use(connect({ url: settings.database.system, poolSize: 4, connectSeconds: 10 }))
  const scanner = stack.use(createScanner({ ...settings.scanner, connections: 4, queueSeconds: 30, idleSeconds: 30, now }))
  const storage = stack.use(createStorage(settings.storage))
  await storage.ensureBuckets(files.buckets)
  const gate = createScanGate({ storage, scanner })
  const queueSettings = { redisUrl: settings.redisUrl, prefix: 'test:q', definitions: files.queues }
  const queues = stack.use(createQueues(queueSettings))
  const config = readConfig(files.config, { FILES_MAX_BYTES: String(9 * 1_048_576), FILES_RESCAN_SHARE: '100', ...settings.environment })
  const platform = { scanner: { maxFileBytes: scanner.maxFileBytes }, auth: { identityUrl: null, serviceCredential: null } }
  const parts = { database, system, storage, scanner, gate, queues, now, config, platform, log: silent }
  const own = <T extends AsyncDisposable>(resource: T) => stack.use(resource)
  const context = wrap(await files.context({ ...parts, own } as unknown as Runtime<typeof config>))
  const idempotency = createIdempotencyStore({ database })
  const app = createHttpApp({ routes: files.routes, context, auth: { authenticate }, idempotency, log: silent })
  const server = stack.use(await listen(app, { host: '127.0.0.1', port: 0, closeSeconds: 1 }))
  const owned = stack.move()
  return {
    url: server.url,
    context,
    system,
    storage,
    queues,
    advance: (milliseconds: number) => {
      offset.milliseconds += milliseconds
    },
    work: (): Promise<Workers> =>
      createWorkers({ ...queueSettings, service: files.name, context, database: system, tuning: { poll: 100, reconcile: 500 } }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** `Bearer <tenant id>/<slug>/<role>/<user>/<scopes>`; the user `key:<id>:<maker>` is an API key. */
async function authenticate({ headers }: AuthenticateRequest): Promise<Principal | null> {
  if (!headers.authorization) return null
  const [id = '', slug = '', role, user = '', scopes = ''] = headers.authorization.replace('Bearer ', '').split('/')
  const caller = { tenant: { id, slug }, role: role as TenantRole, scopes: scopes.split(' ') }
  const [, keyId, person] = /^key:(.+):(.+)$/.exec(user) ?? []
  return keyId && person ? { ...caller, kind: 'key', id: keyId, keyId, person } : { ...caller, kind: 'user', id: user }
}
