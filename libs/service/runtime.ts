import type { PlatformConfig } from '@slipway/config'
import type { Database } from '@slipway/db'
import type { QueueClient } from '@slipway/queue'
import type { Scanner } from '@slipway/scanner'
import type { ScanGate, Storage } from '@slipway/storage'
import type { Log, ObservedName, Report } from '@slipway/telemetry'
import type { Redis } from 'ioredis'

/** What each Redis database is for. On Redis Cluster the same names become key prefixes. */
export const redisDatabases = {
  sessions: 0,
  cache: 1,
  rateLimits: 2,
  queues: 3,
  events: 4,
  tokens: 5,
  state: 6,
} as const

export type RedisPurpose = keyof typeof redisDatabases

/** What a host offers to a service that builds its context. All of it is closed by the host, in order, at shutdown. */
export interface Runtime<Config> {
  readonly service: string
  readonly kind: 'api' | 'worker'
  readonly config: Config
  readonly platform: PlatformConfig
  readonly log: Log
  /** Milliseconds since the epoch; tests hand in their own clock. */
  readonly now: () => number
  /** The runtime role: sees the rows of one tenant at a time. */
  readonly database: Database
  /** The system role: cross-tenant work of named code (sweeps, relays, operators' looks). */
  readonly system: Database
  readonly storage: Storage
  readonly scanner: Scanner
  readonly gate: ScanGate
  readonly queues: QueueClient
  redis(purpose: RedisPurpose): Redis
  /** Has `read` asked for these metrics at every export, until shutdown; never when telemetry is off. */
  observe<Name extends ObservedName>(names: readonly Name[], read: (report: Report<Name>) => Promise<void> | void): void
  /** Hands a resource over: it is disposed at shutdown, before the host's own, last come first gone. */
  own<T extends AsyncDisposable>(resource: T): T
}
