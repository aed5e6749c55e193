import { Redis } from 'ioredis'
import { CallFailure, call } from '../call.ts'
import type { World } from '../world.ts'
import type { Chaos, Fault } from './fault.ts'

const killed: Fault = {
  name: 'redis killed',
  seconds: 10,
  goesOn: true,
  async begin(chaos) {
    const { redis } = chaos.world.stores
    await redis.kill()
    await signInIsClosed(chaos)
    return () => redis.start()
  },
}

/** Where attempts cannot be counted, nobody may try passwords. */
async function signInIsClosed({ world, client: { ledger } }: Chaos): Promise<void> {
  const body = Buffer.from(JSON.stringify({ email: 'demo@example.com', password: 'not the passphrase' }))
  const headers = { 'content-type': 'application/json' }
  try {
    const { status, headers: answered } = await call({
      port: world.ports.identity,
      method: 'POST',
      path: '/api/v1/auth/sign-in',
      headers,
      body,
    })
    if (status !== 503) ledger.violate('unexpected-answer', `sign-in without Redis: ${status}, and it has to be 503`)
    else if (answered['retry-after'] === undefined) ledger.violate('no-retry-after', 'sign-in without Redis')
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error
    ledger.violate('slow-answer', `sign-in without Redis: ${error.message}`)
  }
}

const wiped: Fault = {
  name: 'redis wiped',
  seconds: 5,
  short: true,
  goesOn: true,
  async begin({ world }) {
    await asAdmin(world, (redis) => redis.flushall())
    return async () => undefined
  },
}

const outOfMemory: Fault = {
  name: 'redis out of memory',
  seconds: 8,
  goesOn: true,
  async begin({ world }) {
    await asAdmin(world, (redis) => redis.config('SET', 'maxmemory', '1'))
    return async () => void (await asAdmin(world, (redis) => redis.config('SET', 'maxmemory', '0')))
  },
}

async function asAdmin<T>({ stores }: World, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(stores.direct.redis.url, { lazyConnect: true })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

export const redisFaults: readonly Fault[] = [killed, wiped, outOfMemory]
