import { connect } from '@slipway/db'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { enqueue } from './index.ts'
import type { JobState } from './ledger.ts'
import { probe, probeQueues, unimportant } from './probe-queues.fixtures.ts'
import { prefix } from './probe-settings.fixtures.ts'
import { openProducer, type Producer } from './producer.ts'
import { buryFailed, reconcile, removeExpired } from './reconcile.ts'
import { relayPass } from './relay.ts'

let all: Harness
let producer: Producer
let client: Redis
beforeEach(async () => {
  all = await harness()
  producer = openProducer({ redisUrl: all.redis.url, prefix, definitions: probeQueues }, () => undefined)
  client = new Redis(all.redis.url, { db: 3 })
})
afterEach(async () => {
  client.disconnect()
  await producer[Symbol.asyncDispose]()
  await all[Symbol.asyncDispose]()
})

const parts = (settled = 0) => ({ database: all.system, producer, definitions: probeQueues, prefix, settled })
const sql = (text: string, values: unknown[] = []) => all.system.pool.query(text, values)
const request = (name: string, queue = probe) =>
  all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, queue, { version: 1, tenantId: tenantA, name }))

/** Rows as a busy day leaves them, without asking for each. */
async function fill(count: number, state: JobState, finishedAt = 'now()'): Promise<void> {
  await sql(
    `insert into jobs (id, tenant_id, queue, payload, state, max_attempts, finished_at, updated_at)
      select gen_random_uuid(), $1, 'probe', '{}', $2, 3, ${finishedAt}, now() - interval '1 s' from generate_series(1, $3::int)`,
    [tenantA, state, count],
  )
}

async function count(state: JobState): Promise<number> {
  return (await all.rows()).filter((row) => row.state === state).length
}

describe('the reconciler', () => {
  it('of several hosts at once makes each lost job anew once, over more than one page', async () => {
    await fill(1100, 'waiting')
    const found = await Promise.all([1, 2, 3, 4].map(() => reconcile(parts())))
    expect(found.reduce((sum, { recreated }) => sum + recreated, 0)).toBeGreaterThanOrEqual(1100)
    expect(await all.queues.counts(probe)).toMatchObject({ waiting: 1100 })
    expect(await reconcile(parts())).toEqual({ recreated: 0, ended: 0 })
  })

  it('leaves alone what changed a moment ago, and what may still be running', async () => {
    await request('just now')
    await relayPass(parts())
    await client.flushdb()
    expect(await reconcile(parts(60_000))).toEqual({ recreated: 0, ended: 0 })
    await sql(`update jobs set state = 'active', deadline_at = now() + interval '1 hour'`)
    expect(await reconcile(parts())).toEqual({ recreated: 0, ended: 0 })
    await sql(`update jobs set deadline_at = now() - interval '1 s'`)
    expect(await reconcile(parts())).toEqual({ recreated: 1, ended: 0 })
    expect(await count('retrying')).toBe(1)
  })

  it('gives a job that Redis lost only the attempts that it has left', async () => {
    const id = await request('dish')
    await sql(`update jobs set state = 'retrying', attempts = 2`)
    await reconcile(parts())
    expect((await (await all.queues.queue(probe)).getWaiting())[0]).toMatchObject({
      opts: { attempts: 1 },
      data: { row: id, run: 1, spent: 2 },
    })
  })

  it('does not take the job of an earlier run for that of this one', async () => {
    const id = await request('dish')
    await relayPass(parts())
    await client.hset(`${prefix}:probe:${id}.1`, 'finishedOn', 1, 'failedReason', 'long ago')
    await sql(`update jobs set run = 2`)
    expect(await reconcile(parts())).toEqual({ recreated: 1, ended: 0 })
    expect((await all.row(id))?.state).toBe('waiting')
  })

  it.each<[string, Record<string, string>, { state: JobState; reason: string | null }]>([
    ['succeeded', { returnvalue: 'null' }, { state: 'completed', reason: null }],
    [
      'succeeded after a failure, whose reason it keeps',
      { returnvalue: 'null', failedReason: 'once' },
      { state: 'completed', reason: null },
    ],
    ['failed', { failedReason: 'boom' }, { state: 'dead', reason: 'boom' }],
    ['failed without a word', { failedReason: '' }, { state: 'dead', reason: 'no reason given' }],
  ])('settles what has %s', async (_name, fields, outcome) => {
    const id = await request('dish')
    await relayPass(parts())
    await client.hset(`${prefix}:probe:${id}.1`, { finishedOn: 1, ...fields })
    expect(await reconcile(parts())).toEqual({ recreated: 0, ended: 1 })
    expect(await all.row(id)).toMatchObject(outcome)
  })

  it.each<[string, Record<string, string>, JobState]>([
    ['succeeded', { returnvalue: 'null' }, 'completed'],
    ['failed', { failedReason: 'boom' }, 'dead'],
  ])('settles what has %s and could not be written down, long before its deadline', async (...[, fields, state]) => {
    const id = await request('dish')
    await relayPass(parts())
    await sql(`update jobs set state = 'active', deadline_at = now() + interval '1 hour'`)
    expect(await reconcile(parts())).toEqual({ recreated: 0, ended: 0 })
    await client.hset(`${prefix}:probe:${id}.1`, { finishedOn: 1, ...fields })
    expect(await reconcile(parts(60_000))).toEqual({ recreated: 0, ended: 0 })
    expect(await reconcile(parts())).toEqual({ recreated: 0, ended: 1 })
    expect((await all.row(id))?.state).toBe(state)
  })

  it('changes nothing without Redis: what cannot be asked is not missing', async () => {
    await fill(3, 'waiting')
    await all.redis.part.stop()
    await expect(reconcile(parts())).rejects.toMatchObject({ code: 'redis.unavailable' })
    expect(await count('waiting')).toBe(3)
  })
})

describe('failed jobs that have no dead letter', () => {
  /** A failed job as BullMQ leaves it when the worker could not write the row. */
  async function failedJob(id: string, { queue = probe, score = Date.now() } = {}): Promise<void> {
    const job = await (await all.queues.queue(queue)).add(queue.name, { payload }, { jobId: id })
    await client
      .multi()
      .lrem(`${prefix}:${queue.name}:wait`, 1, id)
      .zadd(`${prefix}:${queue.name}:failed`, score, id)
      .hset(`${prefix}:${queue.name}:${job.id}`, 'failedReason', 'boom', 'finishedOn', score, 'atm', 3)
      .exec()
  }
  const fastId = '018f0000-0000-7000-8000-0000000000f1'
  const payload = { version: 1, tenantId: tenantB, name: 'unseen' }

  it('are found behind any number of durable ones, which stay', async () => {
    await failedJob(fastId, { score: 1 })
    const durable = Array.from({ length: 600 }, (_, n) => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}.1`)
    await client.zadd(`${prefix}:probe:failed`, ...durable.flatMap((id, n) => [n + 2, id]))
    expect(await buryFailed(parts())).toBe(1)
    expect(await all.row(fastId)).toMatchObject({ state: 'dead', tenant_id: tenantB, reason: 'boom', attempts: 3, payload })
    expect(await client.zcard(`${prefix}:probe:failed`)).toBe(600)
  })

  it('are buried once by several hosts at once', async () => {
    await failedJob(fastId)
    await Promise.all([buryFailed(parts()), buryFailed(parts()), buryFailed(parts())])
    expect(await count('dead')).toBe(1)
    expect(await client.exists(`${prefix}:probe:${fastId}`)).toBe(0)
  })

  it('of a schedule have a row of their own each', async () => {
    await failedJob('repeat:nightly:1')
    await failedJob('repeat:nightly:2')
    expect(await buryFailed(parts())).toBe(2)
    expect(await count('dead')).toBe(2)
  })

  it('do not overwrite what became of the letter since', async () => {
    await failedJob(fastId)
    await buryFailed(parts())
    await sql(`update jobs set state = 'completed'`)
    await failedJob(fastId)
    await buryFailed(parts())
    expect((await all.row(fastId))?.state).toBe('completed')
  })

  it('stay in Redis when Postgres does not take them', async () => {
    await failedJob(fastId)
    await using gone = connect({ url: all.database.url('system') })
    await gone[Symbol.asyncDispose]()
    await expect(buryFailed({ ...parts(), database: gone })).rejects.toThrow()
    expect(await client.exists(`${prefix}:probe:${fastId}`)).toBe(1)
  })

  it('are left alone where nobody wants dead letters', async () => {
    await failedJob(fastId, { queue: unimportant })
    expect(await buryFailed(parts())).toBe(0)
    expect(await all.rows()).toEqual([])
  })
})

describe('ended rows', () => {
  it('go when their time is over, however many there are', async () => {
    await fill(2500, 'completed', `now() - interval '2 hours'`)
    await fill(1, 'completed')
    await removeExpired(parts())
    expect(await all.rows()).toHaveLength(1)
  })

  it('go once with several hosts at it', async () => {
    await fill(2500, 'dead', `now() - interval '2 hours'`)
    await Promise.all([1, 2, 3].map(() => removeExpired(parts())))
    expect(await all.rows()).toEqual([])
  })

  it.each<[JobState, boolean]>([
    ['completed', true],
    ['cancelled', true],
    ['failed', true],
    ['dead', true],
    ['pending', false],
    ['waiting', false],
    ['active', false],
    ['retrying', false],
  ])('%s: removed is %s', async (state, removed) => {
    await fill(1, state, removed ? `now() - interval '2 hours'` : 'null')
    await removeExpired(parts())
    expect(await all.rows()).toHaveLength(removed ? 0 : 1)
  })
})
