import { type ProblemCode, problem } from '@slipway/problem'
import type { ScannerState } from '@slipway/scanner'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readinessChecks } from './checks.ts'
import { createHealth } from './health.ts'
import { notes } from './sample.fixtures/service.ts'

type Store = 'well' | 'down' | 'hangs'
type Scanner = Store | 'without signatures'

interface World {
  readonly kind?: 'api' | 'worker'
  readonly database?: Store
  readonly redis?: Store
  readonly storage?: Store
  readonly scanner?: Scanner
  readonly allowTestSignatures?: boolean
  readonly warning?: string
  readonly buckets?: readonly string[]
}

/** The stores themselves have tests of their own; here they are what the process makes of them. */
function healthIn(world: World) {
  const { kind = 'api', database = 'well', redis = 'well', storage = 'well', scanner = 'well', warning } = world
  const store = (state: Store, code: ProblemCode) => () => {
    if (state === 'hangs') return new Promise<void>(() => undefined)
    return state === 'down' ? Promise.reject(problem(code)) : Promise.resolve()
  }
  const states: Record<Exclude<Scanner, 'hangs'>, ScannerState> = {
    well: { status: 'ok', engine: 'ClamAV', database: '1' },
    down: { status: 'down', reason: 'ECONNREFUSED' },
    'without signatures': { status: 'test-signatures', engine: 'ClamAV', database: '' },
  }
  const shared = {
    queues: { ready: store(redis, 'redis.unavailable'), policy: async () => ({ warning: warning ?? null }) },
    storage: { ready: store(storage, 'storage.unavailable') },
    scanner: { state: () => (scanner === 'hangs' ? new Promise(() => undefined) : Promise.resolve(states[scanner])) },
  }
  const checks = readinessChecks({
    kind,
    manifests: [{ ...notes, buckets: world.buckets ?? ['notes'] }],
    // Under another name, so that there is no schema to ask for: that needs a real database.
    databases: new Map([['store', { runtime: { ready: store(database, 'database.unavailable') } }]]) as never,
    shared: shared as never,
    allowTestSignatures: world.allowTestSignatures ?? false,
  })
  return createHealth({ checks })
}

/** What the answer has to be, said once more and in other words. */
function expected({ kind = 'api', database, redis, storage, scanner, allowTestSignatures = false }: World) {
  if (database !== 'well' || storage !== 'well') return 'unavailable'
  if (kind === 'worker' && redis !== 'well') return 'unavailable'
  if (scanner === 'without signatures' && !allowTestSignatures) return 'unavailable'
  return redis === 'well' && scanner === 'well' ? 'ok' : 'degraded'
}

const stores = ['well', 'down'] as const
const worlds = (['api', 'worker'] as const).flatMap((kind) =>
  stores.flatMap((database) =>
    stores.flatMap((redis) =>
      stores.flatMap((storage) =>
        (['well', 'down', 'without signatures'] as const).flatMap((scanner) =>
          [true, false].map((allowTestSignatures): World => ({ kind, database, redis, storage, scanner, allowTestSignatures })),
        ),
      ),
    ),
  ),
)

describe('readiness in every combination of what can fail', () => {
  it.each(worlds)(
    '$kind, database $database, redis $redis, storage $storage, scanner $scanner, test signatures $allowTestSignatures',
    async (world) => {
      const { status, problem: reason, checks } = await healthIn(world).ready()
      expect(status).toBe(expected(world))
      // Whoever is not ready says why, and whoever is does not.
      expect(reason?.status).toBe(status === 'unavailable' ? 503 : undefined)
      expect(Object.keys(checks)).toEqual(['database:store', 'redis', 'storage', 'scanner', 'signatures'])
    },
  )
})

describe('a store that hangs', () => {
  afterEach(() => vi.useRealTimers())

  async function readyAfterAll(world: World) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ready = healthIn(world).ready()
    await vi.advanceTimersByTimeAsync(2000)
    return await ready
  }

  it.each<[World, string]>([
    [{ database: 'hangs' }, 'unavailable'],
    [{ storage: 'hangs' }, 'unavailable'],
    [{ redis: 'hangs' }, 'degraded'],
    [{ redis: 'hangs', kind: 'worker' }, 'unavailable'],
  ])('counts as one that is down: %j', async (world, status) => {
    expect((await readyAfterAll(world)).status).toBe(status)
  })
})

describe('clamd', () => {
  it('that hangs does not take downloads with it: it counts as down, not as one without signatures', async () => {
    const { status, checks } = await healthIn({ scanner: 'hangs' }).ready()
    expect(status).toBe('degraded')
    expect(checks).toMatchObject({ scanner: { status: 'unavailable' }, signatures: { status: 'ok' } })
  })

  it('is of no concern to a service without buckets, and neither is the object store', async () => {
    const { status, checks } = await healthIn({ scanner: 'without signatures', storage: 'down', buckets: [] }).ready()
    expect([status, Object.keys(checks)]).toEqual(['ok', ['database:store', 'redis']])
  })

  it('without signatures is repeated as a warning where that is allowed', async () => {
    const { checks } = await healthIn({ scanner: 'without signatures', allowTestSignatures: true }).ready()
    expect(checks.signatures).toMatchObject({ status: 'degraded', detail: expect.stringContaining('EICAR') })
    expect(checks.scanner?.status).toBe('ok')
  })

  it('without signatures gives its code to the answer, not to be taken for an outage', async () => {
    const { problem: reason } = await healthIn({ scanner: 'without signatures' }).ready()
    expect(reason).toMatchObject({ code: 'scanner.no-signatures', message: expect.stringContaining('freshclam') })
  })
})

it('a Redis that may evict jobs is a restriction with words', async () => {
  const { status, checks } = await healthIn({ warning: 'maxmemory-policy is allkeys-lru' }).ready()
  expect([status, checks.redis?.detail]).toEqual(['degraded', 'maxmemory-policy is allkeys-lru'])
})
