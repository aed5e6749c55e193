import { catalogue } from './catalogue.ts'
import { counter, histogram, metricsAreOn, observe, other } from './instruments.ts'

/**
 * The recorders that processes hand to their libraries. Each is null when telemetry is off, so that nothing is hooked in anywhere: off
 * costs nothing. All of them count what happened, not what was sampled.
 */
export interface HttpMetrics {
  begin(method: string): void
  /** Ends what `begin` began. `route` is the template (`/api/v1/files/{id}`), never the path; null when none matched. */
  record(request: { method: string; route: string | null; status: number; seconds: number }): void
  /** A request whose limit could not be asked for. */
  unchecked(outcome: 'passed' | 'refused'): void
}

export function httpMetrics(): HttpMetrics | null {
  if (!metricsAreOn()) return null
  const duration = histogram('http.server.request.duration')
  const active = activeRequests()
  const unchecked = counter('slipway.http.rate_limit.unchecked')
  return {
    unchecked: (outcome) => unchecked(1, { 'slipway.http.rate_limit.outcome': outcome }),
    begin: (method) => active(method, 1),
    record({ method, route, status, seconds }) {
      active(method, -1)
      duration(seconds, {
        'http.request.method': method,
        'http.route': route ?? undefined,
        'http.response.status_code': status,
        'error.type': status >= 500 ? String(status) : undefined,
      })
    },
  }
}

/** Whatever methods people make up, they share a place: what is counted here is never forgotten. */
function activeRequests(): (method: string, change: 1 | -1) => void {
  const known = catalogue['http.server.active_requests'].attributes['http.request.method'].values
  const active = new Map<string, number>()
  observe(['http.server.active_requests'], (report) => {
    for (const [method, requests] of active) report('http.server.active_requests', requests, { 'http.request.method': method })
  })
  return (method, change) => {
    const name = known.includes(method) ? method : other
    active.set(name, (active.get(name) ?? 0) + change)
  }
}

export interface JobEnd {
  queue: string
  outcome: 'completed' | 'retrying' | 'failed' | 'dead' | 'cancelled' | 'interrupted' | 'skipped'
  /** Of the last attempt; null when it was not this process that saw it run. */
  seconds: number | null
  attempts: number
}

export interface JobMetrics {
  /** From when the job could have run to when it did. */
  waited(queue: string, seconds: number): void
  ended(job: JobEnd): void
  /** None at first: see `counter`. */
  stalled(queue: string, jobs: number): void
}

const lastOutcomes = new Set(['completed', 'failed', 'dead', 'cancelled'])

export function jobMetrics(): JobMetrics | null {
  if (!metricsAreOn()) return null
  const wait = histogram('slipway.queue.wait')
  const run = histogram('messaging.process.duration')
  const attemptCount = histogram('slipway.queue.attempts')
  const stalled = counter('slipway.queue.stalled')
  const dead = counter('slipway.queue.dead_letters')
  const process = { 'messaging.operation.name': 'process', 'messaging.system': 'bullmq' }
  return {
    waited: (queue, seconds) => wait(seconds, { 'messaging.destination.name': queue }),
    ended: ({ queue, outcome, seconds, attempts }) => {
      const name = { 'messaging.destination.name': queue }
      if (seconds !== null) run(seconds, { ...name, ...process, 'slipway.job.outcome': outcome })
      if (lastOutcomes.has(outcome)) attemptCount(attempts, { ...name, 'slipway.job.outcome': outcome })
      if (outcome === 'dead') dead(1, name)
    },
    stalled: (queue, jobs) => stalled(jobs, { 'messaging.destination.name': queue }),
  }
}

export interface ScanMetrics {
  /** `reason` is why a file was unscannable. */
  record(scan: { verdict: string; reason?: string | undefined; bytes: number; seconds: number }): void
  /** clamd was not there, or gone before its verdict: how much it had seen and how long it would have taken nobody knows. */
  lost(): void
}

export function scanMetrics(): ScanMetrics | null {
  if (!metricsAreOn()) return null
  const duration = histogram('slipway.scan.duration')
  const verdicts = counter('slipway.scan.verdicts')
  const scanned = counter('slipway.scan.bytes')
  const unscannable = counter('slipway.scan.unscannable')
  return {
    record: ({ verdict, reason, bytes, seconds }) => {
      duration(seconds, { 'slipway.scan.verdict': verdict })
      verdicts(1, { 'slipway.scan.verdict': verdict })
      scanned(bytes, { 'slipway.scan.verdict': verdict })
      if (verdict === 'unscannable') unscannable(1, { 'slipway.scan.reason': reason })
    },
    lost: () => verdicts(1, { 'slipway.scan.verdict': 'error' }),
  }
}

/** Of rescans, by what came of them. */
export function rescanMetrics(): ((outcome: string) => void) | null {
  if (!metricsAreOn()) return null
  const files = counter('slipway.rescan.files')
  return (outcome) => files(1, { 'slipway.rescan.outcome': outcome })
}

/** `error`: what there was instead of a connection; null when there was one. */
export interface Acquired {
  seconds: number
  error: string | null
}

/** Of places at clamd. */
export function scanPlaceMetrics(): ((place: Acquired) => void) | null {
  if (!metricsAreOn()) return null
  const wait = histogram('slipway.scan.connection.wait_time')
  return ({ seconds, error }) => wait(seconds, { 'error.type': error ?? undefined })
}

/** Of a pool of Postgres. `name` is the role, which tells the pools of one process apart. */
export function acquireMetrics(name: string): ((connection: Acquired) => void) | null {
  if (!metricsAreOn()) return null
  const wait = histogram('db.client.connection.wait_time')
  const timeouts = counter('db.client.connection.timeouts')
  const attributes = { 'db.client.connection.pool.name': name }
  timeouts(0, attributes)
  return ({ seconds, error }) => {
    wait(seconds, attributes)
    if (error !== null) timeouts(1, attributes)
  }
}

/** Of uploads that made room for others, by the reason. */
export function displacedMetrics(): ((reason: string) => void) | null {
  if (!metricsAreOn()) return null
  const uploads = counter('slipway.upload.displaced')
  return (reason) => uploads(1, { 'slipway.upload.reason': reason })
}

export interface StorageOperation {
  /** As S3 names it: `PutObject`. */
  operation: string
  seconds: number
  error: string | null
  /** Bytes of the bodies. */
  sent: number
  received: number
}

export function storageMetrics(): ((operation: StorageOperation) => void) | null {
  if (!metricsAreOn()) return null
  const duration = histogram('slipway.storage.operation.duration')
  const bytes = counter('slipway.storage.bytes')
  return ({ operation, seconds, error, sent, received }) => {
    duration(seconds, { 'slipway.storage.operation': operation, 'error.type': error ?? undefined })
    if (sent > 0) bytes(sent, { 'slipway.storage.direction': 'write' })
    if (received > 0) bytes(received, { 'slipway.storage.direction': 'read' })
  }
}
