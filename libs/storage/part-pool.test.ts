import { describe, expect, it } from 'vitest'
import { createCrowd } from './crowd.ts'
import { createPartPool, type Part, type PartPool, partBytes } from './part-pool.ts'

const { signal } = new AbortController()

async function takeAll(pool: PartPool): Promise<Part[]> {
  const parts: Part[] = []
  while (pool.hasSpare) parts.push(await pool.take(signal))
  return parts
}

describe('the pool of parts', () => {
  it('bounds the memory of all uploads together', async () => {
    const pool = createPartPool(createCrowd())
    const parts = await takeAll(pool)
    expect(parts.length * partBytes).toBe(64 * 1_048_576)
    expect(new Set(parts.map((part) => part.bytes)).size).toBe(parts.length)
    const waiting = pool.take(signal)
    expect(pool.hasSpare).toBe(false)
    parts[0]?.release({ reuse: true })
    expect((await waiting).bytes).toBe(parts[0]?.bytes)
    expect(pool.hasSpare).toBe(false)
  })

  it('never hands out again what may still be read', async () => {
    const pool = createPartPool(createCrowd())
    const first = await pool.take(signal)
    first.release({ reuse: false })
    const parts = await takeAll(pool)
    expect(parts.map((part) => part.bytes)).not.toContain(first.bytes)
  })

  it('lets go of whoever gives up waiting', async () => {
    const pool = createPartPool(createCrowd())
    const parts = await takeAll(pool)
    const stop = new AbortController()
    const leaving = pool.take(stop.signal)
    const staying = pool.take(signal)
    stop.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    parts[0]?.release({ reuse: true })
    expect((await staying).bytes.length).toBe(partBytes)
  })

  it('gets memory back from whoever sends slowly, when somebody waits', async () => {
    const crowd = createCrowd({ seconds: 0 })
    const pool = createPartPool(crowd)
    const parts = await takeAll(pool)
    const slow = crowd.enter(
      () => parts[0]?.release({ reuse: true }),
      () => ['part'],
    )
    slow.asks()
    expect((await pool.take(signal)).bytes).toBe(parts[0]?.bytes)
  })
})
