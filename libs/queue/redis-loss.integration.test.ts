import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA } from './harness.fixtures.ts'
import { createQueues, enqueue } from './index.ts'
import { keyed, probe, probeQueues, unimportant } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'

describe('when Redis', () => {
  let all: Harness
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(() => all[Symbol.asyncDispose]())

  const request = (name: string, options: { delay?: number } = {}) =>
    all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { version: 1, tenantId: tenantA, name }, options))
  const wipe = async () => {
    const client = new Redis(all.redis.url)
    await client.flushall()
    client.disconnect()
  }

  it('is wiped, every job that is owed runs', async () => {
    const gate = Promise.withResolvers<void>()
    await all.workers({}, () => gate.promise)
    const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => request(`job ${n}`)))
    await all.until(
      all.rows,
      (rows) => rows.filter(({ state }) => state === 'active').length === 4 && rows.every(({ state }) => state !== 'pending'),
    )
    await wipe()
    gate.resolve()
    for (const id of ids) await all.ended(id)
    expect(await all.effects()).toHaveLength(30)
    expect((await all.rows()).every(({ attempts }) => attempts === 1)).toBe(true)
  })

  it('is wiped, jobs that wait for later still wait', async () => {
    await all.workers()
    const id = await request('later', { delay: 3_600_000 })
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'waiting',
    )
    await wipe()
    const queue = await all.queues.queue(probe)
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'waiting',
    )
    await all.until(
      () => queue.getDelayedCount(),
      (count) => count > 0,
      'at once',
    )
    expect(await all.effects()).toEqual([])
  })

  it('is away, requests are still taken, and run when it is back', async () => {
    await all.workers()
    await all.ended(await request('before'))
    await all.redis.part.stop()
    const ids = await Promise.all([request('during'), request('during too')])
    expect((await all.rows()).filter(({ state }) => state === 'pending')).toHaveLength(2)
    await all.redis.restart()
    for (const id of ids) await all.ended(id)
    expect(await all.effects()).toEqual(['before', 'during', 'during too'])
  })

  it('is away, the fast path says so at once and works again afterwards', async () => {
    await all.queues.add(probe, { version: 1, name: 'before' })
    await all.redis.part.stop()
    await expect(all.queues.add(probe, { version: 1, name: 'x' })).rejects.toMatchObject({ code: 'redis.unavailable', status: 503 })
    await expect(all.queues.counts(probe)).rejects.toMatchObject({ code: 'redis.unavailable' })
    await expect(all.queues.ready()).rejects.toMatchObject({ code: 'redis.unavailable' })
    await using fresh = createQueues({ redisUrl: all.redis.url, prefix, definitions: probeQueues })
    await expect(fresh.add(probe, { version: 1, name: 'x' })).rejects.toMatchObject({ code: 'redis.unavailable' })
    await all.redis.restart()
    for (const queues of [all.queues, fresh]) {
      const added = await all.until(
        async () => queues.add(probe, { version: 1, name: 'after' }).catch(() => all.runtime.ready()),
        (id) => id !== undefined,
        'at once',
      )
      expect(added).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('has a job whose row was not settled, the row is settled from it', async () => {
    await all.workers()
    const completed = await request('fine')
    await all.ended(completed)
    const [dead, failed] = await all.runtime.tenantTransaction(tenantA, async (tx) => [
      await enqueue(tx, keyed, { version: 1, tenantId: tenantA, name: 'dead', fail: 9 }),
      await enqueue(tx, unimportant, { version: 1, tenantId: tenantA, name: 'failed', fail: 9 }),
    ])
    await all.ended(dead, 'dead')
    await all.ended(failed, 'failed')
    await all.system.pool.query(`update jobs set state = 'active', deadline_at = now(), finished_at = null, reason = null`)
    expect(await all.ended(completed)).toMatchObject({ attempts: 1 })
    expect(await all.ended(dead, 'dead')).toMatchObject({ reason: 'attempt 3 of dead fails' })
    expect(await all.ended(failed, 'failed')).toMatchObject({ reason: 'attempt 1 of failed fails' })
    expect(await all.runs('fine')).toBe(1)
  })

  it('has failed jobs without a dead letter, they get one', async () => {
    const queue = await all.queues.queue(probe)
    const client = new Redis(all.redis.url, { db: 3 })
    const job = await queue.add(
      'probe',
      { payload: { version: 1, tenantId: tenantA, name: 'unseen' } },
      { jobId: '018f0000-0000-7000-8000-0000000000ff' },
    )
    await client
      .multi()
      .lrem(`${prefix}:probe:wait`, 1, job.id!)
      .zadd(`${prefix}:probe:failed`, Date.now(), job.id!)
      .hset(`${prefix}:probe:${job.id}`, 'failedReason', 'boom', 'finishedOn', Date.now())
      .exec()
    client.disconnect()
    await all.workers()
    expect(await all.ended(job.id!, 'dead')).toMatchObject({ reason: 'boom', tenant_id: tenantA })
    await all.until(
      () => queue.getFailedCount(),
      (count) => count === 0,
      'at once',
    )
  })
})

describe('when Postgres', () => {
  it('does not answer, a job is put off and keeps its attempts', async () => {
    await using all = await harness()
    const id = await all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { version: 1, tenantId: tenantA, name: 'dish' }))
    const { rows } = await all.system.pool.query<{ role: string }>('select current_user as role')
    const owner = new Client({ connectionString: all.database.adminUrl })
    await owner.connect()
    const queue = await all.queues.queue(probe)
    await owner.query(`update probe.jobs set state = 'waiting'; revoke update on probe.jobs from ${rows[0]?.role}`)
    await queue.add('probe', { row: id, run: 1, spent: 0 }, { jobId: `${id}.1` })
    await all.workers()
    await all.until(
      () => queue.getDelayedCount(),
      (count) => count > 0,
      'at once',
    )
    await owner.query(`grant update on probe.jobs to ${rows[0]?.role}`)
    await owner.end()
    expect(await all.ended(id)).toMatchObject({ attempts: 1 })
  })
})
