import { once } from 'node:events'
import type { Transaction } from '@slipway/db'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { createJobAdministration, enqueue, type JobAdministration, type JobChange, type QueueDefinition } from './index.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { keyed, type ProbePayload, probe, probeQueues } from './probe-queues.fixtures.ts'

const inA = { tenantId: tenantA }
const inB = { tenantId: tenantB }
const by = { actor: 'user-1' }
const notFound = expect.objectContaining({ code: 'resource.not-found' })
const notRetryable = expect.objectContaining({ code: 'job.not-retryable' })

describe('job administration', () => {
  let all: Harness
  let jobs: JobAdministration
  let changes: JobChange[]
  let refuseChange: boolean
  beforeEach(async () => {
    all = await harness()
    changes = []
    refuseChange = false
    const onChange = async (_tx: Transaction, change: JobChange) => {
      changes.push(change)
      if (refuseChange) throw new Error('the audit trail is full')
    }
    jobs = createJobAdministration({ queues: all.queues, definitions: probeQueues, runtime: all.runtime, system: all.system, onChange })
  })
  afterEach(() => all[Symbol.asyncDispose]())

  const request = (
    name: string,
    more: { tenantId?: string; fail?: number; queue?: QueueDefinition<ProbeContext, ProbePayload>; delay?: number; attempts?: number } = {},
  ) => {
    const { tenantId = tenantA, queue = probe, delay, attempts, ...rest } = more
    return all.runtime.tenantTransaction(tenantId, (tx) => enqueue(tx, queue, { version: 1, tenantId, name, ...rest }, { delay, attempts }))
  }
  const waiting = (id: string) =>
    all.until(
      () => all.row(id),
      (row) => row?.state === 'waiting',
    )

  it('lists, newest first, page by page, and filters', async () => {
    const ids = [await request('1'), await request('2'), await request('3', { queue: keyed })]
    expect((await jobs.list(inA)).map(({ id }) => id)).toEqual(ids.toReversed())
    const page = await jobs.list(inA, { limit: 2 })
    expect((await jobs.list(inA, { limit: 2, before: page.at(-1)?.id })).map(({ id }) => id)).toEqual([ids[0]])
    expect(await jobs.list(inA, { queue: 'probe-keyed' })).toMatchObject([{ id: ids[2], key: '3', state: 'pending', durable: true }])
    expect(await jobs.list(inA, { states: ['dead'] })).toEqual([])
  })

  it('shows a tenant its own jobs only, and operators all of them', async () => {
    const id = await request('mine')
    const platform = await all.runtime.transaction((tx) => enqueue(tx, probe, { version: 1, name: 'platform' }))
    expect((await jobs.list(inB)).length).toBe(0)
    for (const other of [id, platform, '018f0000-0000-7000-8000-0000000000ee', 'nonsense']) {
      await expect(jobs.get(inB, other)).rejects.toEqual(notFound)
      for (const action of ['retry', 'replay', 'cancel'] as const) await expect(jobs[action](inB, other, by)).rejects.toEqual(notFound)
    }
    expect((await jobs.list('operator')).map((job) => [job.id, job.tenantId])).toEqual([
      [platform, null],
      [id, tenantA],
    ])
    expect(await jobs.get(inA, id)).toMatchObject({ payload: { name: 'mine' }, tenantId: tenantA })
    await expect(jobs.list({ tenantId: '00000000-0000-0000-0000-000000000000' })).rejects.toThrow(TypeError)
    expect(changes).toEqual([])
  })

  it('counts by queue and state, with the age of the oldest that waits', async () => {
    const first = await request('1')
    await request('2')
    await request('later', { delay: 3_600_000 })
    const overview = await jobs.counts(inA)
    expect(overview.map(({ queue }) => queue)).toEqual(probeQueues.map(({ name }) => name))
    expect(overview[0]).toMatchObject({ jobs: { pending: 3, dead: 0 }, redis: null })
    expect(overview[0]?.oldestWaitingAt).toEqual((await jobs.get(inA, first)).createdAt)
    expect(overview[1]?.oldestWaitingAt).toBeNull()
    expect((await jobs.counts(inB))[0]?.jobs.pending).toBe(0)
    await all.queues.add(probe, { version: 1, name: 'fast' })
    expect((await jobs.counts('operator'))[0]).toMatchObject({ jobs: { pending: 3 }, redis: { waiting: 1 } })
    await all.redis.part.stop()
    expect((await jobs.counts('operator'))[0]?.redis).toBeNull()
  })

  it('tells how long jobs waited and ran within a day, of one tenant or of all', async () => {
    await all.workers()
    const [short, long, other] = [await request('short'), await request('long'), await request('other', { tenantId: tenantB })]
    for (const id of [short, long, other]) await all.ended(id)
    // As if they had happened so: times are never measured by a test.
    const times = `update jobs set attempts = $4, created_at = now() - interval '1 hour', run_at = now() - interval '1 hour',
      started_at = now() - interval '1 hour' + $2 * interval '1 second',
      finished_at = now() - interval '1 hour' + ($2 + $3) * interval '1 second' where id = $1`
    await all.system.pool.query(times, [short, 10, 2, 1])
    await all.system.pool.query(times, [long, 20, 4, 1])
    await all.system.pool.query(times, [other, 30, 90, 2])
    const [inTenant] = await jobs.counts(inA)
    expect(inTenant).toMatchObject({ waited: { jobs: 2, median: 15, p95: 19.5 }, ran: { jobs: 2, median: 3, p95: 3.9 } })
    // A second attempt has waited for its backoff, so it counts for the run only.
    const [overall] = await jobs.counts('operator')
    expect(overall).toMatchObject({ waited: { jobs: 2 }, ran: { jobs: 3, median: 4 } })
    await all.system.pool.query(`update jobs set started_at = started_at - interval '1 day'`)
    expect((await jobs.counts('operator'))[0]).toMatchObject({ waited: null, ran: null })
  })

  it('tells how many workers take the jobs of a queue, and nothing when Redis is away', async () => {
    expect((await jobs.counts(inA))[0]?.workers).toBe(0)
    const first = await all.workers()
    await all.workers()
    const workers = async () => (await jobs.counts(inA))[0]?.workers
    await all.until(workers, (count) => count === 2, 'at once')
    await first.stop(1000)
    await all.until(workers, (count) => count === 1, 'at once')
    await all.redis.part.stop()
    expect(await workers()).toBeNull()
  })

  it('names the trace that a job was requested in', async () => {
    const id = await request('traced')
    await all.system.pool.query(`update jobs set traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' where id = $1`, [
      id,
    ])
    expect((await jobs.get(inA, id)).traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    expect((await jobs.list(inA))[0]?.traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    const fast = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'untraced' })
    expect((await jobs.get(inA, fast)).traceId).toBeNull()
  })

  it('retries a dead letter as the same job, with all its attempts', async () => {
    await all.workers()
    const id = await request('hopeless', { fail: 3 })
    await all.ended(id, 'dead')
    await all.system.pool.query(`update jobs set payload = payload - 'fail' where id = $1`, [id])
    expect(await jobs.retry(inA, id, by)).toMatchObject({ id, state: 'pending', attempts: 0, actor: 'user-1', finishedAt: null })
    expect(await all.ended(id)).toMatchObject({ run: 2, attempts: 1 })
    expect(changes).toMatchObject([{ action: 'retry', actor: 'user-1', job: { id, state: 'dead', reason: 'attempt 3 of hopeless fails' } }])
    await expect(jobs.retry(inA, id, by)).rejects.toEqual(notRetryable)
  })

  it.each(['retry', 'replay'] as const)('gives a job at %s the attempts that it was requested with', async (action) => {
    await all.workers()
    const id = await request('stubborn', { fail: 9, attempts: 2 })
    await all.ended(id, 'dead')
    const again = await jobs[action](inA, id, by)
    expect(again).toMatchObject({ state: 'pending', attempts: 0, maxAttempts: 2 })
    const ended = await all.until(
      () => all.row(again.id),
      (row) => row?.state === 'dead' && (row.run > 1 || row.id !== id),
    )
    expect(ended).toMatchObject({ attempts: 2, reason: 'attempt 2 of stubborn fails' })
  })

  it('retries a dead letter of the fast path', async () => {
    await all.workers()
    const id = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'hopeless', fail: 9 })
    await all.ended(id, 'dead')
    await all.system.pool.query(`update jobs set payload = payload - 'fail' where id = $1`, [id])
    await jobs.retry(inA, id, by)
    await all.ended(id)
    expect(await all.runs('hopeless')).toBe(1)
  })

  it('lets what waits for its next attempt go at once', async () => {
    await all.workers({}, ({ attempt }) => {
      if (attempt === 1) throw new Error('once')
    })
    const id = await request('x')
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'retrying' || row?.state === 'completed',
    )
    await jobs.retry(inA, id, by).catch((error: unknown) => expect(error).toEqual(notRetryable))
    expect(await all.ended(id)).toMatchObject({ attempts: 2 })
    expect(await all.runs('x')).toBe(1)
  })

  it('does not retry work that already waits as another job', async () => {
    await all.workers()
    const id = await request('dish', { queue: keyed, fail: 9 })
    await all.ended(id, 'dead')
    await request('dish', { queue: keyed, delay: 3_600_000 })
    await expect(jobs.retry(inA, id, by)).rejects.toEqual(notRetryable)
    expect((await all.row(id))?.state).toBe('dead')
  })

  it('replays an ended job as a new one, and takes it off the dead letters', async () => {
    await all.workers()
    const id = await request('hopeless', { fail: 9 })
    await all.ended(id, 'dead')
    const replayed = await jobs.replay(inA, id, by)
    expect(replayed).toMatchObject({ state: 'pending', replayOf: id, actor: 'user-1', payload: { name: 'hopeless' } })
    expect(replayed.id).not.toBe(id)
    await all.ended(replayed.id, 'dead')
    expect(await jobs.get(inA, id)).toMatchObject({ state: 'failed', replayedAs: replayed.id })
    expect(await jobs.list(inA, { states: ['dead'] })).toMatchObject([{ id: replayed.id }])
    const fine = await request('fine')
    await all.ended(fine)
    expect(await jobs.get(inA, fine)).toMatchObject({ state: 'completed', progress: 50 })
    await all.ended((await jobs.replay('operator', fine, by)).id)
    expect(await all.runs('fine')).toBe(2)
    expect(changes.map(({ action }) => action)).toEqual(['replay', 'replay'])
  })

  it('does not replay what has not ended, or what its queue would not take any more', async () => {
    const id = await request('x')
    await expect(jobs.replay(inA, id, by)).rejects.toEqual(notRetryable)
    await all.system.pool.query(`update jobs set state = 'dead', payload = '{"version":0}' where id = $1`, [id])
    await expect(jobs.replay(inA, id, by)).rejects.toMatchObject({ code: 'request.invalid' })
    await all.system.pool.query(`update jobs set queue = 'gone' where id = $1`, [id])
    await expect(jobs.replay(inA, id, by)).rejects.toEqual(notRetryable)
  })

  it('cancels what waits, so that it never runs', async () => {
    const pending = await request('pending')
    expect(await jobs.cancel(inA, pending, by)).toMatchObject({ state: 'cancelled' })
    const workers = await all.workers()
    const delayed = await request('delayed', { delay: 3_600_000 })
    await waiting(delayed)
    await jobs.cancel(inA, delayed, by)
    expect(await (await all.queues.queue(probe)).getDelayedCount()).toBe(0)
    await all.ended(await request('other'))
    await workers.stop(1000)
    expect(await all.effects()).toEqual(['other'])
    await expect(jobs.cancel(inA, pending, by)).rejects.toEqual(notRetryable)
    expect((await jobs.retry(inA, pending, by)).state).toBe('pending')
  })

  it('cancels what runs through its signal', async () => {
    await all.workers({ tuning: { poll: 3_600_000 } }, async ({ payload, signal }) => {
      if (payload.name === 'long') await once(signal, 'abort')
      signal.throwIfAborted()
    })
    const id = await request('long')
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'active',
    )
    expect(await jobs.cancel(inA, id, by)).toMatchObject({ state: 'active', cancelRequestedAt: expect.any(Date) })
    expect(await all.ended(id, 'cancelled')).toMatchObject({ attempts: 1 })
    expect(await all.effects()).toEqual([])
  })

  it('cancels what runs also when the hint is lost', async () => {
    await all.workers({}, async ({ signal }) => {
      await once(signal, 'abort')
      signal.throwIfAborted()
    })
    const id = await request('long')
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'active',
    )
    await all.system.pool.query(`update jobs set cancel_requested_at = now() where id = $1`, [id])
    await all.ended(id, 'cancelled')
  })

  it('shows and cancels jobs of the fast path, within the tenant', async () => {
    const id = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'fast' }, { delay: 3_600_000 })
    expect(await jobs.get(inA, id)).toMatchObject({ id, state: 'waiting', durable: false, payload: { name: 'fast' } })
    await expect(jobs.get(inB, id)).rejects.toEqual(notFound)
    await expect(jobs.cancel(inB, id, by)).rejects.toEqual(notFound)
    expect(await jobs.cancel(inA, id, by)).toMatchObject({ state: 'cancelled' })
    await expect(jobs.get(inA, id)).rejects.toEqual(notFound)
    expect(changes).toMatchObject([{ action: 'cancel', job: { id } }])
  })

  it('changes nothing that cannot be audited', async () => {
    const id = await request('x')
    refuseChange = true
    await expect(jobs.cancel(inA, id, by)).rejects.toThrow('the audit trail is full')
    expect((await all.row(id))?.state).toBe('pending')
  })
})
