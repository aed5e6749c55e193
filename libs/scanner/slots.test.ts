import { describe, expect, it } from 'vitest'
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
