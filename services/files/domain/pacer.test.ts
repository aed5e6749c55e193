import { describe, expect, it } from 'vitest'
import { createPacer } from './pacer.ts'

const never = new AbortController().signal
const work = (milliseconds: number) => async () => {
  const until = performance.now() + milliseconds
  while (performance.now() < until) await new Promise(setImmediate)
  return milliseconds
}

describe('createPacer', () => {
  it('gives the result of the work, and its failure', async () => {
    const pacer = createPacer(100)
    expect(await pacer.run(never, work(1))).toBe(1)
    await expect(pacer.run(never, () => Promise.reject(new Error('no scanner')))).rejects.toThrow('no scanner')
    expect(await pacer.run(never, work(2))).toBe(2)
  })

  it('rests three times as long as it has worked at a quarter of the time, also after a failure', async () => {
    const pacer = createPacer(25)
    const ends: number[] = []
    const busy = work(30)
    await pacer.run(never, busy).then(() => ends.push(performance.now()))
    await pacer
      .run(never, async () => {
        ends.push(performance.now())
        await busy()
        throw new Error('no scanner')
      })
      .catch(() => ends.push(performance.now()))
    await pacer.run(never, async () => ends.push(performance.now()))
    // A timer may come a millisecond early.
    expect((ends[1] ?? 0) - (ends[0] ?? 0)).toBeGreaterThanOrEqual(3 * 30 - 2)
    expect((ends[3] ?? 0) - (ends[2] ?? 0)).toBeGreaterThanOrEqual(3 * 30 - 2)
  })

  it('stops resting when it is told to, without having begun', async () => {
    const pacer = createPacer(1)
    await pacer.run(never, work(20))
    const stop = new AbortController()
    let began = false
    const waiting = pacer.run(stop.signal, async () => {
      began = true
    })
    stop.abort(new Error('shutdown'))
    await expect(waiting).rejects.toThrow()
    expect(began).toBe(false)
  })
})
