import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { TLSSocket } from 'node:tls'
import { type PlatformConfig, withCredentials } from '@slipway/config'
import { reconnectOnError } from '@slipway/queue'
import type { Log } from '@slipway/telemetry'
import { Redis } from 'ioredis'
import { type RedisPurpose, redisDatabases } from './runtime.ts'

/** How long the start waits for Redis before it goes on without: readiness tells the rest. */
const connectMilliseconds = 3000

/** One connection per purpose. Commands fail within seconds when Redis is gone: a request must not wait for it to come back. */
export interface RedisConnections extends AsyncDisposable {
  get(purpose: RedisPurpose): Redis
  /** What has been asked for so far. */
  readonly open: ReadonlyMap<RedisPurpose, Redis>
}

export interface RedisObservers {
  readonly log: Log
  /** Told of every new connection over TLS, for metrics. */
  readonly onSecure?: ((socket: TLSSocket) => void) | undefined
}

export function createRedisConnections(settings: PlatformConfig['redis'], { log, onSecure }: RedisObservers): RedisConnections {
  const open = new Map<RedisPurpose, Redis>()
  const connect = (purpose: RedisPurpose) => {
    const connection = new Redis(withCredentials(settings.url, settings).reveal(), {
      db: redisDatabases[purpose],
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: connectMilliseconds,
      commandTimeout: 2000,
      reconnectOnError,
      retryStrategy: (times) => Math.min(100 * 2 ** times, 5000),
      ...(settings.caFile ? { tls: { ca: readFileSync(settings.caFile, 'utf8') } } : {}),
    })
    connection.on('error', (error) => log.debug({ err: error, purpose }, 'the Redis connection failed'))
    connection.on('connect', () => {
      if (connection.stream instanceof TLSSocket) onSecure?.(connection.stream)
    })
    open.set(purpose, connection)
    return connection
  }
  return {
    open,
    get: (purpose) => open.get(purpose) ?? connect(purpose),
    async [Symbol.asyncDispose]() {
      for (const connection of open.values()) connection.disconnect()
      open.clear()
    },
  }
}

/** Resolves when the connection is ready, or when it has had its chance. */
export async function connected(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return
  const patience = AbortSignal.timeout(connectMilliseconds)
  await once(redis, 'ready', { signal: patience }).catch(() => undefined)
}
