import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type CollectedSpan, type Collector, startCollector, type TestRedis, testRedis, testStores } from '@slipway/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AppSettings } from './traced-app.fixtures.ts'

const serverKind = 2
let redis: TestRedis
beforeAll(async () => {
  redis = await testRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

interface Run {
  /** What the app answered to each request. */
  answers: { traceId?: string; echo: { traceparent: string | null }; result: { traceId?: string } }[]
  logs: Record<string, unknown>[]
  on: boolean
  exitCode: number | null
}

/** Starts the app as a process, asks it once per entry of `headers` and for its health, and ends it in order. */
async function runApp(environment: Record<string, string>, headers: Record<string, string>[] = [{}]): Promise<Run> {
  const [file, preload] = ['./traced-app.fixtures.ts', './register.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
  const child = spawn(process.execPath, ['--import', preload!, file!, JSON.stringify(appSettings())], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const output: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk))
  const closed = once(child, 'close')
  try {
    const { port, on } = await firstMessage(child)
    const base = `http://127.0.0.1:${port}`
    await fetch(`${base}/health/live`)
    const answers = []
    for (const sent of headers) answers.push(await (await fetch(`${base}/api/v1/things/42?secret=query-value`, { headers: sent })).json())
    child.send('stop')
    await closed
    const logs = Buffer.concat(output).toString().split('\n').filter(Boolean)
    return {
      answers: answers as Run['answers'],
      logs: logs.map((line) => JSON.parse(line) as Record<string, unknown>),
      on,
      exitCode: child.exitCode,
    }
  } finally {
    child.kill('SIGKILL')
  }
}

function appSettings(): AppSettings {
  const { hostname, port, password } = new URL(redis.url)
  const { postgres, storage } = testStores()
  return { postgres: postgres.adminUrl, storage, redis: { host: hostname, port: Number(port), password: decodeURIComponent(password) } }
}

async function firstMessage(child: ChildProcess): Promise<{ port: number; on: boolean }> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the app ended with ${String(code)} before it listened`)
  })
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number; on: boolean }]
  return message
}

const settings = (collector: Collector, more: Record<string, string> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_TRACES_SAMPLER_ARG: '1',
  ...more,
})

describe('with a collector', () => {
  let collector: Collector
  let run: Run
  let spans: CollectedSpan[]
  const traceId = 'a'.repeat(31) + '7'

  beforeAll(async () => {
    collector = await startCollector()
    const environment = {
      OTEL_SERVICE_NAME: 'things',
      SLIPWAY_INSTANCE: 'pod-1',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
    }
    run = await runApp(settings(collector, environment), [{ traceparent: `00-${traceId}-${'b'.repeat(16)}-01` }])
    spans = collector.spans.filter((span) => span.traceId === traceId)
  })
  afterAll(() => collector[Symbol.asyncDispose]())

  const from = (scope: string) => spans.filter((span) => span.scope === scope || span.scope.endsWith(`instrumentation-${scope}`))

  it.each(['slipway', 'pg', 'ioredis', 'aws-sdk', 'undici', 'slipway.queue'])('has spans of %s in the one trace of the caller', (scope) => {
    expect(from(scope).length).toBeGreaterThan(0)
  })

  it('names the route, not the path', () => {
    const entry = from('slipway').find((span) => span.parentId === 'b'.repeat(16))
    expect(entry).toMatchObject({ name: 'GET /api/v1/things/{id}', kind: serverKind, attributes: { 'http.route': '/api/v1/things/{id}' } })
  })

  it('hangs every span on another one of the trace', () => {
    const ids = new Set([...spans.map((span) => span.spanId), 'b'.repeat(16)])
    expect(spans.filter((span) => !ids.has(span.parentId))).toEqual([])
  })

  it('passes the trace on over HTTP and through the queue', () => {
    expect(run.answers[0]?.traceId).toBe(traceId)
    expect(run.answers[0]?.echo.traceparent).toContain(traceId)
    expect(run.answers[0]?.result.traceId).toBe(traceId)
    const process = from('slipway.queue').find((span) => span.name.startsWith('process'))
    expect(from('ioredis').some((span) => span.parentId === process?.spanId)).toBe(true)
  })

  it('says which service and process the spans come from', () => {
    expect(spans[0]?.resource).toMatchObject({
      'service.name': 'things',
      'service.instance.id': 'pod-1',
      'deployment.environment.name': 'test',
    })
  })

  it('makes no traces of probes and of what queues do between jobs', () => {
    expect(collector.spans.filter((span) => JSON.stringify(span).includes('/health'))).toEqual([])
    const roots = collector.spans.filter((span) => span.parentId === '')
    expect(roots.filter((span) => span.kind !== serverKind).map((span) => span.name)).toEqual([])
  })

  it('sends no parameters, arguments or secrets', () => {
    const kinds = ['parameter-of-a-statement', 'argument-of-a-command', 'field-of-a-log', 'query-value', 'result-of-a-job']
    const texts = [...kinds, testStores().storage.secretKey]
    expect(texts.filter((text) => collector.bytes().includes(text))).toEqual([])
    expect(from('slipway').map((span) => span.attributes['url.query'])).toEqual(expect.arrayContaining(['secret=*', 'token=*']))
  })

  it('puts the trace into the log lines', () => {
    const line = run.logs.find((entry) => entry.msg === 'handled')
    expect(line).toMatchObject({ trace_id: traceId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) as string, password: '[redacted]' })
  })

  it('notes on a span whom it is about', () => {
    const described = collector.spans.filter((span) => 'slipway.thing.id' in span.attributes)
    expect(described.map((span) => [span.attributes['slipway.thing.id'], span.traceId])).toEqual([['42', traceId]])
    expect(collector.spans.filter((span) => 'slipway.nothing.id' in span.attributes)).toEqual([])
  })

  it('sends metrics, each from one source', () => {
    const scopes = (name: string) => new Set(collector.metrics.filter((metric) => metric.name === name).map((metric) => metric.scope))
    expect(scopes('http.server.request.duration')).toEqual(new Set(['slipway']))
    expect(scopes('db.client.connection.count')).toEqual(new Set(['slipway']))
    expect(scopes('slipway.scan.duration')).toEqual(new Set(['slipway']))
    expect(scopes('nodejs.eventloop.utilization').size).toBe(1)
    expect(collector.bytes().includes('/api/v1/things/{id}')).toBe(true)
  })

  it('ends in order with everything sent', () => {
    expect(run).toMatchObject({ exitCode: 0, on: true })
  })
})

describe('sampling', () => {
  const notSampled = { traceparent: `00-${'c'.repeat(32)}-${'b'.repeat(16)}-00` }

  it('at the head leaves out what the ratio or the caller leaves out, but logs keep their trace', async () => {
    await using collector = await startCollector()
    const run = await runApp(settings(collector, { OTEL_TRACES_SAMPLER_ARG: '0' }), [{}, notSampled])
    expect(collector.spans).toEqual([])
    expect(collector.metrics.length).toBeGreaterThan(0)
    expect(run.logs.filter((line) => line.msg === 'handled').map((line) => line.trace_id)).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}$/),
      'c'.repeat(32),
    ])
  })

  it('at the tail records everything', async () => {
    await using collector = await startCollector()
    await runApp(settings(collector, { OTEL_TRACES_SAMPLER_ARG: '0', OTEL_SAMPLING: 'tail' }), [{}, notSampled])
    expect(
      new Set(collector.spans.filter((span) => span.kind === serverKind && !span.name.endsWith('/echo')).map((span) => span.name)),
    ).toEqual(new Set(['GET /api/v1/things/{id}']))
    expect(collector.spans.some((span) => span.traceId === 'c'.repeat(32))).toBe(true)
  })
})

describe('without a collector', () => {
  it('starts nothing when there is no endpoint', async () => {
    const run = await runApp({ OTEL_SERVICE_NAME: 'things' })
    expect(run).toMatchObject({ exitCode: 0, on: false, answers: [{ echo: { traceparent: null } }] })
    expect(run.answers[0]).not.toHaveProperty('traceId')
    expect(run.logs.find((line) => line.msg === 'handled')).not.toHaveProperty('trace_id')
  })

  it('serves and ends as usual when nothing listens at the endpoint', async () => {
    const run = await runApp({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_SAMPLER_ARG: '1' })
    expect(run).toMatchObject({ exitCode: 0, on: true, answers: [{ traceId: expect.any(String) as string }] })
  })
})
