import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { problem } from '@slipway/problem'
import { Redis, type RedisOptions } from 'ioredis'

export interface QueueRedis {
  readonly redisUrl: string
  /** PEM bundle that signed the certificate of a `rediss://` server. */
  readonly caFile?: string | null | undefined
  /** What `queuePrefix` makes. */
  readonly prefix: string
}

const queueDatabase = 3
const firstRetry = 1000
const longestRetry = 20_000

/** The BullMQ prefix. All keys of one command must live in one slot of a Redis Cluster, hence the braces there. */
export function queuePrefix({ keyPrefix, cluster = false }: { keyPrefix: string; cluster?: boolean }): string {
  return cluster ? `{${keyPrefix}:q}` : `${keyPrefix}:q`
}

/** Carries wake-ups and cancellations; losing one costs a poll interval. */
export function hintChannel(prefix: string): string {
  return `${prefix}:hints`
}

/** For requests: fails within seconds instead of waiting for a Redis that may come back. */
export function producerConnection(settings: QueueRedis, onError: (error: Error) => void): Redis {
  return open(settings, { enableOfflineQueue: false, maxRetriesPerRequest: 0, connectTimeout: 3000, socketTimeout: 15_000 }, onError)
}

/** For workers, which have nothing better to do than to wait: retries for ever, at 1 to 20 s. */
export function workerConnection(settings: QueueRedis, onError: (error: Error) => void): Redis {
  return open(settings, { maxRetriesPerRequest: null, socketTimeout: 30_000 }, onError)
}

type Behaviour = Pick<RedisOptions, 'enableOfflineQueue' | 'maxRetriesPerRequest' | 'connectTimeout' | 'socketTimeout'>

function open({ redisUrl, caFile }: QueueRedis, options: Behaviour, onError: (error: Error) => void): Redis {
  const tls: Pick<RedisOptions, 'tls'> = caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}
  const connection = new Redis(withoutDatabase(redisUrl), { db: queueDatabase, retryStrategy, reconnectOnError, ...tls, ...options })
  connection.on('error', onError)
  return connection
}

/** A database in the URL would win over ours, and the queues would lie among sessions and counters. */
function withoutDatabase(redisUrl: string): string {
  const url = new URL(redisUrl)
  url.pathname = ''
  url.searchParams.delete('db')
  return url.href
}

/**
 * After a failover the connection may still lead to the old master, which refuses every write: its name leads to the new one by now.
 * The refused command was not executed, so it is sent again (ioredis: 2).
 */
export function reconnectOnError({ message }: Error): 2 | false {
  return message.startsWith('READONLY') ? 2 : false
}

export function retryStrategy(times: number): number {
  return Math.min(firstRetry * 2 ** (times - 1), longestRetry)
}

/** Gives a connection that is still being opened its chance; any other state is final for this request. */
export async function requireReady(connection: Redis, milliseconds = 3000): Promise<void> {
  if (connection.status === 'ready') return
  if (!isOpening(connection)) throw redisProblem(new Error(`The connection is ${connection.status}`))
  try {
    await once(connection, 'ready', { signal: AbortSignal.timeout(milliseconds) })
  } catch (error) {
    throw redisProblem(error)
  }
}

function isOpening({ status }: Redis): boolean {
  return status === 'connecting' || status === 'connect' || status === 'wait'
}

export function redisProblem(cause: unknown): Error {
  return problem('redis.unavailable', { detail: 'The queues cannot be reached', retryAfter: 2, cause })
}

export interface RedisPolicy {
  readonly ok: boolean
  readonly policy: string
  /** What is wrong and how to put it right; null when nothing is. */
  readonly warning: string | null
}

/** Under any other policy Redis drops jobs and locks when memory runs short. INFO is open on managed servers, where CONFIG is not. */
export async function checkRedisPolicy(connection: Pick<Redis, 'info'>): Promise<RedisPolicy> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await connection.info('memory'))?.[1] ?? 'unknown'
  const ok = policy === 'noeviction'
  const fix = 'set maxmemory-policy noeviction, or give queues a Redis of their own'
  return { ok, policy, warning: ok ? null : `Redis may evict jobs: its maxmemory-policy is "${policy}"; ${fix}` }
}
