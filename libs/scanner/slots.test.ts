import { describe, expect, it, vi } from 'vitest'
import { createSlots } from './slots.ts'

/** Long enough to never come in a test. */
const patient = 600

describe('slots', () => {
  it('are given in order of arrival, never more than there are', async () => {
    const slots = createSlots(2, patient)
    const order: number[] = []
    let most = 0
    const work = async (index: number) => {
      const release = await slots.acquire()
      order.push(index)
      most = Math.max(most, slots.busy)
      await Promise.resolve()
      release()
    }
    await Promise.all(Array.from({ length: 20 }, (_, index) => work(index)))
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(most).toBe(2)
    expect([slots.busy, slots.waiting]).toEqual([0, 0])
  })

  it('go to the owner who has the fewest, whoever came first', async () => {
    const slots = createSlots(3, patient)
    const order: string[] = []
    const release: (() => void)[] = []
    const ask = async (owner: string, name = owner) => {
      release.push(await slots.acquire(undefined, owner))
      order.push(name)
    }
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) void ask('a', name)
    void ask('b')
    void ask('c')
    await vi.waitFor(() => expect([order.length, slots.waiting]).toEqual([3, 4]))
    for (let given = 3; given < 7; given++) {
      release.shift()?.()
      await vi.waitFor(() => expect(order).toHaveLength(given + 1))
    }
    // All of a's were given back by then: b and c came once each, and a is the next when nobody else waits.
    expect(order).toEqual(['a1', 'a2', 'a3', 'b', 'c', 'a4', 'a5'])
  })

  it('go round where there is one, and of one owner to who came first', async () => {
    const slots = createSlots(1, patient)
    const release = await slots.acquire(undefined, 'a')
    const order: string[] = []
    const turns = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map(async (name) => {
      const leave = await slots.acquire(undefined, name[0])
      order.push(name)
      leave()
    })
    release()
    await Promise.all(turns)
    expect(order).toEqual(['b1', 'c1', 'a1', 'b2', 'a2', 'a3'])
  })

  it('come to who waits, however many others come, go and come again', async () => {
    const slots = createSlots(1, patient)
    const order: string[] = []
    let release = await slots.acquire(undefined, 'a')
    const stop = new AbortController()
    const ask = (owner: string) =>
      void slots.acquire(stop.signal, owner).then(
        (leave) => {
          release = leave
          return order.push(owner)
        },
        () => undefined,
      )
    for (const owner of ['a', 'x', 'y']) ask(owner)
    for (let turn = 1; turn <= 6; turn++) {
      const holder = order.at(-1) ?? 'a'
      release()
      await vi.waitFor(() => expect(order).toHaveLength(turn))
      // It had gone, and comes again while another has the place.
      if (holder !== 'a') ask(holder)
    }
    expect(order.slice(0, 3)).toContain('a')
    stop.abort()
  })

  it('remember nobody who has none and waits for none', async () => {
    const slots = createSlots(1, patient)
    const release = await slots.acquire(undefined, 'a')
    const stop = new AbortController()
    const gone = slots.acquire(stop.signal, 'b')
    stop.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    release()
    // As if for the first time, both: the one who comes first is the first.
    const leave = await slots.acquire(undefined, 'c')
    const order: string[] = []
    const turns = ['a', 'b'].map(async (name) => {
      const done = await slots.acquire(undefined, name)
      order.push(name)
      done()
    })
    leave()
    await Promise.all(turns)
    expect(order).toEqual(['a', 'b'])
  })

  it('come back once, however often they are given back', async () => {
    const slots = createSlots(1, patient)
    const release = await slots.acquire()
    release()
    release()
    expect(slots.busy).toBe(0)
    await slots.acquire()
    expect(slots.busy).toBe(1)
  })

  it('are refused when none becomes free in time', async () => {
    const slots = createSlots(1, 0)
    const release = await slots.acquire()
    await expect(slots.acquire()).rejects.toMatchObject({ code: 'service.overloaded', retryAfter: 1 })
    expect(slots.waiting).toBe(0)
    release()
    await slots.acquire()
  })

  it('are left at once by whoever gives up, and the next one moves up', async () => {
    const slots = createSlots(1, patient)
    const release = await slots.acquire()
    const stop = new AbortController()
    const gone = slots.acquire(stop.signal)
    const next = slots.acquire()
    stop.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    expect(slots.waiting).toBe(1)
    release()
    await next
    expect([slots.busy, slots.waiting]).toEqual([1, 0])
  })

  it('are not even asked for after an abort', async () => {
    const slots = createSlots(1, patient)
    await expect(slots.acquire(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    expect(slots.busy).toBe(0)
  })
})
