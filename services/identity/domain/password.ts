import type { Transaction } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import { problem } from '@slipway/problem'
import { and, eq } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { account } from '../schema.ts'
import { audited, person } from './actor.ts'
import { countAttempt } from './attempts.ts'
import { withAuth } from './auth-scope.ts'
import { freshLinkSeconds } from './limits.ts'
import { type ActiveSession, endSessions, lockSession } from './sessions.ts'

export interface PasswordChange {
  readonly current?: string | undefined
  readonly next: string
}

/**
 * Sets the password and ends all other sessions. The current one is needed, unless there is none or the person has just come in by a
 * link: that is how a forgotten password is replaced.
 */
export async function changePassword(
  context: IdentityContext,
  opened: ActiveSession,
  change: PasswordChange & { request: RequestInfo },
): Promise<void> {
  const { user } = opened
  await countAttempt(context, 'password', user.id)
  const { password, internalAdapter } = await context.auth.$context
  await context.system.transaction(async (tx) => {
    await lockSession(tx, opened)
    await requireKnowledge(context, tx, { opened, current: change.current })
    const hash = await password.hash(change.next)
    const actor = person(user, change.request)
    await withAuth(context.auth.options, { tx }, async () => {
      const changed = await tx
        .update(account)
        .set({ password: hash, updatedAt: new Date() })
        .where(and(eq(account.userId, user.id), eq(account.providerId, 'credential')))
        .returning({ id: account.id })
      if (changed.length === 0)
        await internalAdapter.linkAccount({ userId: user.id, providerId: 'credential', accountId: user.id, password: hash })
    })
    await endSessions(tx, actor, { userId: user.id, which: { except: opened.id } })
    await audited(tx, actor, { action: 'password.changed', tenantId: null, subject: { type: 'user', id: user.id } })
  })
}

interface Claim {
  readonly opened: ActiveSession
  readonly current: string | undefined
}

async function requireKnowledge({ auth }: IdentityContext, tx: Transaction, { opened, current }: Claim): Promise<void> {
  const { user, method, createdAt } = opened
  const cameByLink = method === 'magic-link' && createdAt.getTime() > Date.now() - freshLinkSeconds * 1000
  const hash = await passwordHash(tx, user.id)
  if (hash === null || (current === undefined && cameByLink)) return
  const { password } = await auth.$context
  if (current !== undefined && (await password.verify({ hash, password: current }))) return
  throw problem('auth.sign-in-failed', {
    detail: 'send the current password, or sign in by magic link and set a new one within ten minutes',
  })
}

async function passwordHash(tx: Transaction, userId: string): Promise<string | null> {
  const [found] = await tx
    .select({ password: account.password })
    .from(account)
    .where(and(eq(account.userId, userId), eq(account.providerId, 'credential')))
  return found?.password ?? null
}
