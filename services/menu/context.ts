import type { TenantDirectory } from '@slipway/auth'
import type { Database } from '@slipway/db'
import type { QueueClient } from '@slipway/queue'
import type { ScanGate, Storage } from '@slipway/storage'
import type { DishEvents } from './events/dish-events.ts'
import type { ModelPool } from './model/pool.ts'

export interface MenuLimits {
  /** Bytes of one photo at most. */
  photoBytes: number
  photoPixels: number
  /** Tries of one model. */
  attempts: number
  /** Dishes of one tenant at most. */
  dishes: number
  /** Days until a photo that no worker could normalise is dropped. */
  sourceDays: number
}

/** What handlers and processors work with. */
export interface MenuContext {
  /** The runtime role: one tenant at a time. */
  readonly database: Database
  /** The system role: finds out whose work there is; the work itself is done as the tenant. */
  readonly system: Database
  readonly storage: Storage
  readonly gate: ScanGate
  readonly queues: QueueClient
  readonly events: DishEvents
  readonly tenants: TenantDirectory
  /** Of workers only: it owns threads. */
  readonly pool: Pick<ModelPool, 'make' | 'normalise'>
  /** Tenants are subdomains of it. */
  readonly baseDomain: string | null
  readonly limits: MenuLimits
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
