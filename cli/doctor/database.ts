import { connect, type Database } from '@slipway/db'
import type { Target } from '../target.ts'

/** As the admin, or as one of the roles. */
export function databaseOf(
  { database: { adminUrl, tls, tokens } }: Target,
  role?: { user: string; password: string | undefined },
): Database {
  const signIn = role === undefined ? {} : { role }
  return connect({ url: adminUrl, tls, tokens, poolSize: 1, name: 'slipway doctor', ...signIn })
}

/** Wrong password, no such role, or one that may not sign in. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('28')
}
