import type { QueueClient } from '@slipway/queue'
import type { Scanner } from '@slipway/scanner'
import type { Health } from './health.ts'
import type { AnyManifest } from './manifest.ts'
import type { ServiceDatabases } from './resources.ts'

/** What the routes that the platform adds to every service work with. */
export interface PlatformContext {
  readonly manifest: AnyManifest
  readonly databases: ServiceDatabases
  readonly queues: QueueClient
  readonly health: Health
  /** Null for services that store no files. */
  readonly scanner: Scanner | null
  readonly now: () => number
}
