import { isProblem, type Problem, problem } from '@slipway/problem'
import { isAPIError } from 'better-auth/api'
import { passwordLength } from './limits.ts'

/** better-auth's codes that clients can do something about. All others are ours to explain: `internal.error`. */
const known: Record<string, () => Problem> = {
  INVALID_EMAIL_OR_PASSWORD: () => problem('auth.sign-in-failed', { detail: 'address and password do not belong together' }),
  EMAIL_NOT_VERIFIED: () => problem('auth.email-unverified', { detail: 'open the link in the mail that you got when you signed up' }),
  INVALID_EMAIL: () => invalid('/body/email', 'must be a mail address'),
  PASSWORD_TOO_SHORT: () => invalid('/body/password', `must have at least ${passwordLength.min} characters`),
  PASSWORD_TOO_LONG: () => invalid('/body/password', `must have at most ${passwordLength.max} characters`),
  ORGANIZATION_ALREADY_EXISTS: () => problem('tenant.slug-taken', { errors: [{ pointer: '/body/slug', detail: 'is taken' }] }),
  FAILED_TO_CREATE_USER: () => problem('resource.conflict', { detail: 'the account was made at the same time: try again' }),
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: () => problem('resource.conflict', { detail: 'there is an account with this address' }),
}

function invalid(pointer: string, detail: string): Problem {
  return problem('request.invalid', { errors: [{ pointer, detail }] })
}

/** Failures of better-auth as problems; redirects, its way to say that a link is bad, too. */
export function authProblem(error: unknown): unknown {
  if (isProblem(error) || !isAPIError(error)) return error
  if (error.statusCode === 302) return problem('auth.link-invalid', { detail: 'links work once and for a short time: ask for a new one' })
  return known[error.body?.code ?? '']?.() ?? error
}

export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw authProblem(error)
  }
}
