import { randomUUID } from 'node:crypto'
import type { TenantRole } from '@slipway/auth'
import type { JobRun, QueueDefinition } from '@slipway/queue'
import { platformMigrations } from '@slipway/service'
import { sweepBucket } from '@slipway/storage'
import { testDatabase, testRedis, testScanner, testStorage } from '@slipway/testing'
import { type FilesSettings, openFiles, silent, type Wrap } from './app.fixtures.ts'
import type { FilesContext } from './context.ts'
import { objectRemoval } from './jobs/object-removal.ts'
import { files } from './service.ts'

export interface Tenant {
  id: string
  slug: string
}

export function newTenant(): Tenant {
  const id = randomUUID()
  return { id, slug: `t${id.slice(0, 8)}` }
}

interface Caller {
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
  /** Where clamd is, if not where it is. */
  scanner?: { host: string; port: number }
  wrap?: Wrap
}

export async function startFiles({ environment = {}, scanner, wrap }: Options = {}) {
  await using stack = new AsyncDisposableStack()
  const migrations = [{ service: files.name, folder: files.migrations }]
  const database = stack.use(await testDatabase({ migrations, libraries: platformMigrations }))
  const redis = stack.use(await testRedis())
  const stored = stack.use(await testStorage())
  const settings: FilesSettings = {
    database: { runtime: database.url('runtime'), system: database.url('system') },
    redisUrl: redis.url,
    storage: stored.config,
    scanner: { ...testScanner(), ...scanner },
    environment,
  }
  const opened = stack.use(await openFiles(settings, wrap))
  const owned = stack.move()
  return {
    ...opened,
    settings,
    database,
    call: (caller: Caller | null, path: string, call?: CallOptions) => callApi(opened.url, { caller, path, call: call ?? {} }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export type FilesTest = Awaited<ReturnType<typeof startFiles>>

function bearer({ tenant, role = 'member', user = 'ada', scopes = ['*'] }: Caller): string {
  return `Bearer ${[tenant.id, tenant.slug, role, user, scopes.join(' ')].join('/')}`
}

export function authorization(caller: Caller): Record<string, string> {
  return { authorization: bearer(caller) }
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

export interface UploadOptions {
  fields?: Record<string, string>
  headers?: Record<string, string>
}

/** The body of an upload: fields first, then the file. */
export function form(name: string, content: Buffer | string, fields: Record<string, string> = {}): FormData {
  const data = new FormData()
  for (const [key, value] of Object.entries(fields)) data.append(key, value)
  data.append('file', new Blob([new Uint8Array(Buffer.from(content))]), name)
  return data
}

export function uploader(test: FilesTest, caller: Caller) {
  return (name: string, content: Buffer | string, { fields, headers }: UploadOptions = {}): Promise<Answer> =>
    test.call(caller, '/api/v1/files', { method: 'POST', body: form(name, content, fields), headers: headers ?? {} })
}

/** Runs a processor as a worker would, without Redis in between. */
export async function runJob<Payload extends { version: number }>(
  test: FilesTest,
  definition: QueueDefinition<FilesContext, Payload>,
  payload: Payload,
): Promise<unknown> {
  const processor = await definition.processor()
  const run: JobRun<Payload> = {
    id: randomUUID(),
    queue: definition.name,
    payload: definition.payload.parse(payload),
    attempt: 1,
    maxAttempts: 1,
    signal: new AbortController().signal,
    log: silent as unknown as JobRun['log'],
    traceId: null,
    progress: () => undefined,
  }
  return await processor.process(run, test.context)
}

/** The durable jobs that a queue is still owed. */
export async function owed({ system }: FilesTest, queue: string): Promise<Record<string, unknown>[]> {
  const { rows } = await system.pool.query<{ payload: Record<string, unknown> }>(
    `select payload from jobs where queue = $1 and state in ('pending', 'waiting', 'active', 'retrying') order by id`,
    [queue],
  )
  return rows.map((row) => row.payload)
}

/** Runs what is owed of object removals, as the worker would after the commit. */
export async function removeObjects(test: FilesTest): Promise<void> {
  for (const payload of await owed(test, objectRemoval.name)) await runJob(test, objectRemoval, payload as never)
}

/** What lies in a bucket, by way of the sweeper that is told to know it all. */
export async function keysIn({ storage }: FilesTest, bucket: 'files' | 'quarantine'): Promise<string[]> {
  const found: string[] = []
  const isKnown = async (keys: string[]) => {
    found.push(...keys)
    return new Set(keys)
  }
  await sweepBucket(storage, bucket, { olderThan: new Date(8.64e15), isKnown })
  return found.sort()
}
