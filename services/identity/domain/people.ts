import type { Principal } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { user } from '../schema.ts'
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
