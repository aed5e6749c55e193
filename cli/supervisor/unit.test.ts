import { describe, expect, test } from 'vitest'
import { type Running, Supervised, type Unit, type UnitStatus } from './unit.ts'

interface Instance extends Running {
  crash(code: number | null): void
  readonly stopped: string[]
}

/** A unit whose instances end when the test says so. */
function scriptedUnit(outcomes: ('ok' | Error)[] = []) {
  const instances: Instance[] = []
  const starts = { count: 0 }
  const unit: Unit = {
    name: 'api',
    kind: 'api',
    async start(_signal, spawned) {
      starts.count++
      const outcome = outcomes.shift() ?? 'ok'
      if (outcome instanceof Error) throw outcome
      const ended = Promise.withResolvers<number | null>()
      const stopped: string[] = []
      const end = async (how: string) => {
        stopped.push(how)
        ended.resolve(0)
      }
      const instance = {
        pid: 1000 + starts.count,
        exited: ended.promise,
        crash: ended.resolve,
        stopped,
        stop: () => end('stop'),
        kill: () => end('kill'),
      }
      instances.push(instance)
      spawned(instance.pid)
      return instance
    },
  }
  return { unit, instances, starts }
}

/** Collects what happens and lets a test wait for it. */
function watcher() {
  const seen: UnitStatus[] = []
  const waiting: { test: (status: UnitStatus) => boolean; resolve: (status: UnitStatus) => void }[] = []
  return {
    seen,
    onChange: (status: UnitStatus) => {
      seen.push(status)
      for (const wait of waiting) if (wait.test(status)) wait.resolve(status)
    },
    until: (test: (status: UnitStatus) => boolean) => new Promise<UnitStatus>((resolve) => waiting.push({ test, resolve })),
  }
}

const quick = { firstMilliseconds: 1, mostMilliseconds: 4, stableMilliseconds: 1000 }

describe('a supervised unit', () => {
  test('becomes ready with the process number it was given', async () => {
    const { unit } = scriptedUnit()
    const { seen, onChange } = watcher()
    await new Supervised(unit, { onChange }).start()
    expect(seen.map((status) => status.state)).toEqual(['starting', 'starting', 'ready'])
    expect(seen[1]?.pid).toBe(1001)
  })

  test('is restarted when it ends, and says why and how often', async () => {
    const { unit, instances } = scriptedUnit()
    const watch = watcher()
    const supervised = new Supervised(unit, { onChange: watch.onChange, backoff: quick })
    await supervised.start()
    const back = watch.until((status) => status.state === 'ready')
    instances[0]?.crash(7)
    expect(await back).toMatchObject({ pid: 1002, restarts: 1, lastFailure: 'exited with code 7' })
  })

  test('is tried again when a restart fails', async () => {
    const { unit, instances, starts } = scriptedUnit(['ok', new Error('no port'), new Error('no port'), 'ok'])
    const watch = watcher()
    await new Supervised(unit, { onChange: watch.onChange, backoff: quick }).start()
    const back = watch.until((status) => status.state === 'ready')
    instances[0]?.crash(null)
    expect(await back).toMatchObject({ restarts: 3, lastFailure: 'no port' })
    expect(starts.count).toBe(4)
  })

  test('is not restarted when its first start fails: that is the caller’s to tell', async () => {
    const { unit, starts } = scriptedUnit([new Error('no binary')])
    const watch = watcher()
    const supervised = new Supervised(unit, { onChange: watch.onChange, backoff: quick })
    await expect(supervised.start()).rejects.toThrow('no binary')
    expect(supervised.status).toMatchObject({ state: 'stopped', lastFailure: 'no binary' })
    expect(starts.count).toBe(1)
  })

  test('is stopped in order and stays down', async () => {
    const { unit, instances, starts } = scriptedUnit()
    const supervised = new Supervised(unit, { onChange: () => undefined, backoff: quick })
    await supervised.start()
    await supervised.stop()
    expect(instances[0]?.stopped).toEqual(['stop'])
    expect(supervised.status).toMatchObject({ state: 'stopped', pid: undefined })
    expect(starts.count).toBe(1)
  })

  test('is killed by a forced stop', async () => {
    const { unit, instances } = scriptedUnit()
    const supervised = new Supervised(unit, { onChange: () => undefined })
    await supervised.start()
    await supervised.stop(true)
    expect(instances[0]?.stopped).toEqual(['kill'])
  })

  test('can be stopped while it waits for its next try', async () => {
    const { unit, instances, starts } = scriptedUnit()
    const watch = watcher()
    const supervised = new Supervised(unit, {
      onChange: watch.onChange,
      backoff: { ...quick, firstMilliseconds: 60_000, mostMilliseconds: 60_000 },
    })
    await supervised.start()
    const down = watch.until((status) => status.state === 'restarting')
    instances[0]?.crash(1)
    await down
    await supervised.stop()
    expect(starts.count).toBe(1)
  })

  test('that becomes ready after the stop was asked for is not left behind', async () => {
    const gate = Promise.withResolvers<void>()
    const { unit, instances } = scriptedUnit()
    const slow: Unit = { ...unit, start: async (signal, spawned) => (await gate.promise, unit.start(signal, spawned)) }
    const supervised = new Supervised(slow, { onChange: () => undefined })
    const starting = supervised.start()
    const stopping = supervised.stop()
    gate.resolve()
    await expect(starting).rejects.toThrow('api is being stopped')
    await stopping
    expect(instances[0]?.stopped).toEqual(['stop'])
  })
})

describe('backoff', () => {
  async function delaysOf(crashes: number, aliveMilliseconds: number): Promise<number[]> {
    let time = 0
    const delays: number[] = []
    const { unit, instances } = scriptedUnit()
    const watch = watcher()
    const supervised = new Supervised(unit, {
      onChange: watch.onChange,
      now: () => time,
      wait: async (milliseconds) => void delays.push(milliseconds),
      backoff: { firstMilliseconds: 250, mostMilliseconds: 2000, stableMilliseconds: 1000 },
    })
    await supervised.start()
    for (let crash = 0; crash < crashes; crash++) {
      time += aliveMilliseconds
      const back = watch.until((status) => status.state === 'ready' && status.restarts === crash + 1)
      instances[crash]?.crash(1)
      await back
    }
    await supervised.stop()
    return delays
  }

  test('doubles with each crash up to its most', async () => {
    expect(await delaysOf(5, 10)).toEqual([250, 500, 1000, 2000, 2000])
  })

  test('begins anew after a stable run', async () => {
    expect(await delaysOf(3, 1000)).toEqual([250, 250, 250])
  })
})
