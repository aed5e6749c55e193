import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { type Context, context, propagation, ROOT_CONTEXT, type TextMapPropagator, TraceFlags, trace } from '@opentelemetry/api'
import { BullMQOtel } from 'bullmq-otel'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA } from './harness.fixtures.ts'
import { checkRedisPolicy, enqueue, JobLost, type QueueDefinition, type Schedule } from './index.ts'
import type { ProbeContext } from './probe-processor.fixtures.ts'
import { hurried, keyed, type ProbePayload, paced, probe, probeQueues } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'

const hour = 3_600_000

describe('a worker host', () => {
  let all: Harness
  beforeEach(async () => {
    all = await harness()
  })
  afterEach(() => all[Symbol.asyncDispose]())

  const request = (name: string, queue: QueueDefinition<ProbeContext, ProbePayload> = probe) =>
    all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, queue, { version: 1, tenantId: tenantA, name }))

  describe('that stops', () => {
    it('waits for the jobs that run and takes no others', async () => {
      const entered = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const workers = await all.workers({}, async () => {
        entered.resolve()
        await gate.promise
      })
      const running = await request('running')
      await entered.promise
      const stopped = workers.stop(hour)
      const later = await request('later')
      gate.resolve()
      expect(await stopped).toBe(0)
      expect((await all.row(running))?.state).toBe('completed')
      expect(['pending', 'waiting']).toContain((await all.row(later))?.state)
      expect(await all.effects()).toEqual(['running'])
    })

    it('gives back what takes too long, with its attempts', async () => {
      const workers = await all.workers({}, async ({ signal }) => {
        await once(signal, 'abort')
        throw new Error('stopped in order')
      })
      const id = await request('long')
      await all.until(
        () => all.row(id),
        (row) => row?.state === 'active',
      )
      expect(workers.progress()).toMatchObject({ active: 1, stuck: [] })
      expect(await workers.stop(0)).toBe(1)
      expect(await all.row(id)).toMatchObject({ state: 'retrying', reason: 'interrupted by a shutdown' })
      expect(await all.queues.counts(probe)).toMatchObject({ waiting: 1, active: 0 })
      await all.workers()
      expect(await all.ended(id)).toMatchObject({ attempts: 1 })
    })

    it('gives back also what does not listen', async () => {
      const forever = Promise.withResolvers<void>()
      const workers = await all.workers({}, () => forever.promise)
      const id = await request('deaf')
      await all.until(
        () => all.row(id),
        (row) => row?.state === 'active',
      )
      expect(await workers.stop(0)).toBe(1)
      await all.workers()
      await all.ended(id)
      expect(await all.runs('deaf')).toBe(1)
      forever.resolve()
    })

    it('stops once, however often it is told, and also without Redis', async () => {
      const workers = await all.workers()
      await workers.ready()
      await all.redis.part.stop()
      expect(await Promise.all([workers.stop(0), workers.stop(0)])).toEqual([0, 0])
    })
  })

  it('refuses a queue whose processor exports nothing to run', async () => {
    const broken = { ...probe, processor: async () => ({}) as never }
    await expect(all.workers({ definitions: [broken] })).rejects.toThrow(/exports no function process/)
  })

  describe('that waits', () => {
    const clock = { now: 1_000_000 }
    const watched = (definitions = probeQueues) =>
      all.workers({ now: () => clock.now, definitions, tuning: { poll: 20, patience: 60_000 } })
    const sampled = async () => {
      // A job of another queue makes the relay pass, and with it the look at the queues.
      for (let n = 0; n < 3; n++) await all.ended(await request(`look-${clock.now}-${n}`, keyed))
    }

    it('is not stuck without work, with paused work or with work at its rate', async () => {
      const workers = await watched()
      await request('first', paced)
      await request('second', paced)
      await all.until(all.effects, (names) => names.includes('first'))
      const queue = await all.queues.queue(hurried)
      await queue.pause()
      await request('paused', hurried)
      await sampled()
      clock.now += 120_000
      expect(workers.progress().stuck).toEqual([])
    })

    it('is stuck when jobs wait although nothing holds them', async () => {
      const workers = await watched([probe])
      await all.ended(await request('moves'))
      const queue = await all.queues.queue(probe)
      // Nobody may fetch, which looks to the probe like a loop that was lost.
      await queue.setGlobalConcurrency(0)
      const id = await request('waits')
      await all.until(
        () => all.row(id),
        (row) => row?.state === 'waiting',
      )
      expect(workers.progress().stuck).toEqual([])
      const stuck = async () => {
        clock.now += 10_000
        return workers.progress().stuck
      }
      expect(await all.until(stuck, (names) => names.length > 0, 'at once')).toEqual(['probe'])
      await queue.removeGlobalConcurrency()
      await all.ended(id)
      await all.until(
        async () => workers.progress().stuck,
        (names) => names.length === 0,
        'at once',
      )
    })
  })

  describe('with schedules', () => {
    const nightly: Schedule = { id: 'nightly', queue: probe, pattern: '0 3 * * *', payload: { version: 1, name: 'nightly' } }
    const often: Schedule = { id: 'often', queue: keyed, every: 50, payload: { version: 1, name: 'often' } }
    const scheduled = async () => {
      const ids: string[] = []
      for (const queue of [probe, keyed]) ids.push(...(await (await all.queues.queue(queue)).getJobSchedulers()).map(({ key }) => key))
      return ids
    }
    const becomes = (ids: string[]) => all.until(scheduled, (found) => found.toString() === ids.toString(), 'at once')

    it('has exactly its own, also when several replicas start at once', async () => {
      const foreign = await all.queues.queue(probe)
      await foreign.upsertJobScheduler('forgotten', { every: hour }, { name: 'probe', data: {} })
      await Promise.all([1, 2, 3].map(() => all.workers({ schedules: [nightly, { ...often, every: hour }] })))
      await becomes(['nightly', 'often'])
      expect(await foreign.getJobScheduler('nightly')).toMatchObject({ pattern: '0 3 * * *', tz: 'UTC' })
    })

    it('runs what is due', async () => {
      await all.workers({ schedules: [often] })
      await all.until(
        () => all.runs('often'),
        (count) => count >= 3,
      )
    })

    it('follows a changed declaration and forgets a removed one, also of a removed queue', async () => {
      const first = await all.workers({ schedules: [nightly, { ...often, every: hour }] })
      await becomes(['nightly', 'often'])
      await first.stop(0)
      const second = await all.workers({ definitions: [probe], schedules: [{ ...nightly, pattern: '0 4 * * *' }] })
      await becomes(['nightly'])
      expect(await (await all.queues.queue(probe)).getJobScheduler('nightly')).toMatchObject({ pattern: '0 4 * * *' })
      await second.stop(0)
    })

    it('leaves the schedules of other services alone', async () => {
      await all.workers({ service: 'other', definitions: [keyed], schedules: [{ ...often, every: hour }] })
      await becomes(['often'])
      await all.workers({ definitions: [probe], schedules: [nightly] })
      await becomes(['nightly', 'often'])
    })

    it('has them again after Redis was wiped', async () => {
      await all.workers({ schedules: [nightly] })
      await becomes(['nightly'])
      const client = new Redis(all.redis.url)
      await client.flushall()
      client.disconnect()
      await becomes(['nightly'])
    })

    it('refuses to start with one that cannot work', async () => {
      const start = (schedule: Schedule, definitions = probeQueues) => all.workers({ definitions, schedules: [schedule] })
      await expect(start({ ...nightly, payload: { version: 1 } })).rejects.toMatchObject({ code: 'request.invalid' })
      await expect(start({ ...nightly, id: 'No:colon' })).rejects.toThrow(/ids are lower-case/)
      await expect(start(nightly, [keyed])).rejects.toThrow(/not declared/)
    })
  })

  it('stops at a job that another host has taken over', async () => {
    const reasons: unknown[] = []
    await all.workers({}, async ({ signal }) => {
      await once(signal, 'abort')
      reasons.push(signal.reason)
    })
    const id = await request('taken')
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'active',
    )
    const client = new Redis(all.redis.url, { db: 3 })
    await client.set(`${prefix}:probe:${id}.1:lock`, 'another host')
    client.disconnect()
    await all.until(
      async () => reasons,
      (found) => found.length > 0,
      'at once',
    )
    expect(reasons[0]).toBeInstanceOf(JobLost)
    expect((await all.row(id))?.state).toBe('active')
  })

  describe('with telemetry', () => {
    const store = new AsyncLocalStorage<Context>()
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const propagator: TextMapPropagator<Record<string, string>> = {
      fields: () => ['traceparent'],
      inject: (active, carrier) => {
        const span = trace.getSpanContext(active)
        if (span) carrier.traceparent = `00-${span.traceId}-${span.spanId}-01`
      },
      extract: (active, carrier) => {
        const [, id, spanId] = carrier.traceparent?.split('-') ?? []
        return id && spanId ? trace.setSpanContext(active, { traceId: id, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }) : active
      },
    }
    beforeEach(() => {
      propagation.setGlobalPropagator(propagator)
      context.setGlobalContextManager({
        active: () => store.getStore() ?? ROOT_CONTEXT,
        // oxlint-disable-next-line eslint/max-params -- the interface of OpenTelemetry
        with: (active, fn, thisArg, ...args) => store.run(active, () => fn.apply(thisArg as never, args)),
        bind: (_active, target) => target,
        enable: () => context as never,
        disable: () => context as never,
      })
    })
    afterEach(() => {
      propagation.disable()
      context.disable()
    })

    it('continues the trace of the request, through row, relay and worker', async () => {
      const traces: (string | null)[] = []
      await all.workers({ telemetry: new BullMQOtel({ tracerName: 'test' }) }, ({ traceId: seen }) => void traces.push(seen))
      const active = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED })
      const id = await context.with(active, () => request('traced'))
      await all.ended(id)
      const job = await (await all.queues.queue(probe)).getJob(`${id}.1`)
      expect(job?.opts.telemetry?.metadata).toContain(traceId)
      expect(traces).toEqual([traceId])
    })
  })
})

describe('checkRedisPolicy', () => {
  it('warns of a Redis that may evict jobs', async () => {
    await using all = await harness()
    expect(await all.queues.policy()).toEqual({ ok: true, policy: 'noeviction', warning: null })
    const client = new Redis(all.redis.url)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    expect(await checkRedisPolicy(client)).toMatchObject({
      ok: false,
      policy: 'allkeys-lru',
      warning: expect.stringContaining('noeviction'),
    })
    client.disconnect()
  })
})
