import { expect, it } from 'vitest'
import { losesPatience } from './patience.ts'

/** Milliseconds that the next one would wait, after each of these ends of waiting. */
function patienceAfter(usual: number, ...ends: { at: number; seconds: number; error: string | null }[]): number[] {
  const pool = {
    options: { connectionTimeoutMillis: usual, max: 1, maxUses: 1, allowExitOnIdle: false, maxLifetimeSeconds: 0, idleTimeoutMillis: 0 },
  }
  let now = 0
  const tell = losesPatience(pool, () => now)
  return ends.map(({ at, seconds, error }) => {
    now = at
    tell({ seconds, error })
    return pool.options.connectionTimeoutMillis
  })
}

const given = (at: number) => ({ at, seconds: 0.01, error: null })
const vain = (at: number, seconds: number) => ({ at, seconds, error: 'Error' })

it('is lost with the first who waited while nobody was given a connection', () => {
  expect(patienceAfter(10_000, given(1000), vain(12_000, 10))).toEqual([10_000, 1000])
  expect(patienceAfter(10_000, vain(5, 0.001))).toEqual([1000])
})

it('is kept when others were given one meanwhile: the database is only busy', () => {
  expect(patienceAfter(10_000, given(1000), given(9000), vain(12_000, 10), vain(12_001, 10))).toEqual([10_000, 10_000, 10_000, 10_000])
})

it('comes back with the next connection', () => {
  expect(patienceAfter(10_000, vain(20_000, 10), vain(21_000, 1), given(22_000))).toEqual([1000, 1000, 10_000])
})

it('is never more than was asked for', () => {
  expect(patienceAfter(500, vain(20_000, 0.5), given(21_000))).toEqual([500, 500])
})
