import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA } from './harness.fixtures.ts'
import { type AttemptEnd, enqueue, JobTimeout, type QueueDefinition, type QueueLog, UnrecoverableError } from './index.ts'
import { silentLog } from './log.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { hurried, keyed, type ProbePayload, paced, probe, unimportant } from './probe-queues.fixtures.ts'

describe('a run', () => {
  let all: Harness
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(() => all[Symbol.asyncDispose]())

  const request = (queue: QueueDefinition<ProbeContext, ProbePayload>, name: string, fail?: number) =>
    all.runtime.tenantTransaction(tenantA, (tx) =>
      enqueue(tx, queue, { version: 1, tenantId: tenantA, name, ...(fail === undefined ? {} : { fail }) }),
    )

  it('tells its processor what it is', async () => {
    let seen: object | undefined
    await all.workers({}, (run) => {
      const { id, queue, attempt, payload, traceId } = run
      seen = { id, queue, attempt, payload, traceId }
    })
    const id = await request(probe, 'seen')
    await all.ended(id)
    expect(seen).toEqual({ id, queue: 'probe', attempt: 1, payload: { version: 1, tenantId: tenantA, name: 'seen' }, traceId: null })
  })

  it('that is too long is aborted, and fails as a timeout', async () => {
    const reasons: unknown[] = []
    await all.workers({}, async ({ signal }) => {
      await once(signal, 'abort')
      reasons.push(signal.reason)
      throw new Error('stopped')
    })
    expect(await all.ended(await request(hurried, 'slow'), 'dead')).toMatchObject({ reason: 'took longer than 150 ms' })
    expect(reasons).toEqual([expect.any(JobTimeout)])
  })

  it('that ignores its deadline is left behind, and its place is free', async () => {
    const told: string[] = []
    const log: QueueLog = { ...silentLog, error: (_fields, message) => void told.push(message), child: () => log }
    const forever = Promise.withResolvers<void>()
    await all.workers({ log }, ({ payload }) => (payload.name.startsWith('stubborn') ? forever.promise : undefined))
    const stubborn = await Promise.all([1, 2, 3, 4].map((n) => request(hurried, `stubborn ${n}`)))
    for (const id of stubborn) expect(await all.ended(id, 'dead')).toMatchObject({ reason: 'took longer than 150 ms' })
    await all.ended(await request(hurried, 'next'))
    expect(told).toContain('the processor ignores its signal and was left behind')
    forever.resolve()
  })

  it('does not try again what its processor calls hopeless', async () => {
    await all.workers({}, () => {
      throw new UnrecoverableError('the dish is gone')
    })
    expect(await all.ended(await request(probe, 'x'), 'dead')).toMatchObject({ attempts: 1, reason: 'the dish is gone' })
  })

  it('does not begin with a payload of another schema', async () => {
    const id = await request(probe, 'x')
    await all.system.pool.query(`update jobs set payload = '{"version":9,"name":7}' where id = $1`, [id])
    const touched: string[] = []
    await all.workers({}, ({ id: seen }) => void touched.push(seen))
    expect(await all.ended(id, 'dead')).toMatchObject({ attempts: 1, reason: expect.stringContaining('/payload/version') })
    const queue = await all.queues.queue(probe)
    await queue.add('probe', { nothing: 'we know' })
    const rows = await all.until(all.rows, (found) => found.length === 2)
    expect(rows.every(({ state }) => state === 'dead')).toBe(true)
    expect(touched).toEqual([])
  })

  it('may fail with anything at all, and still leaves a dead letter', async () => {
    await all.workers({}, () => {
      throw new UnrecoverableError('\u0000 in the dish')
    })
    expect(await all.ended(await request(probe, 'x'), 'dead')).toMatchObject({ reason: '\ufffd in the dish' })
    const fast = await all.queues.add(probe, { version: 1, name: 'nul \u0000 and half \ud800' })
    expect(await all.ended(fast, 'dead')).toMatchObject({ payload: { name: 'nul \ufffd and half \ufffd' } })
    await expect(request(probe, 'nul \u0000')).rejects.toMatchObject({ code: 'request.invalid' })
  })

  it('whose failure nobody needs to see is not a dead letter', async () => {
    await all.workers()
    const id = await request(unimportant, 'x', 9)
    expect(await all.ended(id, 'failed')).toMatchObject({ attempts: 1 })
    await all.queues.add(unimportant, { version: 1, name: 'y', fail: 9 })
    await all.ended(await request(probe, 'later'))
    expect((await all.rows()).filter(({ state }) => state === 'dead')).toEqual([])
  })

  it('reports progress, waits and outcomes', async () => {
    const told: [string, AttemptEnd['outcome'] | 'started', number?][] = []
    const metrics = {
      started: (queue: string) => void told.push([queue, 'started']),
      finished: ({ queue, outcome, attempts }: AttemptEnd) => void told.push([queue, outcome, attempts]),
      stalled: () => undefined,
    }
    const workers = await all.workers({ metrics })
    const id = await request(probe, 'x', 1)
    await all.ended(id)
    const job = await (await all.queues.queue(probe)).getJob(`${id}.1`)
    expect(job?.progress).toBe(50)
    await workers.stop(1000)
    expect(told).toEqual([
      ['probe', 'started'],
      ['probe', 'retrying', 1],
      ['probe', 'started'],
      ['probe', 'completed', 2],
    ])
  })

  it('that fails for good is told once, with its attempts', async () => {
    const ends: AttemptEnd[] = []
    const metrics = { started: () => undefined, finished: (end: AttemptEnd) => void ends.push(end), stalled: () => undefined }
    const workers = await all.workers({ metrics })
    await all.ended(await request(probe, 'x', 9), 'dead')
    await all.ended(await request(probe, 'after it'))
    await workers.stop(1000)
    const dead = ends.filter(({ outcome }) => outcome === 'dead')
    expect(dead).toEqual([{ queue: 'probe', outcome: 'dead', milliseconds: expect.any(Number) as number, attempts: probe.attempts }])
  })

  it('twice changes nothing the second time: a row that has ended is not taken up again', async () => {
    await all.workers()
    const id = await request(keyed, 'once')
    await all.ended(id)
    const queue = await all.queues.queue(keyed)
    await queue.add('probe-keyed', { row: id, run: 1, spent: 0 }, { jobId: 'again' })
    await all.ended(await request(keyed, 'other'))
    await all.until(
      async () => (await queue.getJob('again'))?.getState(),
      (state) => state !== 'waiting' && state !== 'active',
    )
    expect(await all.effects()).toEqual(['once', 'other'])
  })

  it('is paced over all workers of the queue', async () => {
    await all.workers()
    await all.workers()
    await request(paced, 'first')
    await request(paced, 'second')
    await all.until(all.effects, (names) => names.length === 1)
    await all.ended(await request(probe, 'unpaced'))
    expect((await all.effects()).filter((name) => name !== 'unpaced')).toHaveLength(1)
  })
})
