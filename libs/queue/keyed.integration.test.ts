import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { enqueue } from './index.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { keyed, probe } from './probe-queues.fixtures.ts'

/** Lets a test look at a job in the middle of its run. */
function turnstile() {
  const entered = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const during: ProbeContext['during'] = async () => {
    entered.resolve()
    await open.promise
  }
  return { entered: entered.promise, open: () => open.resolve(), during }
}

describe('a keyed job', () => {
  let all: Harness
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(() => all[Symbol.asyncDispose]())

  const request = (name: string, options: { tenantId?: string; delay?: number; fail?: number } = {}) => {
    const { tenantId = tenantA, delay, ...rest } = options
    return all.runtime.tenantTransaction(tenantId, (tx) => enqueue(tx, keyed, { version: 1, tenantId, name, ...rest }, { delay }))
  }

  it('waits once, with the payload that came last', async () => {
    const first = await request('dish', { fail: 9 })
    expect(await request('dish')).toBe(first)
    await all.workers()
    await all.ended(first)
    expect(await all.effects()).toEqual(['dish'])
  })

  it('waits once per tenant', async () => {
    const ids = [await request('dish'), await request('dish', { tenantId: tenantB })]
    expect(new Set(ids).size).toBe(2)
    await all.workers()
    for (const id of ids) await all.ended(id)
  })

  it('that runs takes no further request in; the next one runs after it', async () => {
    const { entered, open, during } = turnstile()
    await all.workers({}, during)
    const first = await request('dish')
    await entered
    const second = await request('dish')
    expect(second).not.toBe(first)
    const other = await request('other')
    await all.until(
      () => all.row(other),
      (row) => row?.state === 'active',
    )
    expect((await all.row(second))?.state).toBe('pending')
    open()
    await all.ended(first)
    await all.ended(second)
    expect((await all.effects()).filter((name) => name === 'dish')).toHaveLength(2)
  })

  it('that has ended, well or badly, is in nobody’s way', async () => {
    await all.workers()
    const failed = await request('dish', { fail: 9 })
    await all.ended(failed, 'dead')
    const first = await request('dish')
    await all.ended(first)
    const second = await request('dish')
    await all.ended(second)
    expect(new Set([failed, first, second]).size).toBe(3)
  })

  it('that waits for later is brought forward by a request for now', async () => {
    await all.workers()
    const later = await request('dish', { delay: 3_600_000 })
    await all.until(
      () => all.row(later),
      (row) => row?.state === 'waiting',
    )
    expect(await request('dish')).toBe(later)
    expect(await all.ended(later)).toMatchObject({ run: 2 })
    const leftBehind = await (await all.queues.queue(keyed)).getJob(`${later}.1`)
    await leftBehind?.promote()
    await all.until(
      async () => leftBehind?.getState(),
      (state) => state === 'completed',
      'at once',
    )
    expect(await all.runs('dish')).toBe(1)
  })

  it('does not start before the transaction that asks for it again has committed', async () => {
    const first = await request('dish')
    const asked = Promise.withResolvers<void>()
    const commit = Promise.withResolvers<void>()
    const asking = all.runtime.tenantTransaction(tenantA, async (tx) => {
      await enqueue(tx, keyed, { version: 1, tenantId: tenantA, name: 'dish' })
      asked.resolve()
      await commit.promise
    })
    await asked.promise
    await all.workers()
    const id = await all.runtime.transaction((tx) => enqueue(tx, probe, { version: 1, name: 'another' }))
    await all.ended(id)
    expect(await all.effects()).toEqual(['another'])
    commit.resolve()
    await asking
    await all.ended(first)
  })
})

describe('the fast path', () => {
  let all: Harness
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(() => all[Symbol.asyncDispose]())

  it('refuses a payload that the queue does not know, before Redis hears of it', async () => {
    const wrong = { version: 1, name: '' } as const
    await expect(all.queues.add(probe, wrong)).rejects.toMatchObject({ code: 'request.invalid' })
    await expect(all.queues.add(probe, { version: 1, name: 'x' }, { dedupeId: 'a:b' })).rejects.toThrow(/may have letters/)
    expect(await all.queues.counts(probe)).toMatchObject({ waiting: 0 })
  })

  it('adds work once while it waits', async () => {
    const first = await all.queues.add(keyed, { version: 1, name: 'dish' })
    expect(await all.queues.add(keyed, { version: 1, name: 'dish' })).toBe(first)
    expect(await all.queues.counts(keyed)).toMatchObject({ waiting: 1 })
    await all.workers()
    await all.until(all.effects, (names) => names.length === 1)
  })

  it('keeps a request that comes while the work runs', async () => {
    const { entered, open, during } = turnstile()
    await all.workers({}, during)
    await all.queues.add(keyed, { version: 1, name: 'dish' })
    await entered
    await all.queues.add(keyed, { version: 1, name: 'dish' })
    open()
    expect(await all.until(all.effects, (names) => names.length === 2)).toEqual(['dish', 'dish'])
  })

  it('lets a completed and a failed job of the same name be followed by another', async () => {
    await all.workers()
    await all.queues.add(keyed, { version: 1, name: 'dish', fail: 9 })
    await all.until(all.rows, (rows) => rows.some(({ state }) => state === 'dead'))
    await all.queues.add(keyed, { version: 1, name: 'dish' })
    await all.until(all.effects, (names) => names.length === 1)
    await all.queues.add(keyed, { version: 1, name: 'dish' })
    await all.until(all.effects, (names) => names.length === 2)
  })

  it('leaves a dead letter in Postgres', async () => {
    await all.workers()
    const id = await all.queues.add(keyed, { version: 1, tenantId: tenantB, name: 'hopeless', fail: 9 })
    const [row] = await all.until(all.rows, (rows) => rows.length > 0)
    expect(row).toMatchObject({
      id,
      tenant_id: tenantB,
      key: 'hopeless',
      state: 'dead',
      attempts: 3,
      reason: 'attempt 3 of hopeless fails',
      payload: { version: 1, tenantId: tenantB, name: 'hopeless', fail: 9 },
    })
  })
})
