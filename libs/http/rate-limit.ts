import { isIPv6 } from 'node:net'
import { problem } from '@slipway/problem'
import type { Redis } from 'ioredis'
import { callerOf } from './access.ts'
import type { RateRule } from './contract.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLog } from './log.ts'

export interface RateDecision {
  readonly allowed: boolean
  /** Requests that are left now. */
  readonly remaining: number
  /** Seconds until the whole quota is there again. */
  readonly resetSeconds: number
  /** Seconds until the next request is let through; 0 when this one was. */
  readonly retrySeconds: number
}

export interface RateLimiter {
  /** Throws what the store throws when it cannot be reached. */
  take(rule: RateRule, caller: string): Promise<RateDecision>
}

export interface RateOptions {
  rateLimiter?: RateLimiter | undefined
  log: HttpLog
  /** Told of each request whose limit could not be asked for. */
  onRateUnchecked?: ((outcome: 'passed' | 'refused') => void) | undefined
}

interface RedisRateLimiterOptions {
  /** On the database for rate limits; should fail fast (`enableOfflineQueue: false`, a short `commandTimeout`). */
  redis: Redis
  keyPrefix: string
}

/**
 * The generic cell rate algorithm (ATM Forum TM 4.0, leaky bucket as a meter): one key per caller holds the theoretical arrival time. A
 * full quota may be used at once, then it refills evenly, so there is no burst at the edge of a window. The clock is that of Redis,
 * which all replicas share. No debt is older than the period: one from a longer rule, or from a clock that went back, is cut to it.
 */
const takeScript = `
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local step = period / limit
local arrival = math.min(math.max(tonumber(redis.call('GET', KEYS[1]) or now), now), now + period)
local wait = arrival + step - period - now
if wait > 0 then
  return { 0, 0, math.ceil(arrival - now), math.ceil(wait) }
end
arrival = arrival + step
redis.call('SET', KEYS[1], string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
return { 1, math.floor((period - (arrival - now)) / step + 1e-6), math.ceil(arrival - now), 0 }
`

export function createRateLimiter({ redis, keyPrefix }: RedisRateLimiterOptions): RateLimiter {
  const take = scriptOn(redis)
  return {
    take: async ({ name, limit, seconds }, caller) => {
      const [allowed = 0, remaining = 0, reset = 0, wait = 0] = await take(`${keyPrefix}:rate:${name}:${caller}`, limit, seconds)
      return { allowed: allowed === 1, remaining, resetSeconds: Math.ceil(reset / 1000), retrySeconds: Math.ceil(wait / 1000) }
    },
  }
}

type Take = (key: string, limit: number, seconds: number) => Promise<number[]>

function scriptOn(redis: Redis): Take {
  redis.defineCommand('slipwayTakeRate', { numberOfKeys: 1, lua: takeScript })
  return (key, limit, seconds) => (redis as Redis & { slipwayTakeRate: Take }).slipwayTakeRate(key, limit, seconds)
}

/**
 * Counts the request against a rule. The headers are those of the IETF draft "RateLimit header fields for HTTP".
 * @throws rate.limited; redis.unavailable when the rule fails closed and Redis cannot be reached
 */
export async function limitRate(exchange: Exchange, rule: RateRule, options: RateOptions): Promise<void> {
  const { rateLimiter } = options
  if (!rateLimiter) return
  const decision = await rateLimiter.take(rule, rateKey(exchange, rule)).catch((err: unknown) => undecided(rule, err, options))
  if (decision === null) return
  exchange.rateHeaders = {
    'ratelimit-policy': `"${rule.name}";q=${rule.limit};w=${rule.seconds}`,
    ratelimit: `"${rule.name}";r=${decision.remaining};t=${decision.resetSeconds}`,
  }
  if (decision.allowed) return
  throw problem('rate.limited', {
    detail: `${rule.limit} requests in ${rule.seconds} s are allowed here: come back in ${decision.retrySeconds} s`,
    retryAfter: decision.retrySeconds,
    policy: rule.name,
  })
}

/** Redis gone: ordinary routes go on without limits, as being slow to refuse is better than refusing everybody. */
function undecided(rule: RateRule, err: unknown, { log, onRateUnchecked }: RateOptions): null {
  onRateUnchecked?.(rule.failClosed ? 'refused' : 'passed')
  log.warn({ err, policy: rule.name, failClosed: rule.failClosed === true }, 'rate limit not checked')
  if (rule.failClosed) throw problem('redis.unavailable', { cause: err })
  return null
}

function rateKey(exchange: Exchange, { by }: RateRule): string {
  if (by === 'ip') return `ip:${networkOf(exchange.ip)}`
  return `${exchange.tenant?.id ?? '-'}:${callerOf(exchange.principal, networkOf(exchange.ip))}`
}

/** Whoever has one IPv6 address has the /64 around it. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip
  if (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(ip)) return ip.slice(7)
  const [head = '', tail = ''] = ip.toLowerCase().split('%', 1).join().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const groups = ip.includes('::') ? [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right] : left
  return `${groups.slice(0, 4).join(':')}::/64`
}
