import type { Database } from '@slipway/db'
import type { RateLimiter } from '@slipway/http'
import type { Log } from '@slipway/telemetry'
import type { IdentityConfig } from './config.ts'
import type { Auth } from './domain/auth.ts'
import type { Mailer } from './domain/mailer.ts'
import type { Sealer } from './domain/seal.ts'

/** What handlers and processors of identity work with. */
export interface IdentityContext {
  readonly config: IdentityConfig
  readonly publicUrl: string
  readonly baseDomain: string | null
  readonly log: Log
  /** Rows of one tenant. */
  readonly database: Database
  /** People, sessions and whatever else belongs to no tenant. */
  readonly system: Database
  readonly auth: Auth
  readonly sealer: Sealer
  readonly limiter: RateLimiter
  /** Null in API processes: mails are sent by workers. */
  readonly mailer: Mailer | null
}
