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
