import { problem } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import type { Follower, Wake } from './dish-events.ts'
import type { DishEvent, LoggedEvent } from './event-log.ts'
import { eventStream, type StreamOptions } from './event-stream.ts'

const event = (revision: number, more: Partial<DishEvent> = {}): DishEvent => ({
  kind: 'progress',
  data: JSON.stringify({ revision }),
  modelId: 'm',
  revision,
  ...more,
})

/** A log and a row under the test's own hand, and what wakes the client one after the other. */
function stage({ wakes = [], ...options }: { wakes?: (() => Wake)[]; lastEventId?: string } = {}) {
  const log: LoggedEvent[] = []
  const state = { row: event(1) as DishEvent | null, redis: true, database: true, patience: [] as number[], now: 0 }
  const need = () => {
    if (!state.redis) throw new Error('Redis is away')
  }
  const follower: Follower = {
    get isLive() {
      return state.redis
    },
    after: async (id) => {
      need()
      return log.filter((logged) => Number(logged.id.split('-')[0]) > Number(id.split('-')[0]))
    },
    last: async () => {
      need()
      return log.at(-1)?.id ?? '0-0'
    },
    wait: async (milliseconds) => {
      state.patience.push(milliseconds)
      return wakes.shift()?.() ?? 'ended'
    },
    [Symbol.dispose]: () => undefined,
  }
  const append = (logged: DishEvent) => void log.push({ ...logged, id: `${log.length + 1}-0` })
  const parts: StreamOptions = {
    follower,
    present: async () => {
      if (!state.database) throw problem('database.unavailable')
      return state.row
    },
    lastEventId: options.lastEventId,
    signal: new AbortController().signal,
    now: () => state.now,
  }
  return {
    state,
    append,
    /** `id revision`, `gone`, or the comment. */
    async told() {
      const lines: string[] = []
      for await (const frame of eventStream(parts)) {
        const [, id] = /^id: (.*)$/m.exec(frame) ?? []
        const [, data] = /^data: (.*)$/m.exec(frame) ?? []
        if (frame.startsWith('event: gone') || frame.includes('\nevent: gone')) lines.push('gone')
        else if (data) lines.push(`${id ?? '-'} ${JSON.parse(data).revision}`)
        else if (frame.startsWith(':')) lines.push('beat')
      }
      return lines
    },
  }
}

describe('an event stream', () => {
  it('tells nothing twice that the row has told before the log did', async () => {
    const all = stage({
      wakes: [
        () => {
          all.append(event(2))
          all.append(event(3))
          return 'changed'
        },
      ],
    })
    all.append(event(1))
    all.state.row = event(2)
    expect(await all.told()).toEqual(['1-0 2', '3-0 3'])
  })

  it('tells a returning client what it has missed, and the row only if that says more', async () => {
    const all = stage({ lastEventId: '1-0' })
    for (const revision of [1, 2, 3]) all.append(event(revision))
    all.state.row = event(3)
    expect(await all.told()).toEqual(['2-0 2', '3-0 3'])
    all.state.row = event(4)
    expect(await all.told()).toEqual(['2-0 2', '3-0 3', '3-0 4'])
  })

  it('does not let the last words of a model that was given up hide the one that took its place', async () => {
    const [old, young] = [event(7, { modelId: 'old' }), event(1, { modelId: 'young', data: '{"revision":"young"}' })]
    const all = stage({
      wakes: [
        () => {
          all.state.row = young
          all.append(young)
          all.append(old)
          return 'changed'
        },
        () => {
          all.append(event(2, { modelId: 'young' }))
          return 'changed'
        },
      ],
    })
    all.state.row = event(6, { modelId: 'old' })
    expect(await all.told()).toEqual(['0-0 6', '1-0 young', '3-0 2'])
  })

  it('tells of a photo that was deleted, and not of its model after that', async () => {
    const none = event(0, { modelId: null, data: '{"revision":"none"}' })
    const all = stage({
      wakes: [
        () => {
          all.state.row = none
          all.append(none)
          all.append(event(2))
          return 'changed'
        },
      ],
    })
    expect(await all.told()).toEqual(['0-0 1', '1-0 none'])
  })

  it('ends if the dish turns out to be gone while another model is told of', async () => {
    const all = stage({
      wakes: [
        () => {
          all.state.row = null
          all.append(event(1, { modelId: 'young' }))
          return 'changed'
        },
      ],
    })
    expect(await all.told()).toEqual(['0-0 1', 'gone'])
  })

  it('survives an outage of the database, and tells what has changed in the meantime', async () => {
    const all = stage({
      wakes: [
        () => {
          all.state.database = false
          all.state.row = event(2)
          return 'time'
        },
        () => {
          all.state.database = true
          return 'time'
        },
      ],
    })
    expect(await all.told()).toEqual(['0-0 1', 'beat', '0-0 2', 'beat'])
  })

  it('looks at the row with every heartbeat: not everything is told of', async () => {
    const all = stage({
      wakes: [
        () => 'time',
        () => {
          all.state.row = event(1, { data: JSON.stringify({ revision: 'failed' }) })
          return 'time'
        },
      ],
    })
    expect(await all.told()).toEqual(['0-0 1', 'beat', '0-0 failed', 'beat'])
    expect(all.state.patience).toEqual([15_000, 15_000, 15_000])
  })

  it('looks every second while Redis is away, and goes on with the log when it is back', async () => {
    const all = stage({
      wakes: [
        () => {
          all.state.row = event(2)
          return 'time'
        },
        () => {
          all.state.redis = true
          all.append(event(2))
          return 'time'
        },
        () => {
          all.append(event(3))
          return 'changed'
        },
      ],
    })
    all.state.redis = false
    expect(await all.told()).toEqual(['- 1', '- 2', '2-0 3'])
    expect(all.state.patience).toEqual([1000, 1000, 15_000, 15_000])
  })

  it('ends with the dish, whether the log or the row says so', async () => {
    const logged = stage({
      wakes: [
        () => {
          logged.append(event(0, { kind: 'gone', modelId: null }))
          return 'changed'
        },
      ],
    })
    expect(await logged.told()).toEqual(['0-0 1', 'gone'])
    const seen = stage({
      wakes: [
        () => {
          seen.state.row = null
          return 'time'
        },
      ],
    })
    expect(await seen.told()).toEqual(['0-0 1', 'gone'])
  })

  it('ends after five minutes, so that credentials are looked at again', async () => {
    const all = stage({
      wakes: [
        () => {
          all.state.now = 5 * 60_000
          return 'changed'
        },
        () => 'changed',
      ],
    })
    await all.told()
    expect(all.state.patience).toHaveLength(1)
  })
})
