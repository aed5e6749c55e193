import { resolve } from 'node:path'
import { Redis } from 'ioredis'
import { requireProgram } from './binaries.ts'
import { type Home, keepSecret, keptSecret, makeFolder, openHome, writePrivately } from './home.ts'
import { launch } from './launch.ts'
import type { Part, PartOptions } from './part.ts'
import { onPort } from './ports.ts'
import { claimed, type Seat } from './run-file.ts'

export interface RedisPart extends Part {
  readonly port: number
  readonly password: string
  /** `redis://:password@127.0.0.1:port`, without a database number. */
  readonly url: string
}

export interface RedisOptions extends PartOptions {
  /** One that is made up and kept in the home without it. */
  password?: string
  /** Append-only file with an fsync per second (the default), or memory only. */
  appendOnly?: boolean
}

/** Redis or Valkey with a password, `noeviction` and 16 databases, on 127.0.0.1 only. */
export async function startRedis(options: RedisOptions): Promise<RedisPart> {
  const home = await openHome(options.home)
  const command = await requireProgram('redis')
  const seat: Seat = { name: 'redis', home, stopSignal: 'SIGTERM', stopSeconds: 20, log: options.log }
  return claimed(seat, () => onPort('redis', options.port, (port) => startServer(seat, { ...options, command, port })))
}

async function startServer(seat: Seat, options: RedisOptions & { command: string; port: number }): Promise<RedisPart> {
  const { command, port, appendOnly = true } = options
  if (options.password !== undefined) await keepSecret(seat.home, { name: 'redis-password', value: options.password })
  const password = await keptSecret(seat.home, 'redis-password')
  const configuration = await writeConfiguration(seat.home, { port, password, appendOnly })
  const part = await launch(seat, { command, args: [asPattern(configuration)], isReady: () => answersPing({ port, password }) })
  return { ...part, port, password, url: `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}` }
}

interface Settings {
  port: number
  password: string
  appendOnly: boolean
}

async function writeConfiguration(home: Home, settings: Settings): Promise<string> {
  const data = await makeFolder(resolve(home.path, 'redis'), 0o700)
  const path = resolve(home.path, 'redis', 'redis.conf')
  await writePrivately(path, configurationText(data, settings))
  return path
}

/** Redis takes a path with `*`, `?` or `[` for a pattern; where none fits it runs on its defaults: the standard port and no password. */
function asPattern(path: string): string {
  return /[*?[]/.test(path) ? path.replaceAll(/[\\*?[\]]/g, '\\$&') : path
}

/** The password stands in a private file, as arguments can be read by every user of the machine. */
export function configurationText(data: string, { port, password, appendOnly }: Settings): string {
  const quote = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${quote(password)}`,
    `dir ${quote(data)}`,
    'databases 16',
    'maxmemory-policy noeviction',
    `appendonly ${appendOnly ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'save ""',
    'daemonize no',
    'supervised no',
    'loglevel notice',
    '',
  ].join('\n')
}

/** True once data are loaded: `PING` answers `-LOADING` until then. */
async function answersPing(server: { port: number; password: string }): Promise<boolean> {
  const client = new Redis({
    host: '127.0.0.1',
    port: server.port,
    password: server.password,
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } finally {
    client.disconnect()
  }
}
