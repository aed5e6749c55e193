import { describe, expect, it } from 'vitest'
import { silentLog } from './log.ts'
import { createLoop } from './loop.ts'

const hour = 3_600_000

/** Passes that a test lets through one by one. */
function gate() {
  const started: PromiseWithResolvers<void>[] = [Promise.withResolvers()]
  const released: PromiseWithResolvers<boolean>[] = []
  const pass = () => {
    const release = Promise.withResolvers<boolean>()
    released.push(release)
    started.at(-1)?.resolve()
    started.push(Promise.withResolvers())
    return release.promise
  }
  return {
    pass,
    count: () => released.length,
    nth: (n: number) => started[n - 1]?.promise,
    release: (n: number, more = false) => released[n - 1]?.resolve(more),
    fail: (n: number) => released[n - 1]?.reject(new Error('down')),
  }
}

describe('createLoop', () => {
  it('passes at once, and again when woken', async () => {
    const gated = gate()
    const loop = createLoop({ name: 'test', interval: hour, log: silentLog }, gated.pass)
    await gated.nth(1)
    gated.release(1)
    loop.wake()
    await gated.nth(2)
    gated.release(2)
    await loop.close()
    expect(gated.count()).toBe(2)
  })

  it('takes many wake-ups during a pass for one', async () => {
    const gated = gate()
    const loop = createLoop({ name: 'test', interval: hour, log: silentLog }, gated.pass)
    await gated.nth(1)
    loop.wake()
    loop.wake()
    gated.release(1)
    await gated.nth(2)
    gated.release(2)
    await loop.close()
    expect(gated.count()).toBe(2)
  })

  it('goes on while there is more, and after a failure', async () => {
    const gated = gate()
    const loop = createLoop({ name: 'test', interval: 1, log: silentLog }, gated.pass)
    await gated.nth(1)
    gated.release(1, true)
    await gated.nth(2)
    gated.fail(2)
    await gated.nth(3)
    gated.release(3)
    await loop.close()
  })

  it('tells of an outage once', async () => {
    const told: string[] = []
    const log = { ...silentLog, warn: (_fields: object, message: string) => void told.push(message) }
    const gated = gate()
    const loop = createLoop({ name: 'relay', interval: 1, log }, gated.pass)
    for (const n of [1, 2, 3]) {
      await gated.nth(n)
      gated.fail(n)
    }
    await gated.nth(4)
    gated.release(4)
    await loop.close()
    expect(told).toEqual(['the relay cannot do its work; it goes on trying'])
  })

  it('waits for the running pass when it closes', async () => {
    const gated = gate()
    const loop = createLoop({ name: 'test', interval: hour, log: silentLog }, gated.pass)
    await gated.nth(1)
    const closing = loop.close()
    expect(await Promise.race([closing, Promise.resolve('still closing')])).toBe('still closing')
    gated.release(1)
    await closing
    expect(gated.count()).toBe(1)
  })
})
