import { reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { IdentityContext } from '../context.ts'
import { originOf } from '../domain/actor.ts'
import { attemptsByAddress } from '../domain/attempts.ts'
import { consumeMagicLink, requestMagicLink } from '../domain/magic-link.ts'
import { changePassword } from '../domain/password.ts'
import { endSessions } from '../domain/sessions.ts'
import { type OpenedSession, sessionIdOf, signIn } from '../domain/sign-in.ts'
import { confirmEmail, signUp } from '../domain/sign-up.ts'
import { Email, exampleSession, Name, Password, SessionOpened, sessionBody, Token, wantsCookie } from './representation.ts'
import { clearedCookie, refuseForeignOrigin, requireSession, sessionCookie, sessionSecret } from './session-credential.ts'

const route = routesFor<IdentityContext>()
const common = { auth: 'none', tags: ['sign-in'], rate: attemptsByAddress } as const
const opened = {
  description: 'Signed in',
  schema: SessionOpened,
  example: exampleSession,
  headers: { 'set-cookie': 'With `cookie: true`' },
}
const accepted = z.object({ status: z.literal('accepted') })
const acceptedAnswer = {
  description: 'The same for every address; what happened is told by mail',
  schema: accepted,
  example: { status: 'accepted' },
}

function openedReply(context: IdentityContext, session: OpenedSession, cookie: boolean) {
  const headers = cookie ? { 'set-cookie': sessionCookie(context, session.secret, session.expiresAt) } : {}
  return { body: sessionBody(session, cookie), options: { headers } }
}

export const signUpRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/auth/sign-up',
    operation: 'auth.signUp',
    summary: 'Make an account',
    description:
      'Open to all or by invitation only, as the installation decides. Where addresses are verified, the answer is 202 for everybody. ' +
      'With an invitation the account joins its tenant at once.',
    body: z.strictObject({ email: Email, password: Password, name: Name, invitation: Token.optional(), cookie: wantsCookie }),
    bodyExample: { email: 'ada@example.com', password: 'a long passphrase', name: 'Ada' },
    responses: { 201: { ...opened, description: 'Account made, signed in' }, 202: acceptedAnswer },
    problems: ['auth.forbidden', 'auth.link-invalid', 'resource.conflict', 'redis.unavailable'],
  },
  async ({ body, request }, context) => {
    if (body.cookie) refuseForeignOrigin(context, request)
    const session = await signUp(context, body, request)
    if (session === null) return reply(202, { status: 'accepted' as const })
    const answer = openedReply(context, session, body.cookie)
    return reply(201, answer.body, answer.options)
  },
)

export const confirmEmailRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/auth/confirm-email',
    operation: 'auth.confirmEmail',
    summary: 'Confirm a mail address',
    body: z.strictObject({ token: Token }),
    bodyExample: { token: 'ZWluIFRva2VuIGF1cyBkZXIgTWFpbA' },
    responses: { 204: { description: 'Confirmed' } },
    problems: ['auth.link-invalid'],
  },
  async ({ body, request }, context) => {
    await confirmEmail(context, body.token, request)
    return reply(204)
  },
)

export const signInRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/auth/sign-in',
    operation: 'auth.signIn',
    summary: 'Sign in with a password',
    description: 'Wrong passwords and unknown addresses get the same answer, and are counted alike.',
    body: z.strictObject({ email: Email, password: Password, cookie: wantsCookie }),
    bodyExample: { email: 'ada@example.com', password: 'a long passphrase' },
    responses: { 200: opened },
    problems: ['auth.sign-in-failed', 'auth.email-unverified', 'redis.unavailable'],
  },
  async ({ body, request }, context) => {
    if (body.cookie) refuseForeignOrigin(context, request)
    const answer = openedReply(context, await signIn(context, body, request), body.cookie)
    return reply(200, answer.body, answer.options)
  },
)

export const magicLinkRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/auth/magic-link',
    operation: 'auth.requestMagicLink',
    summary: 'Ask for a sign-in link by mail',
    body: z.strictObject({ email: Email }),
    bodyExample: { email: 'ada@example.com' },
    responses: { 202: acceptedAnswer },
    problems: ['redis.unavailable'],
  },
  async ({ body, request }, context) => {
    await requestMagicLink(context, body.email, request)
    return reply(202, { status: 'accepted' as const })
  },
)

export const consumeLinkRoute = route(
  {
    ...common,
    method: 'POST',
    path: '/api/v1/auth/magic-link/consume',
    operation: 'auth.consumeMagicLink',
    summary: 'Sign in with the token of a link',
    description: 'Works once. The page that the mail links to does not consume it: scanners open links before people do.',
    body: z.strictObject({ token: Token, cookie: wantsCookie }),
    bodyExample: { token: 'ZWluIFRva2VuIGF1cyBkZXIgTWFpbA' },
    responses: { 200: opened },
    problems: ['auth.link-invalid', 'redis.unavailable'],
  },
  async ({ body, request }, context) => {
    if (body.cookie) refuseForeignOrigin(context, request)
    const answer = openedReply(context, await consumeMagicLink(context, body.token, request), body.cookie)
    return reply(200, answer.body, answer.options)
  },
)

export const signOutRoute = route(
  {
    method: 'POST',
    path: '/api/v1/auth/sign-out',
    operation: 'auth.signOut',
    summary: 'End the session',
    description: 'By session token or cookie. Access tokens of the session are dead within 5 s. Without a session nothing happens.',
    tags: ['sign-in'],
    auth: 'none',
    responses: { 204: { description: 'Signed out' } },
    problems: ['auth.forbidden', 'auth.invalid'],
  },
  async ({ request }, context) => {
    const secret = sessionSecret(context, request)
    if (secret !== null)
      await context.system.transaction(async (tx) => {
        const session = await sessionIdOf(tx, secret)
        if (session === null) return
        const actor = { kind: 'user', id: session.userId, from: originOf(request) } as const
        await endSessions(tx, actor, { userId: session.userId, which: { only: session.id } })
      })
    return { ...reply(204), headers: { 'set-cookie': clearedCookie(context) } }
  },
)

export const changePasswordRoute = route(
  {
    method: 'POST',
    path: '/api/v1/auth/password',
    operation: 'auth.changePassword',
    summary: 'Set the password',
    description:
      'By session token or cookie; ends all other sessions. The current password may be left out when there is none, and for ten minutes ' +
      'after signing in by a link: that is how a forgotten one is replaced.',
    tags: ['sign-in'],
    auth: 'none',
    rate: attemptsByAddress,
    body: z.strictObject({ currentPassword: Password.optional(), newPassword: z.string().min(10).max(128) }),
    bodyExample: { currentPassword: 'a long passphrase', newPassword: 'an even longer passphrase' },
    responses: { 204: { description: 'Changed' } },
    problems: ['auth.required', 'auth.invalid', 'auth.expired', 'auth.forbidden', 'auth.sign-in-failed', 'redis.unavailable'],
  },
  async ({ body, request }, context) => {
    const session = await requireSession(context, request)
    await changePassword(context, session, { current: body.currentPassword, next: body.newPassword, request })
    return reply(204)
  },
)
