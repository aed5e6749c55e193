import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, desc, eq, gt, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { session, user } from '../schema.ts'
import { type Actor, audited } from './actor.ts'
import { revoke } from './revocations.ts'
import { secretHash } from './secrets.ts'

export interface Person {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly emailVerified: boolean
}

export interface ActiveSession {
  readonly id: string
  readonly method: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly user: Person
}

const columns = {
  id: session.id,
  method: session.method,
  createdAt: session.createdAt,
  expiresAt: session.expiresAt,
  user: { id: user.id, email: user.email, name: user.name, emailVerified: user.emailVerified },
}

/**
 * The session that a secret opens; one that is used lives on, at most one or two writes a day.
 * @throws auth.invalid, auth.expired
 */
export async function findSession(tx: Transaction, secret: string, days: number): Promise<ActiveSession> {
  const [found] = await tx
    .select(columns)
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(eq(session.token, secretHash(secret)))
  if (found === undefined) throw sessionGone()
  if (found.expiresAt.getTime() <= Date.now()) throw problem('auth.expired', { detail: 'the session has expired: sign in again' })
  return { ...found, expiresAt: await prolong(tx, found, days) }
}

async function prolong(tx: Transaction, { id, expiresAt }: ActiveSession, days: number): Promise<Date> {
  const life = days * 86_400_000
  const spent = Date.now() + life - expiresAt.getTime()
  if (spent <= Math.min(86_400_000, life / 2)) return expiresAt
  const [prolonged] = await tx
    .update(session)
    .set({ expiresAt: sql`now() + make_interval(days => ${days})`, updatedAt: sql`now()` })
    .where(eq(session.id, id))
    .returning({ expiresAt: session.expiresAt })
  return prolonged?.expiresAt ?? expiresAt
}

export async function listSessions(tx: Transaction, userId: string) {
  return tx
    .select({
      id: session.id,
      method: session.method,
      ip: session.ipAddress,
      userAgent: session.userAgent,
      createdAt: session.createdAt,
      lastSeenAt: session.updatedAt,
      expiresAt: session.expiresAt,
    })
    .from(session)
    .where(and(eq(session.userId, userId), gt(session.expiresAt, sql`now()`)))
    .orderBy(desc(session.id))
    .limit(100)
}

export type SessionRow = Awaited<ReturnType<typeof listSessions>>[number]

/**
 * Whoever ends sessions of a person waits here for the others who do, and for sign-ins that are under way: a session that is opened
 * with a password is there before that password is changed, or is not opened at all.
 */
async function lockPerson(tx: Transaction, userId: string): Promise<void> {
  await tx.select({ id: user.id }).from(user).where(eq(user.id, userId)).for('no key update')
}

/** The other side of `lockPerson()`: comes before the password is looked at. */
export async function holdPerson(tx: Transaction, email: string): Promise<void> {
  await tx.select({ id: user.id }).from(user).where(eq(user.email, email.toLowerCase())).for('share')
}

/**
 * That a session has not been ended, and is not until we are done.
 * @throws auth.invalid
 */
export async function lockSession(tx: Transaction, { id, user: { id: userId } }: ActiveSession): Promise<void> {
  await lockPerson(tx, userId)
  const found = await tx.select({ id: session.id }).from(session).where(eq(session.id, id))
  if (found.length === 0) throw sessionGone()
}

function sessionGone(): Error {
  return problem('auth.invalid', { detail: 'the session does not exist or has been ended' })
}

/** Which sessions of a person end. */
type Which = { readonly only: string } | { readonly except: string | undefined }

/** Deletes sessions with what was made from them. Returns how many there were. */
export async function endSessions(tx: Transaction, actor: Actor, { userId, which }: { userId: string; which: Which }): Promise<number> {
  await lockPerson(tx, userId)
  const ended = await tx
    .delete(session)
    .where(and(eq(session.userId, userId), chosen(which)))
    .returning({ id: session.id })
  const ids = ended.map(({ id }) => id)
  await revoke(tx, 'session', ...ids)
  for (const id of ids) {
    await audited(tx, actor, { action: 'session.ended', tenantId: null, subject: { type: 'session', id }, before: { userId } })
  }
  return ids.length
}

function chosen(which: Which): SQL | undefined {
  if ('only' in which) return inArray(session.id, [which.only])
  return which.except === undefined ? undefined : ne(session.id, which.except)
}
