import { problem } from '@slipway/problem'
import { describe, expect, it, vi } from 'vitest'
import { createHealth, type ReadinessCheck } from './health.ts'

const fine = (name: string, essential = true): ReadinessCheck => ({ name, essential, run: async () => undefined })
const failing = (name: string, error: unknown, essential = true): ReadinessCheck => ({
  name,
  essential,
  run: async () => {
    throw error
  },
})

describe('createHealth', () => {
  it('is ok when every check is', async () => {
    const readiness = await createHealth({ checks: [fine('database'), fine('redis', false)] }).ready()
    expect(readiness.status).toBe('ok')
    expect(readiness.problem).toBeUndefined()
    expect(Object.keys(readiness.checks)).toEqual(['database', 'redis'])
  })

  it('is unavailable when an essential dependency fails, with the problem of that dependency', async () => {
    const checks = [fine('database'), failing('scanner', problem('scanner.no-signatures'))]
    const readiness = await createHealth({ checks }).ready()
    expect(readiness).toMatchObject({ status: 'unavailable', problem: { code: 'scanner.no-signatures', status: 503 } })
    expect(readiness.checks.database?.status).toBe('ok')
    expect(readiness.checks.scanner?.status).toBe('unavailable')
  })

  it('names the check when the failure is no problem of ours', async () => {
    const readiness = await createHealth({ checks: [failing('storage', new Error('ECONNREFUSED'))] }).ready()
    expect(readiness.problem).toMatchObject({ code: 'service.not-ready', message: 'storage does not answer as it should' })
  })

  it('is only degraded when a dependency that is not essential fails, or an essential one works with a restriction', async () => {
    const withoutRedis = await createHealth({ checks: [failing('redis', new Error('gone'), false)] }).ready()
    expect(withoutRedis).toMatchObject({ status: 'degraded', checks: { redis: { status: 'unavailable', detail: 'gone' } } })
    const restricted = { name: 'scanner', essential: true, run: async () => 'test signatures only' }
    expect(await createHealth({ checks: [restricted] }).ready()).toMatchObject({
      status: 'degraded',
      checks: { scanner: { status: 'degraded', detail: 'test signatures only' } },
    })
  })

  it('counts a check that hangs as failed and aborts it', async () => {
    let aborted = false
    const hanging: ReadinessCheck = {
      name: 'database',
      essential: true,
      run: (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return new Promise(() => {})
      },
    }
    const readiness = await createHealth({ checks: [hanging], timeout: 10 }).ready()
    expect(readiness.status).toBe('unavailable')
    expect(readiness.checks.database?.detail).toBe('no answer within 10 ms')
    expect(aborted).toBe(true)
  })

  it('asks the stores once for probes that come together or closely after each other', async () => {
    let now = 0
    const run = vi.fn(async () => undefined)
    const health = createHealth({ checks: [{ name: 'database', essential: true, run }], reuse: 1000, now: () => now })
    await Promise.all([health.ready(), health.ready()])
    now = 999
    await health.ready()
    expect(run).toHaveBeenCalledTimes(1)
    now = 1000
    await health.ready()
    expect(run).toHaveBeenCalledTimes(2)
  })

  it('is not ready from the moment it drains, without asking anything', async () => {
    const run = vi.fn(async () => undefined)
    const health = createHealth({ checks: [{ name: 'database', essential: true, run }] })
    health.drain()
    expect(health.draining).toBe(true)
    expect(await health.ready()).toMatchObject({ status: 'unavailable', problem: { code: 'service.draining' } })
    expect(run).not.toHaveBeenCalled()
  })
})
