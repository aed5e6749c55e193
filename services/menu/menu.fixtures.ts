import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { TenantRole } from '@slipway/auth'
import type { JobRun, QueueDefinition } from '@slipway/queue'
import { platformMigrations } from '@slipway/service'
import { sweepBucket } from '@slipway/storage'
import { testDatabase, testRedis, testScanner, testStorage } from '@slipway/testing'
import { Client } from 'pg'
import sharp from 'sharp'
import { type MenuSettings, openMenu, silent, slugOf, type Wrap } from './app.fixtures.ts'
import type { MenuContext } from './context.ts'
import { dishObjectRemoval } from './jobs/dish-object-removal.ts'
import { menu } from './service.ts'

export interface Tenant {
  id: string
  slug: string
}

export function newTenant(): Tenant {
  const id = randomUUID()
  return { id, slug: slugOf(id) }
}

export interface Caller {
  tenant: Tenant
  role?: TenantRole
  user?: string
  scopes?: readonly string[]
}

export interface Answer {
  status: number
  headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of many shapes
  body: any
}

export interface CallOptions {
  method?: string
  headers?: Record<string, string>
  json?: unknown
  body?: RequestInit['body']
}

interface Options {
  environment?: Record<string, string>
  wrap?: Wrap
  /** Leads the service to its stores by another way. */
  lead?: (settings: MenuSettings) => Promise<MenuSettings>
}

export async function startMenu({ environment = {}, wrap, lead = async (settings) => settings }: Options = {}) {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(
    await testDatabase({ migrations: [{ service: menu.name, folder: menu.migrations }], libraries: platformMigrations }),
  )
  const redis = stack.use(await testRedis())
  const stored = stack.use(await testStorage())
  const settings = await lead({
    database: { runtime: database.url('runtime'), system: database.url('system') },
    redisUrl: redis.url,
    storage: stored.config,
    scanner: testScanner(),
    environment,
  })
  const changes = await watchChanges(database.adminUrl, stack)
  const opened = stack.use(await openMenu(settings, wrap))
  const owned = stack.move()
  return {
    ...opened,
    redisServer: redis,
    settings,
    database,
    call: callAt(opened.url),
    /** Looks again after every change of a model or of a job, until it is as wanted. */
    async until<T>(look: () => Promise<T>, fits: (value: T) => boolean): Promise<T> {
      for (;;) {
        const changed = changes.next()
        const value = await look()
        if (fits(value)) return value
        await changed
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export type MenuTest = Awaited<ReturnType<typeof startMenu>>

/** Postgres tells of every change, so tests wait for events and not for time. */
async function watchChanges(adminUrl: string, stack: AsyncDisposableStack): Promise<{ next(): Promise<unknown> }> {
  const client = new Client({ connectionString: adminUrl })
  client.on('error', () => undefined)
  await client.connect()
  stack.defer(() => client.end())
  await client.query(`
    create function menu.tell() returns trigger language plpgsql as $$ begin perform pg_notify('changed', ''); return null; end $$;
    create trigger tell after insert or update or delete on menu.jobs execute function menu.tell();
    create trigger tell after insert or update or delete on menu.models execute function menu.tell();
    grant execute on function menu.tell() to public;
    listen changed`)
  client.setMaxListeners(0)
  return { next: () => once(client, 'notification') }
}

export function authorization({ tenant, role = 'member', user = 'ada', scopes = ['*'] }: Caller): Record<string, string> {
  return { authorization: `Bearer ${[tenant.id, tenant.slug, role, user, scopes.join(' ')].join('/')}` }
}

export function callAt(url: string) {
  return (caller: Caller | null, path: string, options: CallOptions = {}) => callApi(url, { caller, path, call: options })
}

async function callApi(url: string, { caller, path, call }: { caller: Caller | null; path: string; call: CallOptions }): Promise<Answer> {
  const { method = 'GET', headers = {}, json, body } = call
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(caller ? authorization(caller) : {}),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json === undefined ? (body ?? null) : JSON.stringify(json),
  })
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, body: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : bytes }
}

/** What a tenant's people do to dishes, in few words. */
export function kitchen(test: MenuTest, caller: Caller) {
  const call = (path: string, options?: CallOptions) => test.call(caller, path, options)
  const get = async (id: string) => (await call(`/api/v1/dishes/${id}`)).body
  return {
    call,
    get,
    async dish(fields: object = {}) {
      const { status, body } = await call('/api/v1/dishes', {
        method: 'POST',
        json: { name: 'Soup', price: { amount: 500, currency: 'EUR' }, ...fields },
      })
      if (status !== 201) throw new Error(JSON.stringify(body))
      return body
    },
    photo: (id: string, content: Buffer, headers: Record<string, string> = {}) => {
      const form = new FormData()
      form.append('photo', new Blob([new Uint8Array(content)]), 'photo.jpg')
      return call(`/api/v1/dishes/${id}/photo`, { method: 'PUT', body: form, headers })
    },
    /** Resolves once the newest request for a model stands so. */
    reaches: (id: string, state: string) =>
      test.until(
        () => get(id),
        (dish) => dish.model?.state === state,
      ),
    model: (id: string, action: 'retry' | 'cancel') => call(`/api/v1/dishes/${id}/model/${action}`, { method: 'POST' }),
    help: (id: string, json: unknown) => call(`/api/v1/dishes/${id}/model`, { method: 'PATCH', json }),
  }
}

interface PhotoOptions {
  width?: number
  height?: number
  /** Of the food: another one makes another photo. */
  colour?: string
  /** EXIF orientation, with a place. */
  orientation?: number
}

/** A plate seen from a slant on a table, with something on it. */
export async function platePhoto({ width = 640, height = 480, colour = '#a33', orientation }: PhotoOptions = {}): Promise<Buffer> {
  const [x, y, a, b] = [width / 2, height / 2, width * 0.38, width * 0.27]
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#6b4a2b"/>
    <ellipse cx="${x}" cy="${y}" rx="${a}" ry="${b}" fill="#f4f2ec"/><ellipse cx="${x}" cy="${y}" rx="${a * 0.5}" ry="${b * 0.5}" fill="${colour}"/></svg>`
  const image = sharp(Buffer.from(svg)).jpeg({ quality: 90 })
  if (orientation === undefined) return await image.toBuffer()
  const place = { GPSLatitudeRef: 'N', GPSLatitude: '48/1 12/1 30/1', GPSLongitudeRef: 'E', GPSLongitude: '16/1 22/1 0/1' }
  return await image
    .withMetadata({ orientation })
    .withExifMerge({ IFD0: { Make: 'SecretCamera' }, IFD3: place })
    .toBuffer()
}

/** Runs a processor as a worker would, without Redis in between. */
export async function runJob<Payload extends { version: number }>(
  test: Pick<MenuTest, 'context'>,
  definition: QueueDefinition<MenuContext, Payload>,
  job: { payload: Payload; id?: string; signal?: AbortSignal },
): Promise<unknown> {
  const processor = await definition.processor()
  const run: JobRun<Payload> = {
    id: job.id ?? randomUUID(),
    queue: definition.name,
    payload: definition.payload.parse(job.payload),
    attempt: 1,
    maxAttempts: 3,
    signal: job.signal ?? new AbortController().signal,
    log: silent,
    traceId: null,
    progress: () => undefined,
  }
  return await processor.process(run, test.context)
}

interface JobRow {
  id: string
  state: string
  key: string | null
  // oxlint-disable-next-line typescript/no-explicit-any -- payloads of several queues
  payload: any
}

export async function jobsOf({ system }: MenuTest, queue: string): Promise<JobRow[]> {
  const { rows } = await system.pool.query<JobRow>('select id, state, key, payload from jobs where queue = $1 order by id', [queue])
  return rows
}

/** Runs what is owed of object removals, as the worker would after the commit. */
export async function removeObjects(test: MenuTest): Promise<void> {
  for (const { payload, state } of await jobsOf(test, dishObjectRemoval.name)) {
    if (state !== 'completed') await runJob(test, dishObjectRemoval, { payload })
  }
}

/** What lies in a bucket, by way of the sweeper that is told to know it all. */
export async function keysIn(
  { storage }: Pick<MenuTest, 'storage'>,
  bucket: 'dish-images' | 'dish-models' | 'quarantine',
): Promise<string[]> {
  const found: string[] = []
  const isKnown = async (keys: string[]) => {
    found.push(...keys)
    return new Set(keys)
  }
  await sweepBucket(storage, bucket, { olderThan: new Date(8.64e15), isKnown })
  return found.sort()
}

/** Keeps models from being finished until a test says so: what happens meanwhile is what the test is about. */
export function holdModels() {
  let hold: PromiseWithResolvers<void> | null = null
  let reached = Promise.withResolvers<void>()
  const wrap: Wrap = (context) => ({
    ...context,
    pool: {
      normalise: (source, limits, options) => context.pool.normalise(source, limits, options),
      async make(request, options) {
        const made = await context.pool.make(request, options)
        const { promise, reject } = Promise.withResolvers<never>()
        promise.catch(() => undefined)
        const stop = () => reject(options.signal.reason)
        options.signal.addEventListener('abort', stop)
        if (options.signal.aborted) stop()
        reached.resolve()
        await Promise.race([hold?.promise, promise])
        options.signal.removeEventListener('abort', stop)
        return made
      },
    },
  })
  return {
    wrap,
    hold() {
      hold = Promise.withResolvers()
      reached = Promise.withResolvers()
    },
    /** The next model to be held is made and waits. */
    reached: () => reached.promise,
    release() {
      hold?.resolve()
      hold = null
    },
  }
}
