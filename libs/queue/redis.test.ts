import { describe, expect, it } from 'vitest'
import { checkRedisPolicy, hintChannel, queuePrefix, retryStrategy } from './redis.ts'

describe('queuePrefix', () => {
  it('is below the prefix of the installation, and in one slot on a cluster', () => {
    expect(queuePrefix({ keyPrefix: 'slipway' })).toBe('slipway:q')
    expect(queuePrefix({ keyPrefix: 'slipway', cluster: true })).toBe('{slipway:q}')
    expect(hintChannel(queuePrefix({ keyPrefix: 'a' }))).not.toBe(hintChannel(queuePrefix({ keyPrefix: 'b' })))
  })
})

describe('retryStrategy', () => {
  it('doubles from 1 s to 20 s and never gives up', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(retryStrategy)).toEqual([1000, 2000, 4000, 8000, 16_000, 20_000, 20_000])
  })
})

describe('checkRedisPolicy', () => {
  const info = (policy: string) => ({ info: async () => `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${policy}\r\nallocator:libc\r\n` })
  it('accepts noeviction only', async () => {
    expect(await checkRedisPolicy(info('noeviction') as never)).toEqual({ ok: true, policy: 'noeviction', warning: null })
    expect((await checkRedisPolicy(info('volatile-lru') as never)).warning).toMatch(/"volatile-lru"; set maxmemory-policy noeviction/)
    expect(await checkRedisPolicy({ info: async () => '' })).toMatchObject({ ok: false, policy: 'unknown' })
  })
})
