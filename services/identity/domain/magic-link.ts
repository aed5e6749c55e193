import { isUniqueViolation } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import type { IdentityContext } from '../context.ts'
import { countAttempt } from './attempts.ts'
import { translated } from './auth-error.ts'
import { type AuthScope, withAuth } from './auth-scope.ts'
import { linkSeconds } from './limits.ts'
import { requestMail } from './mail-request.ts'
import { clientHeaders, type OpenedSession, openSession } from './sign-in.ts'

/**
 * Does the same for every address: it is the worker who looks whether somebody may get the mail, so neither the answer nor its
 * time says anything about accounts.
 */
export async function requestMagicLink(context: IdentityContext, email: string, request: RequestInfo): Promise<void> {
  await countAttempt(context, 'mail', email)
  await context.system.transaction(async (tx) => {
    const scope: AuthScope = { tx, method: 'magic-link' }
    const call = () => context.auth.api.signInMagicLink({ body: { email: email.toLowerCase() }, headers: clientHeaders(request) })
    await translated(withAuth(context.auth.options, scope, call))
    if (scope.linkToken === undefined) throw new Error('better-auth made no link')
    await requestMail(tx, context.sealer, {
      kind: 'magic-link',
      to: email.toLowerCase(),
      link: { token: scope.linkToken, seconds: linkSeconds },
    })
  })
}

/**
 * Opens a session. The link proves the address: an account that was not confirmed until now loses the password and the sessions that
 * a stranger may have given it.
 * @throws auth.link-invalid
 */
export async function consumeMagicLink(context: IdentityContext, token: string, request: RequestInfo): Promise<OpenedSession> {
  const call = () => context.auth.api.magicLinkVerify({ query: { token }, headers: clientHeaders(request) })
  const open = () => context.system.transaction((tx) => openSession(context, { tx, method: 'magic-link' }, { request, call }))
  try {
    return await open()
  } catch (error) {
    // Another link or a sign-up has made the account at the same time: now it is there.
    if (isUniqueViolation(error, 'user_email')) return open()
    throw error
  }
}
