import type { Readable } from 'node:stream'
import type { Database } from '@slipway/db'
import { isProblem } from '@slipway/problem'
import type { AnyQueue, QueueClient } from '@slipway/queue'
import { readBacklog } from '@slipway/queue'
import type { Scanner, ScanResult } from '@slipway/scanner'
import type { AcceptOptions, ScanGate } from '@slipway/storage'
import { observe, type ScanMetrics } from '@slipway/telemetry'
import { recordSpan } from '@slipway/telemetry/span'
import { type BackupNote, readBackupNotes } from './backup-notes.ts'
import type { RedisConnections } from './redis.ts'

/** A gate that tells metrics and traces of every verdict, whether it came with the upload or after it. */
export function measuredGate(gate: ScanGate, metrics: ScanMetrics | null): ScanGate {
  if (!metrics) return gate
  const record = ({ size, verdict: { verdict, reason, milliseconds } }: { size: number; verdict: ScanResult }) => {
    metrics.record({ verdict, reason, bytes: size, seconds: milliseconds / 1000 })
    // Gateways keep traces by the verdict.
    recordSpan('scan', milliseconds, { 'slipway.scan.verdict': verdict, 'slipway.scan.reason': reason, 'slipway.scan.bytes': size })
  }
  /** Of what failed only that counts which clamd did not judge. */
  const lose = (error: unknown) => {
    if (isProblem(error, 'scanner.unavailable')) metrics.lost()
  }
  const watched = async <Result>(answer: Promise<Result>): Promise<Result> => {
    answer.catch(lose)
    return await answer
  }
  const accept = async (source: Readable, options: AcceptOptions & { syncBytes: number }) => {
    const accepted = await watched(gate.accept(source, options))
    // Whoever settles a pending scan hears of its failure from the gate.
    if (accepted.pending) void accepted.accepted.then(record, lose)
    else record(accepted)
    return accepted
  }
  return {
    // Whether there can be a pending answer depends on `syncBytes`, and is left to the gate to say.
    accept: accept as ScanGate['accept'],
    async resume(quarantine, options) {
      const accepted = await watched(gate.resume(quarantine, options))
      record(accepted)
      return accepted
    },
    async rescan(object, options) {
      const rescanned = await watched(gate.rescan(object, options))
      record(rescanned)
      return rescanned
    },
    discard: (quarantine) => gate.discard(quarantine),
    isolate: (isolation) => gate.isolate(isolation),
    reinstate: (refused, options) => gate.reinstate(refused, options),
  }
}

/** The queues of one service and the database that has their rows. */
export interface ObservedQueues {
  readonly definitions: readonly AnyQueue[]
  /** The system role. */
  readonly database: Database
}

/**
 * Depth of each queue by state and the age of its oldest waiting job. Redis and Postgres are asked on their own: what is owed must be
 * seen just when Redis is away.
 */
export function observeQueues(queues: QueueClient, services: readonly ObservedQueues[], now: () => number): Disposable {
  return observe(['slipway.queue.jobs', 'slipway.queue.oldest_age'], async (report) => {
    const backlogs = await Promise.all(services.map((service) => readBacklog(queues, service, now)))
    for (const { queue, jobs, oldestSeconds } of backlogs.flat()) {
      const name = { 'messaging.destination.name': queue }
      for (const [state, count] of Object.entries(jobs)) report('slipway.queue.jobs', count, { ...name, 'slipway.job.state': state })
      if (oldestSeconds !== null) report('slipway.queue.oldest_age', oldestSeconds, name)
    }
  })
}

/** What a `pg.Pool` tells of itself. */
export interface PoolCounts {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly max?: number | undefined }
}

const poolNames = ['db.client.connection.count', 'db.client.connection.max', 'db.client.connection.pending_requests'] as const

/** `name` is the role, which tells the pools of one process apart. */
export function observePool(pool: PoolCounts, name: string): Disposable {
  const attributes = { 'db.client.connection.pool.name': name }
  return observe(poolNames, (report) => {
    report('db.client.connection.count', pool.idleCount, { ...attributes, 'db.client.connection.state': 'idle' })
    report('db.client.connection.count', pool.totalCount - pool.idleCount, { ...attributes, 'db.client.connection.state': 'used' })
    report('db.client.connection.max', pool.options.max ?? 0, attributes)
    report('db.client.connection.pending_requests', pool.waitingCount, attributes)
  })
}

/** One connection for each purpose, which all commands share: it is used as long as answers are owed. */
export function observeRedis({ open }: Pick<RedisConnections, 'open'>): Disposable {
  return observe(poolNames, (report) => {
    for (const [purpose, { status, commandQueue }] of open) {
      const attributes = { 'db.client.connection.pool.name': `redis/${purpose}` }
      const connected = status === 'ready' ? 1 : 0
      const owed = commandQueue.length
      const used = owed > 0 ? connected : 0
      report('db.client.connection.count', used, { ...attributes, 'db.client.connection.state': 'used' })
      report('db.client.connection.count', connected - used, { ...attributes, 'db.client.connection.state': 'idle' })
      report('db.client.connection.max', 1, attributes)
      report('db.client.connection.pending_requests', owed, attributes)
    }
  })
}

const scanStates = ['ok', 'test-signatures', 'down'] as const

/** Places at clamd, whether it answers, and how old its signatures are. */
export function observeScanner(scanner: Pick<Scanner, 'load' | 'places' | 'state'>, now: () => number): Disposable {
  const stack = new DisposableStack()
  stack.use(
    observe(['slipway.scan.connection.count', 'slipway.scan.connection.max', 'slipway.scan.connection.pending_requests'], (report) => {
      const { busy, waiting } = scanner.load()
      const { places } = scanner
      report('slipway.scan.connection.count', busy, { 'slipway.scan.connection.state': 'used' })
      report('slipway.scan.connection.count', places - busy, { 'slipway.scan.connection.state': 'idle' })
      report('slipway.scan.connection.max', places)
      report('slipway.scan.connection.pending_requests', waiting)
    }),
  )
  stack.use(
    observe(['slipway.scan.status', 'slipway.scan.database.age'], async (report) => {
      const state = await scanner.state()
      for (const status of scanStates) report('slipway.scan.status', status === state.status ? 1 : 0, { 'slipway.scan.status': status })
      if (state.status !== 'down' && state.builtAt)
        report('slipway.scan.database.age', Math.max(0, (now() - state.builtAt.getTime()) / 1000))
    }),
  )
  return stack
}

interface ObservedBackups {
  readonly redis: Pick<RedisConnections, 'get'>
  readonly keyPrefix: string
  readonly now: () => number
}

/** Age and size of what the backup commands have left word of. */
export function observeBackups({ redis, keyPrefix, now }: ObservedBackups): Disposable {
  return observe(['slipway.backup.age', 'slipway.backup.size', 'slipway.backup.drill.age'], async (report) => {
    const { drill, ...backups } = await readBackupNotes(redis.get('state'), keyPrefix)
    const age = ({ at }: BackupNote) => Math.max(0, (now() - at) / 1000)
    for (const [kind, note] of Object.entries(backups)) {
      report('slipway.backup.age', age(note), { 'slipway.backup.kind': kind })
      if (note.bytes !== null) report('slipway.backup.size', note.bytes, { 'slipway.backup.kind': kind })
    }
    if (drill) report('slipway.backup.drill.age', age(drill))
  })
}
