import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { queuePrefix, queueRoundTrip } from '@slipway/queue'
import { redisDatabases } from '@slipway/service'
import { Redis } from 'ioredis'
import type { Target } from '../target.ts'
import { type Check, fault, type Outcome, well } from './checks.ts'
import { compareClocks } from './clock.ts'
import { connectionFault } from './connection-fault.ts'
import { databaseOf } from './database.ts'
import type { Subject } from './facts.ts'
import { speaksOtherProtocol } from './other-protocol.ts'

/** Redis, and the settings without which it loses what is in it. */
export function redisChecks({ target }: Subject): Check[] {
  const part = 'redis'
  const with_ = (name: string, look: Look) => ({ name, part, run: () => withRedis(target, look) }) as const
  const next: Check[] = [
    with_('redis eviction', eviction),
    with_('redis files', files),
    with_('redis memory', memory),
    with_('redis clock', clock),
    { name: 'redis prefix', run: () => withRedis(target, (redis) => prefix(redis, target)) },
    { name: 'queues', part, run: () => queues(target) },
  ]
  return [{ name: 'redis', part, run: () => signIn(target), next }]
}

type Look = (redis: Redis) => Promise<Outcome>

async function withRedis({ redis: { url, caFile } }: Target, look: Look): Promise<Outcome> {
  const options = { lazyConnect: true, maxRetriesPerRequest: 1, connectTimeout: 5000, commandTimeout: 5000, retryStrategy: () => null }
  const tls = caFile ? { tls: { ca: readFileSync(caFile, 'utf8') } } : {}
  const client = new Redis(url, { db: redisDatabases.tokens, ...options, ...tls })
  // A refusal is told by this event only; the promise of `connect` says no more than that the connection is closed.
  let reason: Error | undefined
  client.on('error', (error: Error) => (reason = error))
  try {
    await client.connect()
    return await look(client)
  } catch (error) {
    throw reason ?? error
  } finally {
    client.disconnect()
  }
}

/** Managed servers refuse CONFIG; what INFO says is open everywhere. */
async function infoOf(redis: Redis): Promise<(name: string) => string> {
  const info = await redis.info()
  return (name) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1] ?? 'unknown'
}

async function signIn(target: Target): Promise<Outcome> {
  try {
    return await withRedis(target, server)
  } catch (error) {
    const expected = target.redis.url.startsWith('rediss:') ? 'without TLS' : 'TLS'
    if (connectionFault(error, 'redis').fault !== 'redis.unreachable' || !(await speaksOtherProtocol(target.redis.url))) throw error
    return fault('redis.tls', `the server speaks ${expected}, REDIS_URL says otherwise`)
  }
}

async function server(redis: Redis): Promise<Outcome> {
  const fact = await infoOf(redis)
  // Valkey calls the version of Redis that it is compatible with redis_version.
  const version = fact('server_name') === 'valkey' ? `Valkey ${fact('valkey_version')}` : `Redis ${fact('redis_version')}`
  return well(`${version}, ${redis.options.tls ? 'TLS' : 'without TLS'}`)
}

async function eviction(redis: Redis): Promise<Outcome> {
  const policy = (await infoOf(redis))('maxmemory_policy')
  const what = `maxmemory-policy ${policy}`
  return policy === 'noeviction' ? well(what) : fault('redis.eviction', what)
}

async function files(redis: Redis): Promise<Outcome> {
  const fact = await infoOf(redis)
  const failed = ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'].filter((name) => fact(name) === 'err')
  if (failed.length > 0) return fault('redis.writes', failed.map((name) => `${name} is err`).join(', '))
  return fact('aof_enabled') === '1' ? well('appendonly yes') : fault('redis.append-only', 'appendonly no')
}

async function memory(redis: Redis): Promise<Outcome> {
  const fact = await infoOf(redis)
  const [used, most] = [Number(fact('used_memory')), Number(fact('maxmemory'))]
  if (!most) return well(`${fact('used_memory_human')} used, without a limit`)
  const what = `${Math.round((100 * used) / most)} % of ${fact('maxmemory_human')} used`
  return used < 0.9 * most ? well(what) : fault('redis.memory', what)
}

async function clock(redis: Redis): Promise<Outcome> {
  const read = async () => {
    const [seconds, micros] = await redis.time()
    return Number(seconds) * 1000 + Number(micros) / 1000
  }
  return await compareClocks('redis.clock', { read })
}

/** Days after which nobody remembers an installation whose doctor is not asked any more. */
const remembered = 30

/**
 * Whoever is asked first leaves a mark of its database under the prefix. A restore removes it with all other keys.
 */
async function prefix(redis: Redis, target: Target): Promise<Outcome> {
  const { keyPrefix } = target.redis
  const own = await databaseMark(target)
  if (own === null) return well(`${keyPrefix}: whose it is cannot be told without Postgres`)
  const key = `${keyPrefix}:installation`
  await redis.set(key, own, 'EX', remembered * 86_400, 'NX')
  const found = await redis.get(key)
  if (found === own) {
    await redis.expire(key, remembered * 86_400)
    return well(`${keyPrefix}: no other database uses it`)
  }
  const what = `keys that begin with "${keyPrefix}:" belong to the installation of another database, says ${key} in database ${redisDatabases.tokens}`
  return fault('redis.shared', what)
}

/** Tells databases apart, not what they are called. */
async function databaseMark(target: Target): Promise<string | null> {
  try {
    await using admin = databaseOf(target)
    const { rows } = await admin.pool.query<{ id: string }>(
      `select system_identifier || '/' || (select oid from pg_database where datname = current_database()) as id from pg_control_system()`,
    )
    return createHash('sha256')
      .update(rows[0]?.id ?? '')
      .digest('hex')
      .slice(0, 32)
  } catch {
    return null
  }
}

/** Beside the queues of the installation, so that no worker of it takes the job. */
async function queues({ redis: { url, caFile } }: Target): Promise<Outcome> {
  try {
    const milliseconds = await queueRoundTrip({ redisUrl: url, caFile, prefix: queuePrefix({ keyPrefix: 'slipway-doctor' }) })
    return well(`a job went there and back in ${Math.round(milliseconds)} ms`)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return fault('redis.queues', cause instanceof Error ? cause.message : String(cause))
  }
}
