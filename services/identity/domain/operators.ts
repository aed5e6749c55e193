import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { eq } from 'drizzle-orm'
import { operator, user } from '../schema.ts'
import { type Actor, audited } from './actor.ts'

export async function isOperator(tx: Transaction, userId: string): Promise<boolean> {
  const found = await tx.select({ userId: operator.userId }).from(operator).where(eq(operator.userId, userId))
  return found.length > 0
}

/**
 * Makes a person with an account an operator of the platform. Only the command line and the internal listener come here: no role in
 * any tenant leads to it. For the system role.
 */
export async function addOperator(tx: Transaction, email: string, actor: Actor): Promise<{ userId: string; email: string }> {
  const [found] = await tx.select({ id: user.id, email: user.email }).from(user).where(eq(user.email, email.toLowerCase()))
  if (found === undefined) throw problem('resource.not-found', { detail: `there is no account with the address ${email}: sign up first` })
  const added = await tx.insert(operator).values({ userId: found.id, createdBy: actor.id }).onConflictDoNothing().returning()
  if (added.length > 0) await audited(tx, actor, { action: 'operator.added', tenantId: null, subject: { type: 'user', id: found.id } })
  return { userId: found.id, email: found.email }
}
