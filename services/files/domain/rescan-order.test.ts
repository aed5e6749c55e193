import { describe, expect, it } from 'vitest'
import { isBehind } from './rescan-order.ts'

describe('isBehind', () => {
  it.each([
    ['', 27_000, true],
    ['26999/Thu Oct 16 09:44:12 2025', 27_000, true],
    ['27000/Thu Oct 16 09:44:12 2025', 27_000, false],
    ['27001/an older clamd answers beside a new one', 27_000, false],
    ['9999/as a number and not as text', 27_000, true],
    ['nonsense', 27_000, true],
  ])('%j against %d is %s', (database, number, behind) => {
    expect(isBehind(database, number)).toBe(behind)
  })
})
