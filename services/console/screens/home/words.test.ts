import { describe, expect, test } from 'vitest'
import { checkAdvice, isNearlyFull, partUsed, queueFinding, scannerFinding, workersFinding } from './words.ts'

describe('the virus database', () => {
  const known = { status: 'ok', engine: 'ClamAV 1.4.6', database: 27791, builtAt: '2026-03-01T06:00:00.000Z' } as const

  test.each([
    [0, 'ok', 'Database 27791 is 0 seconds old'],
    [5 * 3600, 'ok', 'Database 27791 is 5 hours old'],
    [48 * 3600, 'ok', 'Database 27791 is 2 days old'],
    [48 * 3600 + 1, 'degraded', 'Database 27791 is 2 days old'],
    [9 * 86_400, 'degraded', 'Database 27791 is 9 days old'],
  ])('of %i seconds is %s', (ageSeconds, state, text) => {
    const finding = scannerFinding({ ...known, ageSeconds })
    expect(finding).toMatchObject({ state, text })
    expect(finding.advice === undefined).toBe(state === 'ok')
  })

  test('that is none, or whose age nobody knows, or whose scanner is away, comes with advice', () => {
    const none = { engine: 'ClamAV', database: null, builtAt: null, ageSeconds: null }
    expect(scannerFinding({ ...none, status: 'test-signatures' })).toMatchObject({
      state: 'unavailable',
      advice: expect.stringContaining('freshclam'),
    })
    expect(scannerFinding({ ...none, status: 'down', engine: null })).toMatchObject({
      state: 'unavailable',
      advice: expect.stringContaining('clamd'),
    })
    expect(scannerFinding({ ...known, ageSeconds: null })).toMatchObject({
      state: 'degraded',
      text: expect.stringContaining('unknown age'),
    })
  })
})

describe('a queue', () => {
  test.each([
    { waits: null, workers: 1, state: 'ok' },
    { waits: 300, workers: 1, state: 'ok' },
    { waits: 10, workers: null, state: 'ok' },
    { waits: 301, workers: 1, state: 'degraded', advice: 'more workers' },
    { waits: 301, workers: 0, state: 'unavailable', advice: 'No worker' },
    { waits: null, workers: 0, state: 'unavailable', advice: 'No worker' },
  ])('whose oldest job waits $waits seconds for $workers workers is $state', ({ waits, workers, state, advice }) => {
    const finding = queueFinding({ oldestWaitingSeconds: waits, workers })
    expect(finding).toMatchObject({ state, ...(advice ? { advice: expect.stringContaining(advice) } : {}) })
    expect(finding.advice === undefined).toBe(state === 'ok')
  })
})

describe('the workers of a service', () => {
  test('are as many as those of its weakest queue', () => {
    expect(
      workersFinding([
        { queue: 'a', workers: 3 },
        { queue: 'b', workers: 2 },
      ]),
    ).toEqual({ state: 'ok', text: '2 workers' })
    expect(workersFinding([{ queue: 'a', workers: 1 }])).toEqual({ state: 'ok', text: '1 worker' })
  })

  test('that are missing are named by what is left undone', () => {
    expect(
      workersFinding([
        { queue: 'a', workers: 1 },
        { queue: 'b', workers: 0 },
      ]),
    ).toMatchObject({ state: 'unavailable', advice: expect.stringContaining('of b:') })
  })

  test('are not guessed', () => {
    expect(workersFinding([])).toBeNull()
    expect(workersFinding([{ queue: 'a', workers: null }])).toBeNull()
  })
})

test('a quota is as full as its fuller half, and full where nothing is allowed', () => {
  expect(partUsed({ bytes: 10, files: 5 }, { bytes: 100, files: 10 })).toBe(0.5)
  expect(partUsed({ bytes: 90, files: 5 }, { bytes: 100, files: 10 })).toBe(0.9)
  expect(partUsed({ bytes: 0, files: 0 }, { bytes: 0, files: 10 })).toBe(1)
  expect(partUsed({ bytes: 300, files: 0 }, { bytes: 100, files: 10 })).toBe(1)
  expect([isNearlyFull(0.89), isNearlyFull(0.9)]).toEqual([false, true])
})

test.each(['database:files', 'schema:menu', 'redis', 'storage', 'scanner', 'signatures'])('for %s there is advice', (name) => {
  expect(checkAdvice(name)).toMatch(/\.$/)
})

test('for a check that nobody knows there is none', () => {
  expect(checkAdvice('weather:today')).toBeUndefined()
})
