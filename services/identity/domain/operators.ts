import { newId, type Transaction } from '@slipway/db'
import { and, eq, inArray } from 'drizzle-orm'
import { account, operator, user } from '../schema.ts'
import { type Actor, audited } from './actor.ts'

export async function isOperator(tx: Transaction, userId: string): Promise<boolean> {
  const found = await tx.select({ userId: operator.userId }).from(operator).where(eq(operator.userId, userId))
  return found.length > 0
}

/**
 * Makes a person an operator of the platform, with an account if they have none: that is how the first person comes into an
 * installation whose sign-up is closed. They sign in by magic link. Only the command line and the internal listener come here: no role
 * in any tenant leads to it. For the system role.
 */
export async function addOperator(
  tx: Transaction,
  address: string,
  actor: Actor,
): Promise<{ userId: string; email: string; created: boolean }> {
  const email = address.toLowerCase()
  const created = await ensureAccount(tx, email, actor)
  const [found] = await tx.select({ id: user.id }).from(user).where(eq(user.email, email))
  if (found === undefined) throw new Error('the account was not stored')
  const added = await tx.insert(operator).values({ userId: found.id, createdBy: actor.id }).onConflictDoNothing().returning()
  if (added.length > 0) await audited(tx, actor, { action: 'operator.added', tenantId: null, subject: { type: 'user', id: found.id } })
  return { userId: found.id, email, created }
}

/**
 * A password that was given before the address was confirmed may be a stranger's, who waits for the owner to confirm it: the operator
 * comes in by link.
 */
export async function dropUnconfirmedPassword(tx: Transaction, address: string, actor: Actor): Promise<void> {
  const unconfirmed = tx
    .select({ id: user.id })
    .from(user)
    .where(and(eq(user.email, address.toLowerCase()), eq(user.emailVerified, false)))
  const dropped = await tx.delete(account).where(inArray(account.userId, unconfirmed)).returning({ id: account.userId })
  for (const { id } of dropped) await audited(tx, actor, { action: 'password.removed', tenantId: null, subject: { type: 'user', id } })
}

/** Whoever runs the installation vouches for the address. */
async function ensureAccount(tx: Transaction, email: string, actor: Actor): Promise<boolean> {
  const name = email.split('@', 1)[0] ?? email
  const [made] = await tx
    .insert(user)
    .values({ id: newId(), email, name, emailVerified: true })
    .onConflictDoNothing({ target: user.email })
    .returning()
  if (made === undefined) return false
  await audited(tx, actor, { action: 'account.created', tenantId: null, subject: { type: 'user', id: made.id }, after: { email } })
  return true
}
