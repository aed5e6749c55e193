import { describe, expect, it } from 'vitest'
import { BoundedCache } from './bounded-cache.ts'
import { handClock, memoryIdentity } from './issuer.fixtures.ts'
import { RevocationList } from './revocation-list.ts'

describe('BoundedCache', () => {
  it('forgets what was not used for longest', () => {
    const cache = new BoundedCache<number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.get('a')
    cache.set('c', 3)
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2])
  })
})

describe('RevocationList', () => {
  function room(limit: number) {
    const clock = handClock()
    const identity = memoryIdentity(clock.now, { keys: [] })
    return {
      clock,
      identity,
      list: new RevocationList({ source: identity.source, now: clock.now, retentionMilliseconds: 3_600_000, limit }),
    }
  }

  it('counts everything older as revoked once it had to make room', async () => {
    const { clock, identity, list } = room(2)
    const times: number[] = []
    for (const session of ['s1', 's2', 's3']) {
      clock.advance(1_000)
      times.push(clock.at)
      identity.revoke('session', session)
    }
    await list.refresh()
    expect(list.isRevoked({ sessionId: 'any', issuedAt: times[0]! })).toBe(true)
    expect(list.isRevoked({ sessionId: 'any', issuedAt: times[0]! + 1 })).toBe(false)
    expect(list.isRevoked({ sessionId: 's1', issuedAt: times[0]! })).toBe(true)
    expect(list.isRevoked({ sessionId: 's3', issuedAt: clock.at })).toBe(true)
  })

  it('forgets what no living token can be about', async () => {
    const { clock, identity, list } = room(100)
    identity.revoke('session', 's1')
    await list.refresh()
    expect(list.isRevoked({ sessionId: 's1', issuedAt: clock.at })).toBe(true)
    clock.advance(3_600_000 + 30_001)
    await list.refresh()
    expect(list.isRevoked({ sessionId: 's1', issuedAt: clock.at })).toBe(false)
  })

  it('asks again when an answer took so long that it is old already', async () => {
    const clock = handClock()
    let asked = 0
    const source = {
      revocations: () => {
        asked++
        if (asked === 1) clock.advance(5_000)
        return Promise.resolve({ items: [], now: clock.at })
      },
    }
    await new RevocationList({ source, now: clock.now, retentionMilliseconds: 1_000 }).refresh()
    expect(asked).toBe(2)
  })
})
