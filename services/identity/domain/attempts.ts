import { networkOf, type RateLimiter, type RateRule } from '@slipway/http'
import { problem } from '@slipway/problem'
import type { IdentityConfig } from '../config.ts'
import { attemptSeconds } from './limits.ts'
import { secretHash } from './secrets.ts'

interface Attempts {
  readonly limiter: RateLimiter
  readonly config: Pick<IdentityConfig, 'attemptsPerAccount'>
}

/** For contracts of routes that try credentials or send mail. Without Redis nobody may try. */
export const attemptsByAddress: RateRule = { name: 'identity-attempts', limit: 300, seconds: attemptSeconds, by: 'ip', failClosed: true }

/**
 * Counts a try that is about one account, before anything is looked up: known and unknown mail addresses are counted alike.
 * @throws rate.limited, redis.unavailable
 */
export async function countAttempt(attempts: Attempts, what: 'mail' | 'password', account: string): Promise<void> {
  await take(attempts, { what, limit: attempts.config.attemptsPerAccount }, nameOf(account))
}

/**
 * Counts a try of a password. Each network has its own tries at an account, so that nobody can keep others out of theirs from one place;
 * from all places together there are ten times as many.
 * @throws rate.limited, redis.unavailable
 */
export async function countSignIn(attempts: Attempts, email: string, ip: string): Promise<void> {
  const limit = attempts.config.attemptsPerAccount
  await take(attempts, { what: 'sign-in', limit }, `${nameOf(email)}:${networkOf(ip)}`)
  await take(attempts, { what: 'sign-in-anywhere', limit: 10 * limit }, nameOf(email))
}

function nameOf(account: string): string {
  return secretHash(account.toLowerCase())
}

async function take({ limiter }: Attempts, { what, limit }: { what: string; limit: number }, caller: string): Promise<void> {
  const rule = { name: `identity-${what}`, limit, seconds: attemptSeconds, by: 'ip', failClosed: true } as const
  const decision = await limiter.take(rule, caller).catch((cause: unknown) => {
    throw problem('redis.unavailable', { cause })
  })
  if (!decision.allowed) {
    throw problem('rate.limited', {
      detail: `too many attempts: come back in ${decision.retrySeconds} s`,
      retryAfter: decision.retrySeconds,
    })
  }
}
