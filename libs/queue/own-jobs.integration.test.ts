import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { cancelJob, enqueue, type JobRun, perMinute, retryJob } from './index.ts'
import { keyed, type ProbePayload, paced, probe } from './probe-queues.fixtures.ts'

let all: Harness
beforeEach(async () => {
  all = await harness()
})
afterEach(() => all[Symbol.asyncDispose]())

const payload = (name: string, more: object = {}) => ({ version: 1 as const, tenantId: tenantA, name, ...more })
const own = (id: string) => ({ id, definition: probe, actor: 'user:a', queues: all.queues })
const inTenant = <T>(tenant: string, work: Parameters<Harness['runtime']['tenantTransaction']>[1]) =>
  all.runtime.tenantTransaction(tenant, work) as Promise<T>

describe('a job of the service’s own', () => {
  it('is cancelled with the transaction, or not at all', async () => {
    const id = await inTenant<string>(tenantA, (tx) => enqueue(tx, probe, payload('one')))
    const failing = inTenant(tenantA, async (tx) => {
      expect(await cancelJob(tx, own(id))).toBe(true)
      throw new Error('something else')
    })
    await expect(failing).rejects.toThrow('something else')
    expect(await all.row(id)).toMatchObject({ state: 'pending' })
    expect(await inTenant(tenantA, (tx) => cancelJob(tx, own(id)))).toBe(true)
    expect(await all.row(id)).toMatchObject({ state: 'cancelled', actor: 'user:a' })
    expect(await inTenant(tenantA, (tx) => cancelJob(tx, own(id)))).toBe(false)
  })

  it('is stopped while it runs', async () => {
    const id = await inTenant<string>(tenantA, (tx) => enqueue(tx, probe, payload('long')))
    const started = Promise.withResolvers<void>()
    await all.workers({}, async ({ signal }) => {
      started.resolve()
      await once(signal, 'abort')
      throw signal.reason
    })
    await started.promise
    expect(await inTenant(tenantA, (tx) => cancelJob(tx, own(id)))).toBe(true)
    await all.ended(id, 'cancelled')
  })

  it('runs again with as many attempts as it is given', async () => {
    const id = await inTenant<string>(tenantA, (tx) => enqueue(tx, probe, payload('again', { fail: 1 }), { attempts: 1 }))
    const seen: Pick<JobRun<ProbePayload>, 'attempt' | 'maxAttempts'>[] = []
    await all.workers({}, ({ attempt, maxAttempts }) => void seen.push({ attempt, maxAttempts }))
    await all.ended(id, 'dead')
    expect(await inTenant(tenantA, (tx) => retryJob(tx, { ...own(id), attempts: 5 }))).toBe(true)
    await all.until(
      () => all.row(id),
      (row) => row?.state === 'completed' || (row?.state === 'dead' && row.run > 1),
    )
    expect(seen[0]).toEqual({ attempt: 1, maxAttempts: 1 })
    expect(seen[1]).toEqual({ attempt: 1, maxAttempts: 5 })
  })

  it('is not to be found by another tenant, nor when it has not ended', async () => {
    const id = await inTenant<string>(tenantA, (tx) => enqueue(tx, keyed, payload('mine')))
    for (const change of [cancelJob, retryJob]) expect(await inTenant(tenantB, (tx) => change(tx, own(id)))).toBe(false)
    expect(await inTenant(tenantA, (tx) => retryJob(tx, own(id)))).toBe(false)
    expect(await all.row(id)).toMatchObject({ state: 'pending' })
  })
})

describe('limits of the installation', () => {
  it('take the place of what the queue declares', async () => {
    const ids = await Promise.all(['1', '2'].map((name) => inTenant<string>(tenantA, (tx) => enqueue(tx, paced, payload(name)))))
    await all.workers({ limits: { [paced.name]: { rate: perMinute(100) } } })
    for (const id of ids) await all.ended(id)
  })

  it('run as many at a time as they say', async () => {
    for (const name of ['1', '2', '3']) await inTenant(tenantA, (tx) => enqueue(tx, probe, payload(name)))
    let running = 0
    let most = 0
    await all.workers({ limits: { [probe.name]: { concurrency: 1 } } }, async () => {
      most = Math.max(most, ++running)
      await all.system.ready()
      running--
    })
    await all.until(
      () => all.rows(),
      (rows) => rows.every(({ state }) => state === 'completed'),
    )
    expect(most).toBe(1)
  })
})
