import { AsyncLocalStorage } from 'node:async_hooks'
import { getCurrentDBAdapterAsyncLocalStorage } from '@better-auth/core/context'
import { drizzleAdapter } from '@better-auth/drizzle-adapter'
import type { Transaction } from '@slipway/db'
import type { BetterAuthOptions } from 'better-auth'
import { authSchema } from '../schema.ts'

/** What better-auth's callbacks need to know of the call that caused them; it does not hand it through itself. */
export interface AuthScope {
  readonly tx: Transaction
  readonly method?: SessionMethod
  /** Id that the organization to be made shall have. */
  readonly tenantId?: string
  /** Makes a new key of tokens, whatever keys there are. */
  readonly mintKey?: boolean
  /** Set when a session was made: what its client gets to hold. */
  sessionSecret?: string
  /** Set when a magic link was made: what is to be mailed. */
  linkToken?: string
  /** What better-auth did beside that, for the audit trail. */
  madeAccount?: { readonly id: string; readonly email: string }
  confirmedAddress?: true
  readonly endedSessions?: string[]
}

export type SessionMethod = 'password' | 'magic-link' | 'sign-up'

const scopes = new AsyncLocalStorage<AuthScope>()

export function currentScope(): AuthScope {
  const scope = scopes.getStore()
  if (scope === undefined) throw new Error('better-auth was called outside of withAuth()')
  return scope
}

/**
 * Runs calls of `auth.api` in our transaction, so that what they change is one with our audit record, revocations and job intents.
 * better-auth looks for its adapter in this storage before it takes its own.
 */
export async function withAuth<T>(options: BetterAuthOptions, scope: AuthScope, work: () => Promise<T>): Promise<T> {
  const storage = await getCurrentDBAdapterAsyncLocalStorage()
  const adapter = drizzleAdapter(scope.tx, adapterConfig)(options)
  const pendingHooks: (() => Promise<void>)[] = []
  return scopes.run(scope, async () => {
    const result = await storage.run({ adapter, pendingHooks, isTransactionActive: true }, work)
    for (const hook of pendingHooks) await hook()
    return result
  })
}

export const adapterConfig = { provider: 'pg', schema: authSchema, transaction: true } as const
