import { connect, type Database } from '@slipway/db'
import type { Target } from '../target.ts'

interface SignIn {
  readonly user: string
  readonly password: string | undefined
}

/** As the admin, or as one of the roles. */
export function databaseOf({ database: { adminUrl, tls, tokens } }: Target, role?: SignIn, poolSize = 1): Database {
  return connect({ url: adminUrl, tls, tokens, poolSize, name: 'slipway doctor', ...(role ? { role } : {}) })
}

/** Wrong password, no such role, or one that may not sign in. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('28')
}
