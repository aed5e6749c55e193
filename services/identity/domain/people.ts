import { anyScope, type Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, eq, isNull } from 'drizzle-orm'
import { z } from 'zod'
import { apiKey, user } from '../schema.ts'
import type { Person } from './sessions.ts'

const columns = { id: user.id, email: user.email, name: user.name, emailVerified: user.emailVerified }

/** Null for people of an external issuer: they are known by their tokens only. */
export async function findPerson(tx: Transaction, { id }: Principal): Promise<Person | null> {
  if (!z.uuid().safeParse(id).success) return null
  const [found] = await tx.select(columns).from(user).where(eq(user.id, id))
  return found ?? null
}

/** @throws auth.forbidden for everybody but people with an account here */
export async function requirePerson(tx: Transaction, principal: Principal): Promise<Person> {
  const found = principal.kind === 'user' ? await findPerson(tx, principal) : null
  if (found === null) throw problem('auth.forbidden', { detail: 'this is for people with an account here' })
  return found
}

/**
 * For what is about all of a person and not about one tenant: their sessions, making and joining tenants. Credentials that are limited
 * to scopes were given to somebody who should not do that.
 * @throws auth.scope-missing
 */
export function requireUnlimited({ scopes }: Pick<Principal, 'scopes'>): void {
  if (!scopes.includes(anyScope)) throw problem('auth.scope-missing', { detail: 'this needs a token that is not limited to scopes' })
}

/** Whose rights the credentials carry: the person, or the maker of the key. Null for those who have no account here. */
export async function holderOf(tx: Transaction, { kind, id }: Principal): Promise<string | null> {
  if (!z.uuid().safeParse(id).success) return null
  if (kind !== 'key') return kind === 'user' ? id : null
  const [key] = await tx.select({ createdBy: apiKey.createdBy }).from(apiKey).where(eq(apiKey.id, id))
  return key?.createdBy ?? null
}

/**
 * That a key has not been revoked, and is not until we are done. Comes after members are locked, as in a removal, which revokes keys: in
 * the other order the two would wait for each other.
 * @throws auth.revoked
 */
export async function lockKey(tx: Transaction, { kind, id }: Principal): Promise<void> {
  if (kind !== 'key') return
  const live = and(eq(apiKey.id, id), isNull(apiKey.revokedAt))
  const found = await tx.select({ id: apiKey.id }).from(apiKey).where(live).for('share')
  if (found.length === 0) throw problem('auth.revoked')
}
