import { describe, expect, it } from 'vitest'
import { newId } from './index.ts'

describe('newId', () => {
  it('is a UUIDv7 that carries the time', () => {
    const at = Date.UTC(2099, 0, 1)
    const id = newId(() => at)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(at)
  })

  it('sorts in the order of making within one millisecond, past the counter, and when the clock goes back', () => {
    const start = Date.UTC(2100, 0, 1)
    const ids = Array.from({ length: 20_000 }, (_, index) => newId(() => start - (index % 3)))
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
  })
})
