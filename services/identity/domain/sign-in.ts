import type { Transaction } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import { isProblem } from '@slipway/problem'
import { eq } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { session, user } from '../schema.ts'
import { type Actor, audited, originOf, person } from './actor.ts'
import { countSignIn } from './attempts.ts'
import { addressHeader } from './auth.ts'
import { translated } from './auth-error.ts'
import { type AuthScope, type SessionMethod, withAuth } from './auth-scope.ts'
import { secretHash } from './secrets.ts'
import { type ActiveSession, findSession, holdPerson } from './sessions.ts'

/** A session and what opens it. The secret exists here and with the client only. */
export interface OpenedSession extends ActiveSession {
  readonly secret: string
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

/** Wrong address, wrong password and no password at all take the same time and get the same answer. */
export async function signIn(context: IdentityContext, credentials: Credentials, request: RequestInfo): Promise<OpenedSession> {
  await countSignIn(context, credentials.email, request.ip)
  try {
    return await context.system.transaction((tx) => openByPassword(context, tx, { credentials, request }))
  } catch (error) {
    if (isProblem(error, 'auth.sign-in-failed')) await recordFailure(context, credentials.email, request)
    throw error
  }
}

interface PasswordTry {
  readonly credentials: Credentials
  readonly request: RequestInfo
}

export async function openByPassword(
  context: IdentityContext,
  tx: Transaction,
  { credentials, request }: PasswordTry,
): Promise<OpenedSession> {
  await holdPerson(tx, credentials.email)
  const call = () => context.auth.api.signInEmail({ body: credentials, headers: clientHeaders(request) })
  return openSession(context, { tx, method: 'password' }, { request, call })
}

interface Opening {
  readonly request: RequestInfo
  readonly call: () => Promise<unknown>
}

/** Lets better-auth make a session, and finds what it made. */
export async function openSession(
  context: IdentityContext,
  given: AuthScope & { method: SessionMethod },
  { request, call }: Opening,
): Promise<OpenedSession> {
  const scope: AuthScope & { endedSessions: string[] } = { ...given, endedSessions: [] }
  await translated(withAuth(context.auth.options, scope, call))
  if (scope.sessionSecret === undefined) throw new Error('better-auth made no session')
  const found = await findSession(scope.tx, scope.sessionSecret, context.config.sessionDays)
  const actor = person(found.user, request)
  await recordSideEffects(scope, actor)
  const subject = { type: 'session', id: found.id }
  await audited(scope.tx, actor, { action: 'session.opened', tenantId: null, subject, after: { method: given.method } })
  return { ...found, secret: scope.sessionSecret }
}

/** A link may make an account, or confirm one, which then loses what a stranger may have put there. */
async function recordSideEffects({ tx, madeAccount, confirmedAddress, endedSessions }: AuthScope, actor: Actor): Promise<void> {
  const user = { type: 'user', id: actor.id }
  if (madeAccount)
    await audited(tx, actor, { action: 'account.created', tenantId: null, subject: user, after: { email: madeAccount.email } })
  if (confirmedAddress) await audited(tx, actor, { action: 'email.confirmed', tenantId: null, subject: user })
  for (const id of endedSessions ?? []) {
    await audited(tx, actor, { action: 'session.ended', tenantId: null, subject: { type: 'session', id }, before: { userId: actor.id } })
  }
}

/** Nothing but what the session row remembers of its client. */
export function clientHeaders({ ip, userAgent }: RequestInfo): Headers {
  return new Headers({ [addressHeader]: ip, 'user-agent': printable(userAgent) })
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

async function recordFailure({ system }: IdentityContext, email: string, request: RequestInfo): Promise<void> {
  await system.transaction(async (tx) => {
    const [known] = await tx.select({ id: user.id }).from(user).where(eq(user.email, email.toLowerCase()))
    const actor = { kind: 'system', id: 'sign-in', from: originOf(request) } as const
    const subject = { type: 'user', id: known?.id ?? `unknown-${secretHash(email.toLowerCase()).slice(0, 16)}` }
    await audited(tx, actor, { action: 'sign-in.failed', tenantId: null, subject })
  })
}

/** Idempotent: ending what has ended is no error. */
export async function sessionIdOf(tx: Transaction, secret: string): Promise<{ id: string; userId: string } | null> {
  const [found] = await tx
    .select({ id: session.id, userId: session.userId })
    .from(session)
    .where(eq(session.token, secretHash(secret)))
  return found ?? null
}
