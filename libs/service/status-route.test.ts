import { describe, expect, it } from 'vitest'
import { scannerBody } from './status-route.ts'

const builtAt = new Date('2026-03-01T06:00:00Z')
const known = { engine: 'ClamAV 1.4.6', database: '27791/Sun Mar  1 06:00:00 2026', number: 27791, builtAt }

describe('the scanner as the status tells it', () => {
  it('has the age of its database in seconds', () => {
    expect(scannerBody({ status: 'ok', ...known }, Date.parse('2026-03-03T07:00:00Z'))).toEqual({
      status: 'ok',
      engine: 'ClamAV 1.4.6',
      database: 27791,
      builtAt: '2026-03-01T06:00:00.000Z',
      ageSeconds: 49 * 3600,
    })
  })

  it('has no age below zero, however the clocks of two machines differ', () => {
    expect(scannerBody({ status: 'ok', ...known }, builtAt.getTime() - 5000).ageSeconds).toBe(0)
  })

  it('has no age when the engine says no date that can be read', () => {
    const { builtAt: _, ...undated } = known
    expect(scannerBody({ status: 'ok', ...undated }, 0)).toMatchObject({ database: 27791, builtAt: null, ageSeconds: null })
  })

  it('without an official database has an engine only', () => {
    expect(scannerBody({ status: 'test-signatures', engine: 'ClamAV 1.4.6', database: '' }, 0)).toEqual({
      status: 'test-signatures',
      engine: 'ClamAV 1.4.6',
      database: null,
      builtAt: null,
      ageSeconds: null,
    })
  })

  it('that is down names no host', () => {
    const body = scannerBody({ status: 'down', reason: 'connect ECONNREFUSED 10.0.0.7:3310' }, 0)
    expect(JSON.stringify(body)).not.toContain('10.0.0.7')
    expect(body).toMatchObject({ status: 'down', engine: null })
  })
})
