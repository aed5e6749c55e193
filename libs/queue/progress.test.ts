import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from './log.ts'
import { createProgress } from './progress.ts'

describe('progress', () => {
  const written: unknown[] = []
  let moves = 0
  let broken = false
  const job = {
    updateProgress: async (value: unknown) => {
      if (broken) throw new Error('Redis is away')
      written.push(value)
    },
  }
  const make = () => createProgress(job, silentLog, { moved: () => void moves++ })
  beforeEach(() => {
    vi.useFakeTimers()
    written.length = 0
    moves = 0
    broken = false
  })
  afterEach(() => void vi.useRealTimers())

  it('is written at once, then at most twice a second, and the last word always', async () => {
    const progress = make()
    for (let n = 1; n <= 10; n++) progress.report(n)
    await vi.advanceTimersByTimeAsync(499)
    expect(written).toEqual([1])
    progress.report(11)
    await vi.advanceTimersByTimeAsync(1)
    expect(written).toEqual([1, 11])
    progress.report(12)
    await progress.end()
    expect(written).toEqual([1, 11, 12])
    expect(moves).toBe(12)
  })

  it('is not written any more after the end, whatever a processor left behind says', async () => {
    const progress = make()
    await progress.end()
    progress.report(1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([written, moves]).toEqual([[], 0])
  })

  it('is no reason to fail', async () => {
    broken = true
    const progress = make()
    progress.report(1)
    await expect(progress.end()).resolves.toBeUndefined()
  })
})
