import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Silence, watchSilence } from './silence.ts'

const interval = 1000
const patience = 2000
let looks: PromiseWithResolvers<void>[]
let silence: Silence

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  looks = []
  const look = () => {
    const made = Promise.withResolvers<void>()
    looks.push(made)
    return made.promise
  }
  silence = watchSilence({ look, interval, patience })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What becomes of a request that is made now. */
function ask(signal?: AbortSignal) {
  const asked = { end: 'waits' }
  silence.over(signal).then(
    () => (asked.end = 'goes on'),
    (error: Error) => (asked.end = error.name),
  )
  return asked
}

describe('a store in doubt', () => {
  it('is looked at once by all who suspect it, and nobody is sent away before it had time to answer', async () => {
    silence.suspect()
    silence.suspect()
    const asked = ask()
    vi.advanceTimersByTime(patience - 1)
    await setImmediate()
    expect(asked.end).toBe('waits')
    expect(looks).toHaveLength(2)
  })

  it.each([
    ['its first look', () => looks[0]?.resolve()],
    ['somebody else', () => silence.heard()],
  ])('that answers %s lets them go on', async (_name, answer) => {
    silence.suspect()
    const asked = ask()
    answer()
    await setImmediate()
    expect(asked.end).toBe('goes on')
    vi.advanceTimersByTime(10 * interval)
    expect(looks).toHaveLength(1)
  })

  it('that does not answer in time sends them away, and those who come later at once', async () => {
    silence.suspect()
    const asked = ask()
    vi.advanceTimersByTime(patience)
    await setImmediate()
    expect(asked.end).toBe('StoreSilent')
    const errors = await Promise.all([silence.over(), silence.over()].map((over) => over.catch((error: Error) => error)))
    expect(errors.map((error) => error?.name)).toEqual(['StoreSilent', 'StoreSilent'])
    expect(errors[0]).not.toBe(errors[1])
  })

  it('is looked at again and again, and any answer ends it', async () => {
    silence.suspect()
    vi.advanceTimersByTime(3 * interval)
    expect(looks).toHaveLength(4)
    looks[1]?.reject(new Error('no answer'))
    await setImmediate()
    await expect(silence.over()).rejects.toThrow('gives no answer')
    looks[2]?.resolve()
    await setImmediate()
    await silence.over()
    vi.advanceTimersByTime(3 * interval)
    expect(looks).toHaveLength(4)
  })

  it('can come to be in doubt again, whatever earlier looks bring', async () => {
    silence.suspect()
    vi.advanceTimersByTime(interval)
    looks[1]?.resolve()
    await setImmediate()
    silence.suspect()
    vi.advanceTimersByTime(patience)
    looks[0]?.resolve()
    await setImmediate()
    await expect(silence.over()).rejects.toThrow('gives no answer')
    looks[2]?.resolve()
    await setImmediate()
    await silence.over()
  })

  it('holds nobody up who has left', async () => {
    silence.suspect()
    const leaving = new AbortController()
    const [asked, early] = [ask(leaving.signal), ask(AbortSignal.abort())]
    await setImmediate()
    expect([asked.end, early.end]).toEqual(['waits', 'goes on'])
    leaving.abort()
    await setImmediate()
    expect(asked.end).toBe('goes on')
  })

  it('sends away those who could leave, too', async () => {
    silence.suspect()
    const asked = ask(new AbortController().signal)
    vi.advanceTimersByTime(patience)
    await setImmediate()
    expect(asked.end).toBe('StoreSilent')
  })

  it('is left alone once it is stopped', async () => {
    silence.suspect()
    silence.stop()
    silence.suspect()
    vi.advanceTimersByTime(3 * interval)
    expect(looks).toHaveLength(1)
    await silence.over()
  })
})

it('who never suspects it never looks', async () => {
  await silence.over()
  vi.advanceTimersByTime(10 * interval)
  expect(looks).toEqual([])
})
