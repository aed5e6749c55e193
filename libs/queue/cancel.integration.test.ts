import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { createJobAdministration, enqueue, type JobAdministration, type JobScope } from './index.ts'
import { hurried, keyed, probe, probeQueues } from './probe-queues.fixtures.ts'

const inA = { tenantId: tenantA }
const inB = { tenantId: tenantB }
const by = { actor: 'user-1' }
const notFound = expect.objectContaining({ code: 'resource.not-found' })
const notRetryable = expect.objectContaining({ code: 'job.not-retryable' })
const platform = '00000000-0000-0000-0000-000000000000'

let all: Harness
let jobs: JobAdministration
beforeEach(async () => {
  all = await harness()
  const { queues, runtime, system } = all
  jobs = createJobAdministration({ queues, definitions: probeQueues, runtime, system })
})
afterEach(() => all[Symbol.asyncDispose]())

const request = (name: string, { queue = probe, fail, delay }: { queue?: typeof probe; fail?: number; delay?: number } = {}) =>
  all.runtime.tenantTransaction(tenantA, (tx) =>
    enqueue(tx, queue, { version: 1, tenantId: tenantA, name, ...(fail ? { fail } : {}) }, { delay }),
  )
const becomes = (id: string, state: string) =>
  all.until(
    () => all.row(id),
    (row) => row?.state === state,
  )

/** A processor that a test holds, and that says when it is inside. */
function held() {
  const inside = Promise.withResolvers<AbortSignal>()
  const way = Promise.withResolvers<void>()
  const during = async ({ signal }: { signal: AbortSignal }) => {
    inside.resolve(signal)
    await way.promise
  }
  return { entered: inside.promise, leave: () => way.resolve(), during }
}

describe('the walls between tenants', () => {
  type Call = (scope: JobScope, id: string) => Promise<unknown>
  const calls: [string, Call][] = [
    ['get', (scope, id) => jobs.get(scope, id)],
    ['retry', (scope, id) => jobs.retry(scope, id, by)],
    ['replay', (scope, id) => jobs.replay(scope, id, by)],
    ['cancel', (scope, id) => jobs.cancel(scope, id, by)],
  ]

  it.each(calls)('%s: a job of another tenant, or of the platform, is as missing as one that never was', async (_name, call) => {
    const foreign = await request('theirs')
    const own = await all.system.transaction((tx) => enqueue(tx, probe, { version: 1, name: 'platform' }))
    const fast = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'fast' })
    const platformFast = await all.queues.add(probe, { version: 1, name: 'platform fast' })
    await all.system.pool.query(`update jobs set state = 'dead'`)
    const before = await all.rows()
    const unknown = '018f0000-0000-7000-8000-0000000000aa'
    for (const id of [foreign, own, fast, platformFast, unknown]) {
      const error: unknown = await call(inB, id).catch((thrown: unknown) => thrown)
      expect(error).toEqual(notFound)
      expect(error).toMatchObject({ message: `there is no job ${id}` })
    }
    expect(await all.rows()).toEqual(before)
    expect(await all.queues.counts(probe)).toMatchObject({ waiting: 2 })
  })

  it.each(calls)('%s: an id that is none is missing too, and never reaches the database', async (_name, call) => {
    for (const id of ['', 'x', `' or true --`, `${tenantA}.1`, '../jobs']) await expect(call(inA, id)).rejects.toEqual(notFound)
  })

  it('nobody passes for the platform by its tenant', async () => {
    await expect(jobs.list({ tenantId: platform })).rejects.toThrow('the platform is not a tenant')
    await expect(jobs.cancel({ tenantId: platform }, tenantA, by)).rejects.toThrow('the platform is not a tenant')
  })

  it('counts and lists know nothing of the neighbours, whatever the filter', async () => {
    const foreign = await request('theirs')
    for (const filter of [{}, { queue: 'probe' }, { states: ['pending' as const] }, { before: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }]) {
      expect(await jobs.list(inB, filter)).toEqual([])
      expect(await jobs.list(inA, filter)).toMatchObject([{ id: foreign }])
    }
    for (const { jobs: counted, oldestWaitingAt, redis } of await jobs.counts(inB)) {
      expect([Object.values(counted).every((count) => count === 0), oldestWaitingAt, redis]).toEqual([true, null, null])
    }
  })

  it('a replay stays within the tenant of the job, also when an operator asks for it', async () => {
    const id = await request('dish')
    await all.system.pool.query(`update jobs set state = 'dead'`)
    const { id: replayed } = await jobs.replay('operator', id, by)
    expect(await all.row(replayed)).toMatchObject({ tenant_id: tenantA, replay_of: id })
  })
})

describe('a replay', () => {
  it('does not push an old payload into a newer request for the same work', async () => {
    const old = await request('dish', { queue: keyed, fail: 9 })
    await all.system.pool.query(`update jobs set state = 'dead'`)
    const newer = await request('dish', { queue: keyed })
    await expect(jobs.replay(inA, old, by)).rejects.toEqual(notRetryable)
    expect(await all.row(newer)).toMatchObject({ payload: { name: 'dish' }, replay_of: null, actor: null })
    expect((await all.row(newer))?.payload).not.toHaveProperty('fail')
    expect((await all.row(old))?.state).toBe('dead')
  })

  it('of the same letter twice makes one job that waits, not two', async () => {
    const id = await request('dish', { queue: keyed })
    await all.system.pool.query(`update jobs set state = 'dead'`)
    const outcomes = await Promise.allSettled([jobs.replay(inA, id, by), jobs.replay(inA, id, by)])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await all.rows()).toHaveLength(2)
  })

  it('comes after the same work that runs', async () => {
    const { entered, leave, during } = held()
    const id = await request('dish', { queue: keyed })
    await all.system.pool.query(`update jobs set state = 'dead'`)
    await all.workers({}, during)
    const running = await request('dish', { queue: keyed })
    await entered
    const { id: replayed } = await jobs.replay(inA, id, by)
    expect((await all.row(replayed))?.state).toBe('pending')
    leave()
    await all.ended(running)
    await all.ended(replayed)
  })

  it('that nobody was told of is found by the poll', async () => {
    await all.workers()
    const id = await request('dish', { fail: 9 })
    await all.ended(id, 'dead')
    // As if the process died between the commit and the wake-up.
    await all.system.pool.query(`update jobs set state = 'pending', run = 2, attempts = 0, payload = payload - 'fail' where id = $1`, [id])
    expect(await all.ended(id)).toMatchObject({ run: 2, attempts: 1 })
  })
})

describe('a cancellation', () => {
  it('between two attempts ends the job at once', async () => {
    await all.workers({ definitions: [{ ...probe, backoff: { type: 'fixed', delay: 3_600_000, jitter: 0 } }] })
    const id = await request('dish', { fail: 1 })
    await becomes(id, 'retrying')
    expect(await jobs.cancel(inA, id, by)).toMatchObject({ state: 'cancelled', attempts: 1 })
    await expect(jobs.cancel(inA, id, by)).rejects.toEqual(notRetryable)
    expect(await all.effects()).toEqual([])
  })

  it('may be asked for again while the job runs', async () => {
    const { entered, leave, during } = held()
    await all.workers({}, during)
    const id = await request('dish')
    const signal = await entered
    await jobs.cancel(inA, id, by)
    await jobs.cancel(inA, id, { actor: 'user-2' })
    if (!signal.aborted) await once(signal, 'abort')
    leave()
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'completed' || row?.state === 'cancelled',
    )
  })

  it('that comes too late for the processor does not deny its work', async () => {
    const { entered, leave, during } = held()
    await all.workers({ tuning: { grace: 20_000 } }, during)
    const id = await request('dish')
    const signal = await entered
    await jobs.cancel(inA, id, by)
    if (!signal.aborted) await once(signal, 'abort')
    leave()
    await all.ended(id)
    expect(await all.runs('dish')).toBe(1)
  })

  it('of a job that does not listen ends the job all the same, and what it says later changes nothing', async () => {
    const inside = Promise.withResolvers<() => void>()
    const forever = Promise.withResolvers<void>()
    await all.workers({}, async (run) => {
      inside.resolve(() => run.progress({ said: 'too late' }))
      await forever.promise
    })
    const id = await request('deaf')
    const report = await inside.promise
    await jobs.cancel(inA, id, by)
    await all.ended(id, 'cancelled')
    report()
    forever.resolve()
    await all.until(all.effects, (names) => names.length === 1)
    expect(await all.row(id)).toMatchObject({ state: 'cancelled', attempts: 1 })
    expect(await jobs.get(inA, id)).not.toMatchObject({ progress: { said: 'too late' } })
  })

  it('reaches a job whose worker is gone, when the next one takes it up', async () => {
    const id = await request('dish')
    await all.system.pool.query(`update jobs set state = 'active', attempts = 1, deadline_at = now() - interval '1 s'`)
    await jobs.cancel(inA, id, by)
    await all.workers()
    await all.ended(id, 'cancelled')
    expect(await all.effects()).toEqual([])
  })

  it('lets the next request for the same work through', async () => {
    const { entered, leave, during } = held()
    await all.workers({ tuning: { poll: 3_600_000 } }, during)
    const first = await request('dish', { queue: keyed })
    await entered
    const second = await request('dish', { queue: keyed })
    await jobs.cancel(inA, first, by)
    await all.ended(first, 'cancelled')
    leave()
    await all.ended(second)
  })

  it('without Redis is kept, and the job does not run when Redis is back', async () => {
    const waits = await request('waits')
    await all.redis.part.stop()
    expect(await jobs.cancel(inA, waits, by)).toMatchObject({ state: 'cancelled' })
    await all.redis.restart()
    await all.workers()
    await all.ended(await request('other'))
    expect(await all.effects()).toEqual(['other'])
  })

  it('stops a running job of the fast path, but not that of another tenant', async () => {
    const { entered, leave, during } = held()
    await all.workers({}, during)
    const id = await all.queues.add(probe, { version: 1, tenantId: tenantA, name: 'fast' })
    const signal = await entered
    await expect(jobs.cancel(inB, id, by)).rejects.toEqual(notFound)
    expect(signal.aborted).toBe(false)
    expect(await jobs.cancel(inA, id, by)).toMatchObject({ state: 'active', cancelRequestedAt: expect.any(Date) })
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ name: 'JobCancelled' })
    leave()
    await all.until(
      async () => (await jobs.get(inA, id)).state,
      (state) => state === 'completed',
      'at once',
    )
    await expect(jobs.cancel(inA, id, by)).rejects.toEqual(notRetryable)
  })

  it('is not what a deadline is: that is a failure', async () => {
    await all.workers({}, async ({ signal }) => {
      await once(signal, 'abort')
      signal.throwIfAborted()
    })
    const id = await request('slow', { queue: hurried })
    expect(await all.ended(id, 'dead')).toMatchObject({ reason: 'took longer than 150 ms' })
    expect((await jobs.get(inA, id)).cancelRequestedAt).toBeNull()
  })
})
