import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { processEnvironment } from '@slipway/config'
import { freePort } from '@slipway/stack'
import { catalogue, libraryMetrics } from '@slipway/telemetry'
import { type CollectedSpan, type Collector, startCollector } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const uploadTraceId = '5bf92f3577b34da6a3ce929d0e0e4736'

let home: string
let collector: Collector
let spans: CollectedSpan[]
let spansOfUpload: CollectedSpan[]
let fileId: string

/** The whole stack with telemetry on. A permanent deletion is one request, one transaction and one job that works on the object store. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-trace-'))
  collector = await startCollector()
  const slipway = (...words: string[]) =>
    run(process.execPath, [main, ...words, '--home', home], { env: stackEnvironment(collector.endpoint) })
  await slipway('up', '--detach', '--port', String(await freePort()))
  const access = await readAccess(home)
  const file = new FormData()
  file.set('file', new Blob(['a small file']), 'small.txt')
  const uploading = { traceparent: `00-${uploadTraceId}-00f067aa0ba902b8-01` }
  const { id } = await call<{ id: string }>(access, '/api/v1/files', { method: 'POST', body: file, headers: uploading })
  fileId = id
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  await call(access, `/api/v1/files/${id}?permanent=true`, { method: 'DELETE', headers: { traceparent } })
  await jobsEnd(access)
  // Stopping sends what the processes still hold, so nothing has to be waited for.
  await slipway('down')
  spans = collector.spans.filter((span) => span.traceId === traceId)
  spansOfUpload = collector.spans.filter((span) => span.traceId === uploadTraceId)
}, 180_000)

afterAll(async () => {
  await collector?.[Symbol.asyncDispose]()
  if (home) await rm(home, { recursive: true, force: true })
})

function stackEnvironment(endpoint: string): Record<string, string> {
  const { PATH = '', HOME = '' } = processEnvironment()
  return { PATH, HOME, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: '1', OTEL_METRIC_SECONDS: '1' }
}

interface Access {
  readonly url: string
  readonly key: string
}

async function readAccess(folder: string): Promise<Access> {
  const { stdout } = await run('sh', ['-c', `. "${folder}/dev.env" && printf '%s\\n%s' "$SLIPWAY_URL" "$SLIPWAY_API_KEY"`])
  const [url = '', key = ''] = stdout.split('\n')
  return { url, key }
}

async function call<Body>(
  { url, key }: Access,
  path: string,
  init: { method?: string; body?: FormData; headers?: Record<string, string> } = {},
): Promise<Body> {
  const headers = { ...init.headers, authorization: `Bearer ${key}` }
  const response = await fetch(`${url}${path}`, { ...init, headers })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (response.status === 204 ? undefined : await response.json()) as Body
}

/** Asks until the work that the deletion left behind is done. */
async function jobsEnd(access: Access): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { items } = await call<{ items: { state: string }[] }>(access, '/api/v1/files/jobs')
    if (items.length > 0 && items.every(({ state }) => state === 'completed')) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the jobs of the deletion did not end')
}

describe('the metrics of the stack', () => {
  it.each([
    'http.server.request.duration',
    'messaging.process.duration',
    'slipway.queue.wait',
    'slipway.queue.attempts',
    'slipway.queue.jobs',
    'slipway.queue.oldest_age',
    'slipway.scan.duration',
    'slipway.scan.bytes',
    'slipway.scan.connection.count',
    'slipway.scan.connection.wait_time',
    'slipway.scan.status',
    'slipway.storage.operation.duration',
    'slipway.storage.bytes',
    'slipway.quota.bytes',
    'slipway.quota.fullest',
    'db.client.connection.count',
    'db.client.connection.pending_requests',
    'db.client.connection.wait_time',
    'nodejs.eventloop.delay.p99',
  ])('have %s', (name) => {
    expect(collector.metrics.map((metric) => metric.name)).toContain(name)
  })
})

describe('what waits in queues', () => {
  it('is told by APIs too: when there is no worker, nobody else would', () => {
    const told = collector.metrics.filter(({ name }) => name === 'slipway.queue.jobs').map(({ service }) => service)
    expect(told).toEqual(expect.arrayContaining(['slipway-files-api', 'slipway-files-worker']))
  })
})

describe('all that is recorded', () => {
  it('is in the table of metrics, ours and those of the libraries', () => {
    const known = new Set([...Object.keys(catalogue), ...libraryMetrics.map(({ name }) => name)])
    expect([...new Set(collector.metrics.map(({ name }) => name))].filter((name) => !known.has(name))).toEqual([])
    const ours = collector.metrics.filter(({ scope }) => scope === 'slipway').map(({ name }) => name)
    expect([...new Set(ours)].filter((name) => !(name in catalogue))).toEqual([])
  })

  it('names no file, tenant or job in a metric, all of them in spans', () => {
    const ids = ['slipway.file.id', 'slipway.tenant.id', 'slipway.job.id'].map(
      (key) => spans.find(({ attributes }) => attributes[key])?.attributes[key] ?? `no ${key}`,
    )
    expect(ids[0]).toBe(fileId)
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^[0-9a-f-]{36}$/) as string))
    const metrics = collector.metricBytes().toString('latin1')
    expect(metrics.length).toBeGreaterThan(0)
    expect(ids.filter((id) => metrics.includes(id))).toEqual([])
    expect(metrics).toContain('/api/v1/files/{id}')
  })
})

describe('one request', () => {
  it.each(['slipway', 'pg', 'ioredis', 'aws-sdk', 'slipway.queue'])('has spans of %s in its trace', (library) => {
    const scopes = new Set(spans.map((span) => span.scope))
    expect(
      [...scopes].some((scope) => scope.endsWith(library)),
      [...scopes].join(', '),
    ).toBe(true)
  })

  it('is one trace from the API to the worker', () => {
    const services = new Set(spans.map((span) => span.resource['service.name']))
    // Identity is in it too when the time has come to ask it who was signed out.
    services.delete('slipway-identity-api')
    expect(services).toEqual(new Set(['slipway-files-api', 'slipway-files-worker']))
  })

  it('hangs together: every span has its parent in the trace, the first one in the caller', () => {
    const known = new Set([...spans.map((span) => span.spanId), '00f067aa0ba902b7'])
    expect(spans.filter((span) => !known.has(span.parentId)).map((span) => span.name)).toEqual([])
  })

  it('has a span for each statement and for each commit, and none for what opens a transaction', () => {
    const statements = spans
      .filter(({ scope }) => scope.endsWith('instrumentation-pg'))
      .map(({ name }) => name.replace(/^pg\.query:|\s.*$/g, ''))
    expect(statements).toEqual(expect.arrayContaining(['COMMIT']))
    expect(statements.length).toBeGreaterThan(statements.filter((name) => name === 'COMMIT').length)
    expect(statements.filter((name) => /^(begin|connect)/i.test(name))).toEqual([])
  })

  it('names its route by the template, and carries no id in a span name', () => {
    expect(spans.map((span) => span.attributes['http.route'])).toContain('/api/v1/files/{id}')
    const entry = spans.find((span) => span.parentId === '00f067aa0ba902b7')
    expect(entry?.name).toBe('DELETE /api/v1/files/{id}')
    expect(spans.filter((span) => /[0-9a-f]{8}-[0-9a-f]{4}/.test(span.name)).map((span) => span.name)).toEqual([])
  })
})

describe('what went well', () => {
  it('has no span that failed: a gateway keeps every trace that has one', () => {
    expect(spansOfUpload.map(({ name }) => name)).toContain('scan')
    expect([...spansOfUpload, ...spans].filter(({ failed }) => failed).map(({ scope, name }) => `${scope} ${name}`)).toEqual([])
  })
})
