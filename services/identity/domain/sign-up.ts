import type { Transaction } from '@slipway/db'
import { newId } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import { problem } from '@slipway/problem'
import { eq, sql } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { user, verification } from '../schema.ts'
import { audited, person } from './actor.ts'
import { countAttempt } from './attempts.ts'
import { translated } from './auth-error.ts'
import { withAuth } from './auth-scope.ts'
import { acceptInvitation, findInvitation } from './invitations.ts'
import { confirmationSeconds } from './limits.ts'
import { requestMail } from './mail-request.ts'
import { randomSecret, secretHash } from './secrets.ts'
import { type Credentials, clientHeaders, type OpenedSession, openByPassword } from './sign-in.ts'

export interface NewAccount extends Credentials {
  readonly name: string
  /** Token of an invitation. It proves the address, and lets in where sign-up is not open to all. */
  readonly invitation?: string | undefined
}

/**
 * Makes an account. Where addresses are verified, the answer is null for everybody: what happened is told by mail, so nobody can find
 * out whose addresses have accounts.
 */
export async function signUp(context: IdentityContext, account: NewAccount, request: RequestInfo): Promise<OpenedSession | null> {
  await countAttempt(context, 'mail', account.email)
  return context.system.transaction(async (tx) => {
    await lockAddress(tx, account.email)
    if (account.invitation !== undefined) return signUpInvited(context, tx, { account, token: account.invitation, request })
    if (!context.config.openSignUp) throw problem('auth.forbidden', { detail: 'accounts are made by invitation here' })
    return signUpFreely(context, tx, { account, request })
  })
}

/** Two sign-ups of one address at the same time: the second one finds the account of the first. */
async function lockAddress(tx: Transaction, email: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`sign-up:${email.toLowerCase()}`}, 0))`)
}

interface Attempt {
  readonly account: NewAccount
  readonly request: RequestInfo
}

async function signUpFreely(context: IdentityContext, tx: Transaction, { account, request }: Attempt): Promise<OpenedSession | null> {
  const known = await userIdOf(tx, account.email)
  if (known !== null && !context.config.verifyEmail)
    throw problem('resource.conflict', { detail: 'there is an account with this address: sign in' })
  const created = await createAccount(context, tx, { account, request })
  if (!context.config.verifyEmail) return openByPassword(context, tx, { credentials: account, request })
  if (known === null) await requestConfirmation(context, tx, { id: created, email: account.email.toLowerCase() })
  else await requestMail(tx, context.sealer, { kind: 'account-exists', to: account.email.toLowerCase() })
  return null
}

async function signUpInvited(context: IdentityContext, tx: Transaction, attempt: Attempt & { token: string }): Promise<OpenedSession> {
  const { account, request, token } = attempt
  const invitation = await findInvitation(tx, token)
  if (invitation.email !== account.email.toLowerCase())
    throw problem('auth.link-invalid', { detail: 'the invitation is for another address' })
  if ((await userIdOf(tx, account.email)) !== null)
    throw problem('resource.conflict', { detail: 'there is an account with this address: sign in' })
  const id = await createAccount(context, tx, { account, request })
  await tx.update(user).set({ emailVerified: true }).where(eq(user.id, id))
  await acceptInvitation(tx, { token, user: { id, email: invitation.email, name: account.name }, request })
  return openByPassword(context, tx, { credentials: account, request })
}

/** Returns the id of the account; for an address that has one, better-auth takes the time and answers as if. */
async function createAccount(context: IdentityContext, tx: Transaction, { account, request }: Attempt): Promise<string> {
  const { email, password, name } = account
  const call = () => context.auth.api.signUpEmail({ body: { email, password, name }, headers: clientHeaders(request) })
  const { user: made } = await translated(withAuth(context.auth.options, { tx, method: 'sign-up' }, call))
  const subject = { type: 'user', id: made.id }
  if ((await userIdOf(tx, email)) === made.id) {
    await audited(tx, person(made, request), { action: 'account.created', tenantId: null, subject, after: { email: made.email } })
  }
  return made.id
}

export async function userIdOf(tx: Transaction, email: string): Promise<string | null> {
  const [found] = await tx.select({ id: user.id }).from(user).where(eq(user.email, email.toLowerCase()))
  return found?.id ?? null
}

async function requestConfirmation(
  { sealer }: IdentityContext,
  tx: Transaction,
  { id, email }: { id: string; email: string },
): Promise<void> {
  const token = randomSecret()
  const expiresAt = new Date(Date.now() + confirmationSeconds * 1000)
  await tx.insert(verification).values({ id: newId(), identifier: confirmationOf(token), value: id, expiresAt })
  await requestMail(tx, sealer, { kind: 'confirm-email', to: email, link: { token, seconds: confirmationSeconds } })
}

/** @throws auth.link-invalid */
export async function confirmEmail({ system }: IdentityContext, token: string, request: RequestInfo): Promise<void> {
  await system.transaction(async (tx) => {
    const [used] = await tx
      .delete(verification)
      .where(sql`${verification.identifier} = ${confirmationOf(token)} and ${verification.expiresAt} > now()`)
      .returning({ userId: verification.value })
    const [confirmed] = used ? await tx.update(user).set({ emailVerified: true }).where(eq(user.id, used.userId)).returning() : []
    if (confirmed === undefined) throw problem('auth.link-invalid', { detail: 'links work once and for a day' })
    await audited(tx, person(confirmed, request), {
      action: 'email.confirmed',
      tenantId: null,
      subject: { type: 'user', id: confirmed.id },
    })
  })
}

function confirmationOf(token: string): string {
  return `confirm-email:${secretHash(token)}`
}
