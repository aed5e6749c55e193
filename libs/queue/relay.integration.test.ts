import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { enqueue } from './index.ts'
import { keyed, paced, probe, probeQueues } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'
import { openProducer, type Producer } from './producer.ts'
import { relayBatch, relayPass } from './relay.ts'

describe('the relay', () => {
  let all: Harness
  let producer: Producer
  beforeEach(async () => {
    all = await harness()
    producer = openProducer({ redisUrl: all.redis.url, prefix, definitions: probeQueues }, () => undefined)
  })
  afterEach(async () => {
    await producer[Symbol.asyncDispose]()
    await all[Symbol.asyncDispose]()
  })

  const pass = (definitions = probeQueues) => relayPass({ database: all.system, producer, definitions })
  const request = (name: string, { queue = probe, ...options }: { queue?: typeof probe; delay?: number; dedupeId?: string } = {}) =>
    all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, queue, { version: 1, tenantId: tenantA, name }, options))
  const requestMany = (count: number) =>
    all.runtime.tenantTransaction(tenantA, async (tx) => {
      for (let n = 0; n < count; n++) await enqueue(tx, probe, { version: 1, tenantId: tenantA, name: `job ${n}` })
    })
  const states = async () => Object.groupBy(await all.rows(), ({ state }) => state)
  const waiting = async () => (await all.queues.counts(probe)).waiting

  it('of several hosts at once hands every intent over once', async () => {
    await requestMany(3 * relayBatch)
    const handed = await Promise.all(Array.from({ length: 6 }, () => pass()))
    // Locked rows are skipped, not waited for, so six batches are more than enough for three.
    expect(handed.reduce((sum, count) => sum + count)).toBe(3 * relayBatch)
    expect(await waiting()).toBe(3 * relayBatch)
    expect(Object.keys(await states())).toEqual(['waiting'])
  })

  it('says by a full batch that there may be more', async () => {
    await requestMany(relayBatch + 1)
    expect([await pass(), await pass(), await pass()]).toEqual([relayBatch, 1, 0])
  })

  it('leaves to others what they have declared', async () => {
    await request('mine')
    const theirs = await request('theirs', { queue: keyed })
    expect(await pass([probe])).toBe(1)
    expect((await all.row(theirs))?.state).toBe('pending')
  })

  it('does not see what has not been committed', async () => {
    const gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const open = all.runtime.tenantTransaction(tenantA, async (tx) => {
      await enqueue(tx, probe, { version: 1, tenantId: tenantA, name: 'open' })
      asked.resolve()
      await gate.promise
    })
    await asked.promise
    expect(await pass()).toBe(0)
    gate.resolve()
    await open
    expect(await pass()).toBe(1)
  })

  it('without Redis changes nothing, and goes on with the same rows later', async () => {
    await requestMany(3)
    await all.redis.part.stop()
    await expect(pass()).rejects.toMatchObject({ code: 'redis.unavailable' })
    expect((await states()).pending).toHaveLength(3)
    await all.redis.restart()
    expect(
      await all.until(
        () => pass().catch(() => null),
        (handed) => handed !== null,
        'at once',
      ),
    ).toBe(3)
  })

  it('that could not commit adds the same job again, which is still one', async () => {
    const id = await request('dish')
    await pass()
    await all.system.pool.query(`update jobs set state = 'pending'`)
    expect(await pass()).toBe(1)
    expect(await waiting()).toBe(1)
    const [job] = await (await all.queues.queue(probe)).getWaiting()
    expect(job).toMatchObject({ id: `${id}.1`, data: { row: id, run: 1, spent: 0 } })
  })

  it('gives Redis the time that is left, the attempts that are left and no payload', async () => {
    const id = await request('later', { delay: 3_600_000 })
    await all.system.pool.query(`update jobs set attempts = 2`)
    await pass()
    const [job] = await (await all.queues.queue(probe)).getDelayed()
    expect(job?.delay).toBeGreaterThan(3_500_000)
    expect(job?.delay).toBeLessThanOrEqual(3_600_000)
    expect(job).toMatchObject({ opts: { attempts: 1 }, data: { row: id, spent: 2 } })
    expect(JSON.stringify(job)).not.toContain('later')
  })

  it('grants one more attempt to what has spent them all', async () => {
    await request('dish')
    await all.system.pool.query(`update jobs set attempts = 3`)
    await pass()
    expect((await (await all.queues.queue(probe)).getWaiting())[0]).toMatchObject({ opts: { attempts: 1 }, data: { spent: 2 } })
  })

  it.each(['active', 'retrying'])('holds work back while the same work is %s, for its tenant only', async (state) => {
    const first = await request('dish', { queue: keyed })
    await pass()
    await all.system.pool.query(`update jobs set state = $1`, [state])
    const second = await request('dish', { queue: keyed })
    expect(second).not.toBe(first)
    await all.runtime.tenantTransaction(tenantB, (tx) => enqueue(tx, keyed, { version: 1, tenantId: tenantB, name: 'dish' }))
    expect(await pass()).toBe(1)
    expect((await all.row(second))?.state).toBe('pending')
    await all.system.pool.query(`update jobs set state = 'completed' where id = $1`, [first])
    expect(await pass()).toBe(1)
    expect((await all.row(second))?.state).toBe('waiting')
  })

  it('holds nothing back for the same word on another queue', async () => {
    await request('dish', { queue: keyed })
    await pass()
    await all.system.pool.query(`update jobs set state = 'active'`)
    await request('x', { queue: paced, dedupeId: 'dish' })
    expect(await pass()).toBe(1)
  })
})
