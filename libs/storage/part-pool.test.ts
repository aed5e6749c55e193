import { describe, expect, it } from 'vitest'
import { createCrowd } from './crowd.ts'
import { createPartPool, type Part, type PartPool, partBytes } from './part-pool.ts'

const { signal } = new AbortController()
const asking = { signal, owner: 'a' }

async function takeAll(pool: PartPool): Promise<Part[]> {
  const parts: Part[] = []
  while (pool.hasSpare) parts.push(await pool.take(asking))
  return parts
}

describe('the pool of parts', () => {
  it('bounds the memory of all uploads together', async () => {
    const pool = createPartPool(createCrowd())
    const parts = await takeAll(pool)
    expect(parts.length * partBytes).toBe(64 * 1_048_576)
    expect(new Set(parts.map((part) => part.bytes)).size).toBe(parts.length)
    const waiting = pool.take(asking)
    expect(pool.hasSpare).toBe(false)
    parts[0]?.release({ reuse: true })
    expect((await waiting).bytes).toBe(parts[0]?.bytes)
    expect(pool.hasSpare).toBe(false)
  })

  it('never hands out again what may still be read', async () => {
    const pool = createPartPool(createCrowd())
    const first = await pool.take(asking)
    first.release({ reuse: false })
    const parts = await takeAll(pool)
    expect(parts.map((part) => part.bytes)).not.toContain(first.bytes)
  })

  it('lets go of whoever gives up waiting', async () => {
    const pool = createPartPool(createCrowd())
    const parts = await takeAll(pool)
    const stop = new AbortController()
    const leaving = pool.take({ ...asking, signal: stop.signal })
    const staying = pool.take(asking)
    stop.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    parts[0]?.release({ reuse: true })
    expect((await staying).bytes.length).toBe(partBytes)
  })

  it('gives what comes back to the tenant who has least of it', async () => {
    const pool = createPartPool(createCrowd())
    const [part] = await takeAll(pool)
    const order: string[] = []
    const takes = (owner: string) => pool.take({ signal, owner }).then(() => order.push(owner))
    const more = takes('a')
    const first = takes('b')
    part?.release({ reuse: true })
    await first
    expect(order).toEqual(['b'])
    const { bytes } = part ?? {}
    expect(bytes?.length).toBe(partBytes)
    void more
  })

  it('gets memory back from whoever sends slowly, when somebody waits', async () => {
    const crowd = createCrowd({ seconds: 0 })
    const pool = createPartPool(crowd)
    const parts = await takeAll(pool)
    const slow = crowd.enter({ owner: 'a', has: () => ['part'], makeRoom: () => parts[0]?.release({ reuse: true }) })
    slow.asks()
    expect((await pool.take(asking)).bytes).toBe(parts[0]?.bytes)
  })
})
