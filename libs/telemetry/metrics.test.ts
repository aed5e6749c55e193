import { existsSync } from 'node:fs'
import { metrics } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  acquireMetrics,
  catalogue,
  displacedMetrics,
  httpMetrics,
  jobMetrics,
  type Metric,
  type MetricName,
  metricsAreOn,
  metricsPage,
  type ObservedName,
  observe,
  rescanMetrics,
  scanMetrics,
  scanPlaceMetrics,
  storageMetrics,
} from './index.ts'
import { type MetricMemory, rememberMetrics } from './metrics.fixtures.ts'

let memory: MetricMemory
beforeEach(() => {
  memory = rememberMetrics()
})
afterEach(() => memory[Symbol.asyncDispose]())

const points = (name: MetricName) => memory.points(name)
const observedNames = Object.entries<Metric>(catalogue)
  .filter(([, { type }]) => type === 'gauge' || type === 'level')
  .map(([name]) => name as ObservedName)

/** Sums of a counter by the value of its one attribute. */
async function by(name: MetricName, key: string) {
  return Object.fromEntries((await points(name)).map(({ attributes, value }) => [attributes[key], value]))
}
const queue = { 'messaging.destination.name': 'purge' }

describe('requests', () => {
  const get = { method: 'GET', route: '/api/v1/files/{id}' }
  const attributes = { 'http.request.method': 'GET', 'http.route': '/api/v1/files/{id}' }

  it('are measured by route template and status', async () => {
    const http = httpMetrics()
    http?.record({ ...get, status: 200, seconds: 0.5 })
    http?.record({ ...get, status: 200, seconds: 1 })
    http?.record({ ...get, status: 503, seconds: 2 })
    expect(await points('http.server.request.duration')).toEqual([
      { attributes: { ...attributes, 'http.response.status_code': 200 }, value: { sum: 1.5, count: 2 } },
      { attributes: { ...attributes, 'http.response.status_code': 503, 'error.type': '503' }, value: { sum: 2, count: 1 } },
    ])
  })

  it('are told while they are under way', async () => {
    const http = httpMetrics()
    http?.begin('GET')
    http?.begin('GET')
    http?.begin('BREW')
    expect(await by('http.server.active_requests', 'http.request.method')).toEqual({ GET: 2, _OTHER: 1 })
    http?.record({ ...get, status: 200, seconds: 1 })
    http?.record({ ...get, method: 'BREW', status: 404, seconds: 1 })
    expect(await by('http.server.active_requests', 'http.request.method')).toEqual({ GET: 1, _OTHER: 0 })
  })

  it('whose limits could not be asked for are counted, from zero on', async () => {
    const http = httpMetrics()
    expect(await by('slipway.http.rate_limit.unchecked', 'slipway.http.rate_limit.outcome')).toEqual({ passed: 0, refused: 0 })
    http?.unchecked('passed')
    http?.unchecked('passed')
    http?.unchecked('refused')
    expect(await by('slipway.http.rate_limit.unchecked', 'slipway.http.rate_limit.outcome')).toEqual({ passed: 2, refused: 1 })
  })

  it('have no route where none matched, and no method that nobody knows', async () => {
    httpMetrics()?.record({ method: 'BREW', route: null, status: 404, seconds: 1 })
    expect(await points('http.server.request.duration')).toEqual([
      { attributes: { 'http.request.method': '_OTHER', 'http.response.status_code': 404 }, value: { sum: 1, count: 1 } },
    ])
  })
})

describe('jobs', () => {
  it('are measured by queue and outcome; attempts count when a job has ended', async () => {
    const jobs = jobMetrics()
    jobs?.waited('purge', 3)
    jobs?.ended({ queue: 'purge', outcome: 'retrying', seconds: 1, attempts: 1 })
    jobs?.ended({ queue: 'purge', outcome: 'completed', seconds: 4, attempts: 2 })
    const process = { ...queue, 'messaging.operation.name': 'process', 'messaging.system': 'bullmq' }
    expect(await points('slipway.queue.wait')).toEqual([{ attributes: queue, value: { sum: 3, count: 1 } }])
    expect(await points('messaging.process.duration')).toEqual([
      { attributes: { ...process, 'slipway.job.outcome': 'retrying' }, value: { sum: 1, count: 1 } },
      { attributes: { ...process, 'slipway.job.outcome': 'completed' }, value: { sum: 4, count: 1 } },
    ])
    const ended = { ...queue, 'slipway.job.outcome': 'completed' }
    expect(await points('slipway.queue.attempts')).toEqual([{ attributes: ended, value: { sum: 2, count: 1 } }])
    expect(await points('slipway.queue.dead_letters')).toEqual([])
  })

  it('that are lost with their workers count as stalled and, in the end, as dead, without a time that nobody knows', async () => {
    const jobs = jobMetrics()
    jobs?.stalled('purge', 1)
    jobs?.ended({ queue: 'purge', outcome: 'dead', seconds: null, attempts: 4 })
    expect(await points('slipway.queue.stalled')).toEqual([{ attributes: queue, value: 1 }])
    expect(await points('slipway.queue.dead_letters')).toEqual([{ attributes: queue, value: 1 }])
    expect(await points('messaging.process.duration')).toEqual([])
  })
})

describe('scans', () => {
  it('are measured by verdict, and the unscannable by reason', async () => {
    const scans = scanMetrics()
    scans?.record({ verdict: 'clean', bytes: 100, seconds: 1 })
    scans?.record({ verdict: 'unscannable', reason: 'encrypted', bytes: 7, seconds: 2 })
    expect(await by('slipway.scan.verdicts', 'slipway.scan.verdict')).toEqual({ clean: 1, infected: 0, unscannable: 1, error: 0 })
    expect(await by('slipway.scan.bytes', 'slipway.scan.verdict')).toEqual({ clean: 100, infected: 0, unscannable: 7, error: 0 })
    expect(await points('slipway.scan.duration')).toHaveLength(2)
    const reasons = { limits: 0, encrypted: 1, timeout: 0, size: 0, 'archive-member': 0 }
    expect(await by('slipway.scan.unscannable', 'slipway.scan.reason')).toEqual(reasons)
  })

  it('are told before there was any, so that the first infected file is a rise', async () => {
    scanMetrics()
    expect(await by('slipway.scan.verdicts', 'slipway.scan.verdict')).toEqual({ clean: 0, infected: 0, unscannable: 0, error: 0 })
  })

  it('are told by how long they waited for a place, and by why there was none', async () => {
    const place = scanPlaceMetrics()
    place?.({ seconds: 1, error: null })
    place?.({ seconds: 30, error: 'service.overloaded' })
    expect(await points('slipway.scan.connection.wait_time')).toEqual([
      { attributes: {}, value: { sum: 1, count: 1 } },
      { attributes: { 'error.type': 'service.overloaded' }, value: { sum: 30, count: 1 } },
    ])
  })
})

describe('uploads that make room', () => {
  it('are counted by reason, from nought on, so that the first one is seen', async () => {
    const displaced = displacedMetrics()
    displaced?.('share')
    displaced?.('share')
    expect(await points('slipway.upload.displaced')).toEqual([
      { attributes: { 'slipway.upload.reason': 'slow' }, value: 0 },
      { attributes: { 'slipway.upload.reason': 'share' }, value: 2 },
    ])
  })
})

describe('stores', () => {
  it('are measured by operation, error and bytes of each direction', async () => {
    const storage = storageMetrics()
    storage?.({ operation: 'PutObject', seconds: 1, error: null, sent: 50, received: 0 })
    storage?.({ operation: 'GetObject', seconds: 2, error: 'NoSuchKey', sent: 0, received: 0 })
    expect(await points('slipway.storage.operation.duration')).toEqual([
      { attributes: { 'slipway.storage.operation': 'PutObject' }, value: { sum: 1, count: 1 } },
      { attributes: { 'slipway.storage.operation': 'GetObject', 'error.type': 'NoSuchKey' }, value: { sum: 2, count: 1 } },
    ])
    expect(await by('slipway.storage.bytes', 'slipway.storage.direction')).toEqual({ read: 0, write: 50 })
  })

  it('are measured by how long a connection took, and how often there was none', async () => {
    const acquire = acquireMetrics('runtime')
    const attributes = { 'db.client.connection.pool.name': 'runtime' }
    expect(await points('db.client.connection.timeouts')).toEqual([{ attributes, value: 0 }])
    acquire?.({ seconds: 1, error: null })
    acquire?.({ seconds: 3, error: 'Error' })
    expect(await points('db.client.connection.wait_time')).toEqual([{ attributes, value: { sum: 4, count: 2 } }])
    expect(await points('db.client.connection.timeouts')).toEqual([{ attributes, value: 1 }])
  })
})

describe('observed metrics', () => {
  it('are read at every export until disposed', async () => {
    let reads = 0
    const observed = observe(['slipway.quota.tenants'], (report) => report('slipway.quota.tenants', ++reads))
    expect(await points('slipway.quota.tenants')).toEqual([{ attributes: {}, value: 1 }])
    expect(await points('slipway.quota.tenants')).toEqual([{ attributes: {}, value: 2 }])
    observed[Symbol.dispose]()
    await points('slipway.quota.tenants')
    expect(reads).toBe(2)
  })

  it('are missing while they cannot be read, all of them, and spoil no others', async () => {
    observe(['slipway.quota.bytes', 'slipway.quota.files'], async (report) => {
      report('slipway.quota.bytes', 1)
      throw new Error('the database is away')
    })
    observe(['slipway.quota.tenants'], (report) => report('slipway.quota.tenants', 3))
    expect(await points('slipway.quota.bytes')).toEqual([])
    expect(await points('slipway.quota.tenants')).toEqual([{ attributes: {}, value: 3 }])
  })
})

describe('series', () => {
  const many = 1000

  /** As code would call them that puts ids where none belong. */
  function recordIds(): void {
    const http = httpMetrics()
    const jobs = jobMetrics()
    const scans = scanMetrics()
    const storage = storageMetrics()
    const place = scanPlaceMetrics()
    const rescans = rescanMetrics()
    const displaced = displacedMetrics()
    for (let index = 0; index < many; index++) {
      const id = crypto.randomUUID()
      http?.record({ method: id, route: `/api/v1/files/${id}`, status: index, seconds: 1 })
      jobs?.waited(id, 1)
      jobs?.stalled(id, 1)
      jobs?.ended({ queue: id, outcome: 'dead', seconds: 1, attempts: 1 })
      scans?.record({ verdict: 'unscannable', reason: id, bytes: 1, seconds: 1 })
      scans?.record({ verdict: id, bytes: 1, seconds: 1 })
      storage?.({ operation: id, seconds: 1, error: id, sent: 1, received: 1 })
      place?.({ seconds: 1, error: id })
      rescans?.(id)
      displaced?.(id)
      acquireMetrics(id)?.({ seconds: 1, error: id })
    }
  }

  it.each(Object.entries<Metric>(catalogue))('of %s are bounded, whatever ids come', async (name, { attributes }) => {
    recordIds()
    const rest = { 'slipway.tenant.id': crypto.randomUUID(), 'url.path': '/a' }
    const ids = Array.from({ length: many }, () => Object.fromEntries(Object.keys(attributes).map((key) => [key, crypto.randomUUID()])))
    observe(observedNames, (report) => {
      if (observedNames.includes(name as ObservedName)) for (const each of ids) report(name as ObservedName, 1, { ...each, ...rest })
    })
    const found = await memory.points(name)
    expect(found.length).toBeGreaterThan(0)
    for (const [key, bound] of Object.entries(attributes)) {
      const most = 'values' in bound ? bound.values.length : bound.atMost
      expect(new Set(found.map((point) => point.attributes[key])).size, key).toBeLessThanOrEqual(most + 2)
    }
    const named = new Set(found.flatMap((point) => Object.keys(point.attributes)))
    expect([...named].filter((key) => !(key in attributes))).toEqual([])
  })

  it('of one name share their bound, however many instruments there are', async () => {
    for (let index = 0; index < 300; index++) jobMetrics()?.waited(`queue-${index}`, 1)
    expect(await points('slipway.queue.wait')).toHaveLength(201)
  })

  it('have values that a person can list: no attribute is an id', () => {
    const keys = Object.values<Metric>(catalogue).flatMap(({ attributes }) => Object.keys(attributes))
    expect(keys.filter((key) => /\bid\b|tenant|user|path|url|key/.test(key))).toEqual([])
  })
})

describe('the table', () => {
  it('is what the SDK makes of it: name, unit, description and kind', async () => {
    recordEverything()
    const made = (await memory.all()).map(({ descriptor: { name, unit, description } }) => ({ name, unit, description }))
    const table = Object.entries<Metric>(catalogue).map(([name, { unit, description }]) => ({ name, unit, description }))
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    expect(made.sort(byName)).toEqual(table.sort(byName))
  })

  it('is on the page, each metric in one row', () => {
    for (const name of Object.keys(catalogue)) expect(metricsPage().split(`| \`${name}\` |`), name).toHaveLength(2)
  })

  it('says where each metric is recorded', () => {
    const places = new Set(Object.values<Metric>(catalogue).map(({ where }) => where))
    expect([...places].filter((place) => !existsSync(new URL(`../../${place}`, import.meta.url)))).toEqual([])
  })

  it('has `slipway.` before every name that is not a convention', () => {
    const conventions = /^(http\.server|messaging|db\.client)\./
    expect(Object.keys(catalogue).filter((name) => !name.startsWith('slipway.') && !conventions.test(name))).toEqual([])
  })

  function recordEverything(): void {
    httpMetrics()?.record({ method: 'GET', route: '/', status: 200, seconds: 1 })
    const jobs = jobMetrics()
    jobs?.waited('a', 1)
    jobs?.stalled('a', 1)
    jobs?.ended({ queue: 'a', outcome: 'dead', seconds: 1, attempts: 1 })
    scanMetrics()?.record({ verdict: 'unscannable', reason: 'size', bytes: 1, seconds: 1 })
    scanPlaceMetrics()?.({ seconds: 1, error: null })
    rescanMetrics()?.('clean')
    displacedMetrics()?.('slow')
    acquireMetrics('a')?.({ seconds: 1, error: 'Error' })
    storageMetrics()?.({ operation: 'GetObject', seconds: 1, error: null, sent: 1, received: 1 })
    observe(observedNames, (report) => {
      for (const name of observedNames) report(name, 1)
    })
  }
})

describe('without telemetry', () => {
  beforeEach(() => metrics.disable())

  it('there are no recorders, so nothing is hooked in', () => {
    expect(metricsAreOn()).toBe(false)
    const content = [scanMetrics, rescanMetrics, scanPlaceMetrics, displacedMetrics, storageMetrics]
    const recorders = [httpMetrics, jobMetrics, ...content, () => acquireMetrics('a')]
    expect(recorders.map((make) => make())).toEqual(recorders.map(() => null))
  })

  it('nothing is ever read', async () => {
    let reads = 0
    const observed = observe(['slipway.quota.tenants'], () => void reads++)
    await memory.all()
    observed[Symbol.dispose]()
    expect(reads).toBe(0)
  })
})
