import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, harness, tenantA, tenantB } from './harness.fixtures.ts'
import { enqueue } from './index.ts'
import { keyed, probe } from './probe-queues.fixtures.ts'

describe('a durable job', () => {
  let all: Harness
  beforeAll(async () => {
    all = await harness()
    await all.workers()
  })
  afterAll(() => all[Symbol.asyncDispose]())

  const request = (name: string, more: { fail?: number } = {}) =>
    all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { version: 1, tenantId: tenantA, name, ...more }))

  it('runs after its transaction has committed', async () => {
    const id = await request('one')
    expect(await all.ended(id)).toMatchObject({ state: 'completed', attempts: 1, tenant_id: tenantA })
    expect(await all.effects()).toContain('one')
  })

  it('never runs when the transaction is rolled back', async () => {
    const failing = all.runtime.tenantTransaction(tenantA, async (tx) => {
      await enqueue(tx, probe, { version: 1, tenantId: tenantA, name: 'rolled-back' })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await all.ended(await request('after the rollback'))
    expect(await all.effects()).not.toContain('rolled-back')
    expect((await all.rows()).map((row) => row.payload)).not.toContainEqual(expect.objectContaining({ name: 'rolled-back' }))
  })

  it('belongs to the tenant of the transaction, or to the platform', async () => {
    const foreign = all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { version: 1, tenantId: tenantB, name: 'foreign' }))
    await expect(foreign).rejects.toMatchObject({ cause: { message: expect.stringContaining('row-level security') } })
    const platform = await all.runtime.tenantTransaction(tenantA, (tx) => enqueue(tx, probe, { version: 1, name: 'platform' }))
    const outside = await all.runtime.transaction((tx) => enqueue(tx, probe, { version: 1, tenantId: tenantB, name: 'outside' }))
    await all.ended(platform)
    await all.ended(outside)
    const seen = await all.runtime.tenantTransaction(tenantB, async (tx) => (await tx.execute<{ id: string }>('select id from jobs')).rows)
    expect(seen).toEqual([{ id: outside }])
  })
  it('tries again, and ends as a dead letter', async () => {
    expect(await all.ended(await request('third time lucky', { fail: 2 }))).toMatchObject({ attempts: 3 })
    const dead = await all.ended(await request('hopeless', { fail: 9 }), 'dead')
    expect(dead).toMatchObject({ attempts: 3, reason: 'attempt 3 of hopeless fails', stack: expect.stringContaining('probe-processor') })
  })

  it('is one job for one key', async () => {
    const ids = await all.runtime.tenantTransaction(tenantA, async (tx) => [
      await enqueue(tx, keyed, { version: 1, tenantId: tenantA, name: 'same' }),
      await enqueue(tx, keyed, { version: 1, tenantId: tenantA, name: 'same' }),
    ])
    expect(new Set(ids).size).toBe(1)
    await all.ended(ids[0]!)
  })
})
