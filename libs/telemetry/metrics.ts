import { type Attributes, type Meter, metrics } from '@opentelemetry/api'

/** Seconds; the boundaries that OpenTelemetry recommends for HTTP. */
const requestBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** Seconds; jobs and scans take from milliseconds to an hour. */
const workBoundaries = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

/** The meter of the platform. Records nothing unless telemetry was preloaded, so callers need not ask. */
export function meter(): Meter {
  return metrics.getMeter('slipway')
}

export interface HttpMetrics {
  /** `route` is the template (`/api/v1/files/{id}`), never the path: every value is a time series. */
  record(request: { method: string; route: string; status: number; seconds: number }): void
}

export function httpMetrics(): HttpMetrics {
  const duration = meter().createHistogram('http.server.request.duration', {
    description: 'Time from the first byte of the request to the end of the answer',
    unit: 's',
    advice: { explicitBucketBoundaries: requestBoundaries },
  })
  return {
    record: ({ method, route, status, seconds }) =>
      duration.record(seconds, {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': status,
        ...(status >= 500 ? { 'error.type': String(status) } : {}),
      }),
  }
}

export interface QueueDepth {
  queue: string
  /** `waiting`, `active`, `delayed`, `failed`, … */
  state: string
  jobs: number
  /** Age of the oldest job in that state. */
  oldestSeconds?: number | undefined
}

export interface QueueMetrics {
  /** From when the job could have run to when it did. */
  waited(queue: string, seconds: number): void
  /** `outcome` is a word of a small fixed set: every value is a time series. */
  ran(queue: string, seconds: number, outcome: string): void
  /** `read` is asked at every export until the result is disposed. */
  observeDepth(read: () => Promise<readonly QueueDepth[]>): Disposable
}

export function queueMetrics(): QueueMetrics {
  const advice = { explicitBucketBoundaries: workBoundaries }
  const wait = meter().createHistogram('slipway.queue.wait', { description: 'Time that jobs waited', unit: 's', advice })
  const run = meter().createHistogram('slipway.queue.run', { description: 'Time that jobs took', unit: 's', advice })
  return {
    waited: (queue, seconds) => wait.record(seconds, { queue }),
    ran: (queue, seconds, outcome) => run.record(seconds, { queue, outcome }),
    observeDepth,
  }
}

function observeDepth(read: () => Promise<readonly QueueDepth[]>): Disposable {
  const jobs = meter().createObservableGauge('slipway.queue.jobs', { description: 'Jobs in a queue by state', unit: '{job}' })
  const age = meter().createObservableGauge('slipway.queue.oldest_age', { description: 'Age of the oldest job', unit: 's' })
  return observeTogether([jobs, age], async (observe) => {
    for (const { queue, state, jobs: count, oldestSeconds } of await read()) {
      observe(jobs, count, { queue, state })
      if (oldestSeconds !== undefined) observe(age, oldestSeconds, { queue, state })
    }
  })
}

export interface ScanMetrics {
  record(scan: { verdict: string; bytes: number; seconds: number }): void
}

export function scanMetrics(): ScanMetrics {
  const duration = meter().createHistogram('slipway.scan.duration', {
    description: 'Time from the first byte sent to the verdict',
    unit: 's',
    advice: { explicitBucketBoundaries: workBoundaries },
  })
  const bytes = meter().createCounter('slipway.scan.bytes', { description: 'Bytes scanned', unit: 'By' })
  return {
    record: ({ verdict, bytes: count, seconds }) => {
      duration.record(seconds, { verdict })
      bytes.add(count, { verdict })
    },
  }
}

/** What a `pg.Pool` tells of itself. */
export interface PoolCounts {
  totalCount: number
  idleCount: number
  waitingCount: number
  options: { max?: number | undefined }
}

/** Watches a pool until the result is disposed. `name` is the role, which tells the pools of one process apart. */
export function poolMetrics(pool: PoolCounts, name: string): Disposable {
  const count = meter().createObservableGauge('db.client.connection.count', { description: 'Connections by state', unit: '{connection}' })
  const max = meter().createObservableGauge('db.client.connection.max', { description: 'Connections at most', unit: '{connection}' })
  const pending = meter().createObservableGauge('db.client.connection.pending_requests', {
    description: 'Requests that wait for a connection',
    unit: '{request}',
  })
  return observeTogether([count, max, pending], (observe) => {
    const attributes = { 'db.client.connection.pool.name': name }
    observe(count, pool.idleCount, { ...attributes, 'db.client.connection.state': 'idle' })
    observe(count, pool.totalCount - pool.idleCount, { ...attributes, 'db.client.connection.state': 'used' })
    observe(max, pool.options.max ?? 0, attributes)
    observe(pending, pool.waitingCount, attributes)
  })
}

type Gauge = ReturnType<Meter['createObservableGauge']>
type Observe = (gauge: Gauge, value: number, attributes: Attributes) => void

function observeTogether(gauges: Gauge[], callback: (observe: Observe) => Promise<void> | void): Disposable {
  const batch: Parameters<Meter['addBatchObservableCallback']>[0] = (result) =>
    callback((gauge, value, attributes) => result.observe(gauge, value, attributes))
  meter().addBatchObservableCallback(batch, gauges)
  return { [Symbol.dispose]: () => meter().removeBatchObservableCallback(batch, gauges) }
}
