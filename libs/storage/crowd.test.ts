import type { Problem } from '@slipway/problem'
import { fakeClock } from '@slipway/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Crowd, createCrowd, type Guest, type MadeRoom, type Scarce } from './crowd.ts'

let clock: ReturnType<typeof fakeClock>
let crowd: Crowd
let left: string[]
let made: MadeRoom[]
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  clock = fakeClock(0)
  made = []
  crowd = createCrowd({ seconds: 20, bytesPerSecond: 1000, now: clock.now, onMadeRoom: (room) => made.push(room) })
  left = []
})
afterEach(() => void vi.useRealTimers())

const enter = (name: string, has: Scarce[] = ['scan'], owner = 'one of many') =>
  crowd.enter({ owner, has: () => has, makeRoom: () => left.push(name) })

/** Its client took so many seconds over so many bytes, and is asked for more. */
function takes(guest: Guest, seconds: number, bytes: number): void {
  guest.asks()
  clock.advance(seconds * 1000)
  guest.gets(bytes)
  guest.asks()
}

/** Somebody waits for so long. */
async function wait(seconds: number, what: Scarce = 'scan', owners: readonly string[] = ['one of many']): Promise<void> {
  const place = Promise.withResolvers<string>()
  const waiting = Promise.all(owners.map((owner) => crowd.wait({ what, owner }, place.promise)))
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000)
    vi.advanceTimersByTime(1000)
  }
  place.resolve('a place')
  expect(await waiting).toEqual(owners.map(() => 'a place'))
}

describe('whoever sends slowly', () => {
  it('stays as long as nobody waits', () => {
    takes(enter('slow'), 3600, 100)
    vi.advanceTimersByTime(3_600_000)
    expect(left).toEqual([])
  })

  it('makes room for who waits, the slowest first, one each second', async () => {
    takes(enter('slow'), 30, 20_000)
    takes(enter('slower'), 30, 2000)
    takes(enter('slowest'), 30, 200)
    await wait(2)
    expect(left).toEqual(['slowest', 'slower'])
    await wait(5)
    expect(left).toEqual(['slowest', 'slower', 'slow'])
    expect(made).toEqual(Array.from({ length: 3 }, () => ({ wanted: 'scan', reason: 'slow' })))
  })

  it('is told why, and when to come again', async () => {
    let reason: Problem | undefined
    takes(crowd.enter({ owner: 'a', has: () => ['scan'], makeRoom: (given) => (reason = given) }), 30, 10)
    await wait(1)
    expect(reason).toMatchObject({ code: 'service.overloaded', status: 503, retryAfter: 20 })
  })

  it('counts also when nothing comes at all', async () => {
    enter('silent').asks()
    clock.advance(18_000)
    await wait(1)
    expect(left).toEqual([])
    await wait(1)
    expect(left).toEqual(['silent'])
  })

  it('is nobody any more once it is through', async () => {
    const guest = enter('through')
    takes(guest, 30, 10)
    guest[Symbol.dispose]()
    await wait(3)
    expect(left).toEqual([])
  })
})

describe('nobody has to leave', () => {
  it('who sends fast enough, however long it takes', async () => {
    takes(enter('steady'), 600, 700_000)
    await wait(5)
    expect(left).toEqual([])
  })

  it('whose bytes wait for clamd or the store, and not we for them', async () => {
    const guest = enter('held up by the store')
    takes(guest, 1, 500)
    guest.gets(500)
    clock.advance(3_600_000)
    await wait(5)
    expect(left).toEqual([])
    guest.asks()
    await wait(5)
    expect(left).toEqual([])
  })

  it('who has not what is waited for', async () => {
    takes(enter('has a place at clamd'), 30, 10)
    takes(enter('has both', ['scan', 'part']), 30, 20)
    await wait(3, 'part')
    expect(left).toEqual(['has both'])
  })

  it('when the one who waited has failed', async () => {
    takes(enter('slow'), 30, 10)
    await expect(crowd.wait({ what: 'scan', owner: 'a' }, Promise.reject(new Error('no place')))).rejects.toThrow('no place')
    vi.advanceTimersByTime(60_000)
    expect(left).toEqual([])
  })
})

describe('an owner who has nothing', () => {
  const fast = (name: string, owner: string, bytes = 1_000_000) => takes(enter(name, ['scan'], owner), 30, bytes)

  it('gets a place of the one who has most, of its slowest upload, and not before it has waited', async () => {
    fast('a, slower', 'a', 500_000)
    for (const name of ['a, faster', 'a, fastest']) fast(name, 'a')
    for (const name of ['b1', 'b2']) fast(name, 'b', 100_000)
    await wait(19, 'scan', ['c'])
    expect(left).toEqual([])
    await wait(20, 'scan', ['c'])
    expect(left).toEqual(['a, slower'])
    expect(made).toEqual([{ wanted: 'scan', reason: 'share' }])
  })

  it('gets one, however many of it wait', async () => {
    for (const name of ['a1', 'a2', 'a3']) fast(name, 'a')
    await wait(20, 'scan', ['c', 'c', 'c'])
    expect(left).toHaveLength(1)
  })

  it('is told apart from one who has a place already', async () => {
    for (const name of ['a1', 'a2', 'a3']) fast(name, 'a')
    fast('c1', 'c')
    await wait(60, 'scan', ['c'])
    expect(left).toEqual([])
  })

  it('takes nobody the only place', async () => {
    fast('a', 'a')
    fast('b', 'b')
    await wait(60, 'scan', ['c'])
    expect(left).toEqual([])
  })

  it('takes none that waits for clamd or the store', async () => {
    for (const name of ['a1', 'a2']) {
      const guest = enter(name, ['scan'], 'a')
      takes(guest, 1, 500)
      guest.gets(500)
    }
    await wait(60, 'scan', ['c'])
    expect(left).toEqual([])
  })

  it('takes none whose bytes are all there, but counts it', async () => {
    const ended = ['a1', 'a2'].map((name) => {
      const guest = enter(name, ['scan'], 'a')
      takes(guest, 30, 1000)
      guest.ends()
      return guest
    })
    await wait(60, 'scan', ['c'])
    expect(left).toEqual([])
    fast('b1', 'b')
    for (const guest of ended) guest[Symbol.dispose]()
    fast('b2', 'b')
    await wait(20, 'scan', ['c'])
    expect(left).toHaveLength(1)
  })

  it('has one who scans without a client, which counts as a place', async () => {
    for (const name of ['a1', 'a2']) fast(name, 'a')
    enter('c, pending', ['scan'], 'c').ends()
    await wait(60, 'scan', ['c'])
    expect(left).toEqual([])
  })

  it('waits for the one that was asked to leave, however long it takes to give its place back', async () => {
    let slow: Guest | undefined
    for (const name of ['a1', 'a2', 'a3']) {
      const guest = crowd.enter({ owner: 'a', has: () => ['scan'], makeRoom: () => (left.push(name), (slow = guest)) })
      takes(guest, 30, 1_000_000)
    }
    await wait(40, 'scan', ['c'])
    expect(left).toHaveLength(1)
    slow?.[Symbol.dispose]()
    await wait(20, 'scan', ['c'])
    expect(left).toHaveLength(2)
  })

  it('counts by what it waits for', async () => {
    for (const name of ['a1', 'a2']) takes(enter(name, ['scan', 'part'], 'a'), 30, 1_000_000)
    takes(enter('c, small', ['scan'], 'c'), 30, 1_000_000)
    await wait(20, 'part', ['c'])
    expect(left).toHaveLength(1)
  })
})
