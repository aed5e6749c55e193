import type { RateLimiter, RateRule } from '@slipway/http'
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
export async function countAttempt({ limiter, config }: Attempts, what: 'sign-in' | 'mail' | 'password', account: string): Promise<void> {
  const rule = { name: `identity-${what}`, limit: config.attemptsPerAccount, seconds: attemptSeconds, by: 'ip', failClosed: true } as const
  const decision = await limiter.take(rule, secretHash(account.toLowerCase())).catch((cause: unknown) => {
    throw problem('redis.unavailable', { cause })
  })
  if (!decision.allowed) {
    throw problem('rate.limited', {
      detail: `too many attempts: come back in ${decision.retrySeconds} s`,
      retryAfter: decision.retrySeconds,
    })
  }
}
