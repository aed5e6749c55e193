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

  it('is not ready for those either who asked just before it drained', async () => {
    const asked = Promise.withResolvers<undefined>()
    const health = createHealth({ checks: [{ name: 'database', essential: true, run: () => asked.promise }] })
    const ready = health.ready()
    health.drain()
    asked.resolve(undefined)
    expect(await ready).toMatchObject({ status: 'unavailable', problem: { code: 'service.draining' } })
  })

  it('recovers with its dependency, as soon as the last answer is no longer reused', async () => {
    let now = 0
    let well = false
    const run = async () => {
      if (!well) throw problem('database.unavailable')
      return undefined
    }
    const health = createHealth({ checks: [{ name: 'database', essential: true, run }], now: () => now })
    expect((await health.ready()).status).toBe('unavailable')
    well = true
    expect((await health.ready()).status).toBe('unavailable')
    now = 1000
    expect(await health.ready()).toEqual({ status: 'ok', checks: { database: { status: 'ok', milliseconds: 0 } } })
  })

  it('gives the reason of the first essential failure and the state of all, in the order of declaration', async () => {
    const checks = [
      failing('redis', problem('redis.unavailable'), false),
      failing('database', problem('database.unavailable')),
      failing('storage', problem('storage.unavailable')),
    ]
    const readiness = await createHealth({ checks }).ready()
    expect(readiness.problem?.code).toBe('database.unavailable')
    expect(Object.entries(readiness.checks).map(([name, { status }]) => [name, status])).toEqual([
      ['redis', 'unavailable'],
      ['database', 'unavailable'],
      ['storage', 'unavailable'],
    ])
  })

  it.each([['text'], [undefined], [problem('internal.error', { detail: 'at 10.0.0.1' })], [problem('resource.not-found')]])(
    'makes a 503 of whatever a check throws: %s',
    async (thrown) => {
      const { problem: reason } = await createHealth({ checks: [failing('storage', thrown)] }).ready()
      expect(reason).toMatchObject({ code: 'service.not-ready', status: 503, message: 'storage does not answer as it should' })
    },
  )

  it('takes a check that throws at once, or is late with its failure, for one that fails', async () => {
    const sudden: ReadinessCheck = {
      name: 'sudden',
      essential: true,
      run: () => {
        throw new Error('at once')
      },
    }
    const late = Promise.withResolvers<undefined>()
    const readiness = await createHealth({
      checks: [sudden, { name: 'late', essential: true, run: () => late.promise }],
      timeout: 5,
    }).ready()
    expect(readiness.checks).toMatchObject({ sudden: { detail: 'at once' }, late: { detail: 'no answer within 5 ms' } })
    late.reject(new Error('nobody listens any more, and that is no unhandled rejection'))
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
