import { EventEmitter } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { onSignals, runPhases } from './shutdown.ts'
import { silentLog } from './silent-log.fixtures.ts'

const options = { deadline: 2000, log: silentLog }
const never = () => new Promise<void>(() => {})

describe('runPhases', () => {
  it('runs one phase after the other', async () => {
    const order: string[] = []
    const phase = (name: string) => ({
      name,
      run: async () => {
        order.push(`${name} starts`)
        await Promise.resolve()
        order.push(`${name} ends`)
      },
    })
    const reports = await runPhases([phase('http'), phase('workers')], options)
    expect(order).toEqual(['http starts', 'http ends', 'workers starts', 'workers ends'])
    expect(reports.map((report) => report.outcome)).toEqual(['done', 'done'])
  })

  it('goes on after a phase that failed, synchronously or not, and says which', async () => {
    const last = vi.fn()
    const reports = await runPhases(
      [
        {
          name: 'throws',
          run: () => {
            throw new Error('a')
          },
        },
        {
          name: 'rejects',
          run: async () => {
            throw new Error('b')
          },
        },
        { name: 'last', run: last },
      ],
      options,
    )
    expect(reports.map((report) => [report.name, report.outcome])).toEqual([
      ['throws', 'failed'],
      ['rejects', 'failed'],
      ['last', 'done'],
    ])
    expect(last).toHaveBeenCalledOnce()
  })

  it('aborts a phase that hangs and still gives the later ones their share', async () => {
    let aborted = false
    const hang = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      return never()
    }
    const flushed = vi.fn()
    const reports = await runPhases(
      [
        { name: 'hangs', run: hang },
        { name: 'hangs too', run: never },
        { name: 'flush', run: flushed },
      ],
      {
        ...options,
        deadline: 120,
      },
    )
    expect(reports.map((report) => report.outcome)).toEqual(['timed-out', 'timed-out', 'done'])
    expect(aborted).toBe(true)
    expect(flushed).toHaveBeenCalledOnce()
  })
})

describe('the deadline of a stop', () => {
  /** A clock that only phases move. */
  function timed(durations: readonly number[]) {
    let now = 0
    const signals: AbortSignal[] = []
    const phases = durations.map((milliseconds, index) => ({
      name: `phase ${index}`,
      run: (signal: AbortSignal) => {
        signals.push(signal)
        now += milliseconds
      },
    }))
    return { phases, signals, now: () => now }
  }

  it('is shared: what early phases leave is there for the later ones', async () => {
    const { phases, signals, now } = timed([100, 800, 0])
    const reports = await runPhases(phases, { deadline: 1000, log: silentLog, now })
    expect(reports.map(({ milliseconds }) => milliseconds)).toEqual([100, 800, 0])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false])
  })

  it('leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await runPhases([{ name: 'quick', run: () => undefined }], options)
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('tells a hung phase why it was given up, and is not disturbed by what it does afterwards', async () => {
    const late = Promise.withResolvers<void>()
    let reason: unknown
    const hung = {
      name: 'hung',
      run: (signal: AbortSignal) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        return late.promise
      },
    }
    const reports = await runPhases([hung, { name: 'next', run: () => undefined }], { deadline: 40, log: silentLog })
    late.reject(new Error('too late for anybody to care'))
    await late.promise.catch(() => undefined)
    expect(reports.map(({ outcome }) => outcome)).toEqual(['timed-out', 'done'])
    expect(String(reason)).toMatch(/phase hung took longer than \d+ ms/)
  })

  it('has nothing to say about no phases', async () => {
    expect(await runPhases([], options)).toEqual([])
  })
})

describe('onSignals', () => {
  it('stops at the first signal and forces at the second, whichever they are', () => {
    const source = new EventEmitter()
    const stop = vi.fn()
    const force = vi.fn()
    const off = onSignals(source, stop, force)
    source.emit('SIGTERM')
    expect(stop).toHaveBeenCalledExactlyOnceWith('SIGTERM')
    expect(force).not.toHaveBeenCalled()
    source.emit('SIGINT')
    expect(stop).toHaveBeenCalledOnce()
    expect(force).toHaveBeenCalledOnce()
    off()
    expect(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT')).toBe(0)
  })
})
