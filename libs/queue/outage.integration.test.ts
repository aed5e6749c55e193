import { connect, type Database } from '@slipway/db'
import { testRedis } from '@slipway/testing'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA } from './harness.fixtures.ts'
import { createQueues, enqueue } from './index.ts'
import { probe, probeQueues } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'
import { type Switchboard, switchboard, through } from './switchboard.fixtures.ts'

let all: Harness
let stores: AsyncDisposableStack
beforeEach(async () => {
  stores = new AsyncDisposableStack()
  all = stores.use(await harness())
})
afterEach(() => stores.disposeAsync())

const payload = (name: string) => ({ version: 1, tenantId: tenantA, name }) as const
const request = (name: string, more: { fail?: number } = {}) =>
  all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { ...payload(name), ...more }))
const state = (id: string, wanted: string) =>
  all.until(
    () => all.row(id),
    (row) => row?.state === wanted,
  )

describe('a Redis that fails over', () => {
  it('leaves nobody at the old master: those who stay connected to it move on, and what is owed runs', async () => {
    const heir = stores.use(await testRedis())
    const board = stores.use(await switchboard(all.redis.port))
    const old = stores.adopt(new Redis(all.redis.url, { db: 3 }), (client) => client.disconnect())
    const master = stores.adopt(new Redis(heir.url, { db: 3 }), (client) => client.disconnect())
    await master.config('SET', 'requirepass', new URL(all.redis.url).password)
    const redisUrl = through(board, all.redis.url)
    const queues = stores.use(createQueues({ redisUrl, prefix, definitions: probeQueues }))
    await all.workers({ redisUrl })
    await all.ended(await request('before'))
    await queues.add(probe, payload('fast before'))
    await all.until(all.effects, (names) => names.length === 2)

    board.leadTo(heir.port)
    // Connections survive, as they do behind a load balancer; only writes are refused from now on.
    await old.replicaof('127.0.0.1', 1)
    const id = await request('after')
    await all.ended(id)
    await all.until(
      () => queues.add(probe, payload('fast after')).catch(() => null),
      (added) => added !== null,
      'at once',
    )
    await all.until(all.effects, (names) => names.includes('fast after'))
    expect(await master.exists(`${prefix}:probe:${id}.1`)).toBe(1)
  })
})

describe('a Redis that is not there when a process starts', () => {
  it('is waited for by a worker host, which then has its schedules and runs what is owed', async () => {
    await all.redis.part.stop()
    const workers = await all.workers({
      schedules: [{ id: 'nightly', queue: probe, pattern: '0 3 * * *', payload: { version: 1, name: 'nightly' } }],
    })
    await expect(workers.ready()).rejects.toMatchObject({ code: 'redis.unavailable' })
    const id = await request('owed')
    expect(workers.progress()).toMatchObject({ active: 0, stuck: [] })
    await all.redis.restart()
    await all.ended(id)
    const schedulers = async () => (await all.queues.queue(probe)).getJobSchedulers().catch(() => [])
    await all.until(
      () => schedulers().catch(() => []),
      (found) => found.length === 1,
      'at once',
    )
    await workers.ready()
  })

  it('keeps no worker host from an orderly end', async () => {
    await all.redis.part.stop()
    const workers = await all.workers()
    expect(await workers.stop(0)).toBe(0)
  })
})

describe('a Redis that takes connections and answers nothing', () => {
  it('costs a request some seconds and not more', async () => {
    await all.queues.ready()
    const client = stores.adopt(new Redis(all.redis.url), (open) => open.disconnect())
    await client.call('CLIENT', 'PAUSE', '60000', 'ALL')
    const refusal = { code: 'redis.unavailable', status: 503, retryAfter: 2 }
    await Promise.all([
      expect(all.queues.add(probe, payload('x'))).rejects.toMatchObject(refusal),
      expect(all.queues.counts(probe)).rejects.toMatchObject(refusal),
      expect(all.queues.ready()).rejects.toMatchObject(refusal),
      expect(all.queues.send({ cancel: 'x' })).rejects.toMatchObject(refusal),
    ])
  }, 20_000)
})

describe('the address of Redis', () => {
  it.each(['/0', '/9', '?db=5'])('with %s still leads to the database of the queues', async (rest) => {
    await using queues = createQueues({ redisUrl: `${all.redis.url}${rest}`, prefix, definitions: probeQueues })
    const id = await queues.add(probe, payload('x'))
    expect(await (await all.queues.queue(probe)).getJob(id)).toMatchObject({ data: { payload: { name: 'x' } } })
  })

  it('is shared by installations that differ in their prefix', async () => {
    await using neighbour = createQueues({ redisUrl: all.redis.url, prefix: 'neighbour:q', definitions: probeQueues })
    await all.workers()
    const id = await neighbour.add(probe, payload('theirs'))
    await neighbour.send({ cancel: id })
    await all.ended(await request('ours'))
    expect(await neighbour.counts(probe)).toMatchObject({ waiting: 1 })
    const client = stores.adopt(new Redis(all.redis.url, { db: 3 }), (open) => open.disconnect())
    const keys = await client.keys('*')
    expect(keys.filter((key) => !key.startsWith('test:q:') && !key.startsWith('neighbour:q:'))).toEqual([])
  })
})

describe('a Postgres that goes away', () => {
  let board: Switchboard
  let shaky: Database
  beforeEach(async () => {
    const url = all.database.url('system')
    board = stores.use(await switchboard(Number(new URL(url).port)))
    shaky = stores.use(connect({ url: through(board, url), connectSeconds: 1 }))
  })
  const back = () => board.leadTo(Number(new URL(all.database.url('system')).port))

  it('keeps intents from being relayed until it is back, and loses none', async () => {
    await all.workers({ database: shaky })
    await all.ended(await request('before'))
    board.cut()
    const ids = await Promise.all([request('during'), request('during too')])
    expect((await all.rows()).filter((row) => row.state === 'pending')).toHaveLength(2)
    back()
    for (const id of ids) await all.ended(id)
    expect(await all.effects()).toEqual(['before', 'during', 'during too'])
  })

  it('while a job ends does not make the job run again', async () => {
    const { entered, leave, during } = gate()
    await all.workers({ database: shaky, context: { database: all.system, during } })
    const id = await request('dish', { fail: 1 })
    await entered
    board.cut()
    leave()
    const queue = await all.queues.queue(probe)
    await all.until(
      () => queue.getCompletedCount(),
      (count) => count === 1,
      'at once',
    )
    expect(await all.row(id)).toMatchObject({ state: 'active', attempts: 2 })
    back()
    await all.system.pool.query('update jobs set deadline_at = now()')
    // The first attempt had failed, and Redis keeps its reason beside the result of the second.
    await state(id, 'completed')
    expect(await all.runs('dish')).toBe(1)
  })

  it('while a job fails for good still gets its dead letter later', async () => {
    const { entered, leave, during } = gate()
    await all.workers({ database: shaky, context: { database: all.system, during } })
    const id = await request('dish', { fail: 9 })
    await entered
    await all.system.pool.query('update jobs set max_attempts = 2')
    const fast = await all.queues.add(probe, { ...payload('fast'), fail: 9 })
    await all.ended(fast, 'dead')
    board.cut()
    leave()
    const queue = await all.queues.queue(probe)
    await all.until(
      async () => (await queue.getJob(`${id}.1`))?.attemptsMade,
      (made) => made === 2,
      'at once',
    )
    back()
    expect(await all.ended(id, 'dead')).toMatchObject({ reason: expect.stringMatching(/of dish fails/) })
    expect(await all.effects()).toEqual([])
  })

  /** Holds the second attempt at the job "dish". */
  function gate() {
    const inside = Promise.withResolvers<void>()
    const way = Promise.withResolvers<void>()
    const during = async (run: { attempt: number; payload: { name: string } }) => {
      if (run.attempt !== 2 || run.payload.name !== 'dish') return
      inside.resolve()
      await way.promise
    }
    return { entered: inside.promise, leave: () => way.resolve(), during }
  }
})
