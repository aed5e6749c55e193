import { metrics } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { httpMetrics, poolMetrics, queueMetrics, scanMetrics } from './index.ts'

let reader: PeriodicExportingMetricReader
let exporter: InMemoryMetricExporter
let provider: MeterProvider

beforeEach(() => {
  exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  provider = new MeterProvider({ readers: [reader] })
  metrics.setGlobalMeterProvider(provider)
})
afterEach(async () => {
  metrics.disable()
  await provider.shutdown()
})

/** Every point of one metric: its attributes and its value, or the sum and count of a histogram. */
async function points(name: string) {
  exporter.reset()
  await reader.forceFlush()
  const all = exporter.getMetrics().flatMap((batch) => batch.scopeMetrics.flatMap((scope) => scope.metrics))
  return all
    .filter((metric) => metric.descriptor.name === name)
    .flatMap((metric) => metric.dataPoints.map(({ attributes, value }) => ({ attributes, value: simple(value) })))
}

function simple(value: unknown): unknown {
  if (typeof value === 'number') return value
  const { sum, count } = value as { sum: number; count: number }
  return { sum, count }
}

describe('recorders', () => {
  it('measure requests by route template and status', async () => {
    const http = httpMetrics()
    http.record({ method: 'GET', route: '/api/v1/files/{id}', status: 200, seconds: 0.5 })
    http.record({ method: 'GET', route: '/api/v1/files/{id}', status: 200, seconds: 1 })
    http.record({ method: 'GET', route: '/api/v1/files/{id}', status: 503, seconds: 2 })
    const attributes = { 'http.request.method': 'GET', 'http.route': '/api/v1/files/{id}' }
    expect(await points('http.server.request.duration')).toEqual([
      { attributes: { ...attributes, 'http.response.status_code': 200 }, value: { sum: 1.5, count: 2 } },
      { attributes: { ...attributes, 'http.response.status_code': 503, 'error.type': '503' }, value: { sum: 2, count: 1 } },
    ])
  })

  it('measure queues: waiting, running and, asked at every export, depth and age', async () => {
    const queue = queueMetrics()
    queue.waited('purge', 3)
    queue.ran('purge', 4, 'failed')
    expect(await points('slipway.queue.wait')).toEqual([{ attributes: { queue: 'purge' }, value: { sum: 3, count: 1 } }])
    expect(await points('slipway.queue.run')).toEqual([{ attributes: { queue: 'purge', outcome: 'failed' }, value: { sum: 4, count: 1 } }])

    let jobs = 5
    const observed = queue.observeDepth(() => Promise.resolve([{ queue: 'purge', state: 'waiting', jobs: jobs++, oldestSeconds: 60 }]))
    const attributes = { queue: 'purge', state: 'waiting' }
    expect(await points('slipway.queue.jobs')).toEqual([{ attributes, value: 5 }])
    expect(await points('slipway.queue.oldest_age')).toEqual([{ attributes, value: 60 }])
    observed[Symbol.dispose]()
    const before = jobs
    await points('slipway.queue.jobs')
    expect(jobs).toBe(before)
  })

  it('measure scans by verdict', async () => {
    const scans = scanMetrics()
    scans.record({ verdict: 'clean', bytes: 100, seconds: 1 })
    scans.record({ verdict: 'infected', bytes: 7, seconds: 2 })
    expect(await points('slipway.scan.bytes')).toEqual([
      { attributes: { verdict: 'clean' }, value: 100 },
      { attributes: { verdict: 'infected' }, value: 7 },
    ])
    expect(await points('slipway.scan.duration')).toHaveLength(2)
  })

  it('measure a pool until disposed', async () => {
    const pool = { totalCount: 4, idleCount: 1, waitingCount: 2, options: { max: 10 } }
    const observed = poolMetrics(pool, 'runtime')
    const name = { 'db.client.connection.pool.name': 'runtime' }
    expect(await points('db.client.connection.count')).toEqual([
      { attributes: { ...name, 'db.client.connection.state': 'idle' }, value: 1 },
      { attributes: { ...name, 'db.client.connection.state': 'used' }, value: 3 },
    ])
    expect(await points('db.client.connection.pending_requests')).toEqual([{ attributes: name, value: 2 }])
    expect(await points('db.client.connection.max')).toEqual([{ attributes: name, value: 10 }])
    observed[Symbol.dispose]()
  })

  it('do nothing when telemetry is off', () => {
    metrics.disable()
    expect(() => httpMetrics().record({ method: 'GET', route: '/', status: 200, seconds: 1 })).not.toThrow()
    expect(() => poolMetrics({ totalCount: 0, idleCount: 0, waitingCount: 0, options: {} }, 'x')[Symbol.dispose]()).not.toThrow()
  })
})
