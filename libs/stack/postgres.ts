import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Client, escapeIdentifier } from 'pg'
import { defaultCache } from './cache.ts'
import { keptSecret, openHome } from './home.ts'
import { launch } from './launch.ts'
import type { Part, PartOptions } from './part.ts'
import { onPort } from './ports.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { type Cluster, clearOrphan, clusterVersion, dataFolder, ensureCluster } from './postgres-data.ts'
import { claimed, type Seat } from './run-file.ts'
import { StackError, systemCode } from './stack-error.ts'
import { postgresUser } from './system-user.ts'
import { eventually } from './wait.ts'

const run = promisify(execFile)
const databaseName = 'slipway'

export interface PostgresPart extends Part {
  readonly port: number
  readonly password: string
  /** URL of the superuser to the database `slipway`. */
  readonly adminUrl: string
}

export interface PostgresOptions extends PartOptions {
  /** False trades safety of the data against speed: for tests, never for data that anybody wants to keep. */
  durable?: boolean
  /** Settings of postgresql.conf that differ from ours. */
  settings?: Readonly<Record<string, string>>
  /** Folder for programs that stacks share. */
  cache?: string
}

/**
 * PostgreSQL 18 with one database, `slipway`, on 127.0.0.1 only. Survives a killed parent: an orphaned server of the same home is
 * stopped first, and Postgres recovers what it had acknowledged.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresPart> {
  const home = await openHome(options.home)
  const seat: Seat = { name: 'postgres', home, stopSignal: 'SIGINT', stopSeconds: 30, log: options.log }
  return claimed(seat, async () => {
    const password = await keptSecret(home, 'postgres-password')
    const cluster = await openCluster(seat, options.cache ?? defaultCache(), password)
    return onPort('postgres', options.port, (port) => startServer(seat, { cluster, port, password, options }))
  })
}

async function openCluster(seat: Seat, cache: string, password: string): Promise<Cluster> {
  const user = await postgresUser()
  const binaries = await postgresBinaries(cache, user)
  const cluster = { binaries, user, data: await dataFolder(seat.home, user) }
  const orphan = await clearOrphan(cluster)
  if (orphan) seat.log?.(`postgres: stopped process ${orphan} that a killed stack left behind`)
  await ensureCluster(cluster, password)
  await assertVersion(cluster)
  return cluster
}

interface Server {
  cluster: Cluster
  port: number
  password: string
  options: PostgresOptions
}

async function startServer(seat: Seat, { cluster, port, password, options }: Server): Promise<PostgresPart> {
  const start = () =>
    launch(seat, {
      command: cluster.binaries.postgres,
      args: ['-D', cluster.data, ...serverSettings(port, options)],
      user: cluster.user,
      isReady: () => answers(port, password),
    })
  const part = await retryWhileBackendsEnd(start)
  try {
    await ensureDatabase(port, password)
  } catch (error) {
    await part.stop()
    throw error
  }
  return { ...part, port, password, adminUrl: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/${databaseName}` }
}

async function assertVersion(cluster: Cluster): Promise<void> {
  const { stdout } = await run(cluster.binaries.postgres, ['--version'], { cwd: '/', ...cluster.user })
  const [made, runs] = [await clusterVersion(cluster), /\d+/.exec(stdout)?.[0]]
  if (made === runs) return
  throw new StackError('damaged', {
    what: `${cluster.data} was made by Postgres ${made}, this is Postgres ${runs}`,
    fix: 'remove the data with `slipway reset`, or go back to the earlier version of slipway',
  })
}

/** After a SIGKILL of the postmaster its backends hold the shared memory for a moment, and a new server refuses to start. */
async function retryWhileBackendsEnd(start: () => Promise<Part>): Promise<Part> {
  let outcome: Part | Error | undefined
  await eventually(async () => {
    outcome = await start().catch((error: Error) => error)
    return !(outcome instanceof Error && outcome.message.includes('pre-existing shared memory block'))
  }, 10)
  if (outcome === undefined || outcome instanceof Error) throw outcome
  return outcome
}

function serverSettings(port: number, { durable = true, settings = {} }: PostgresOptions): string[] {
  const careless = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const all = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable ? {} : careless),
    ...settings,
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

const wrongPassword = '28P01'

async function answers(port: number, password: string): Promise<boolean> {
  try {
    return await withClient({ port, password, database: 'postgres' }, async (client) => (await client.query('select 1')).rowCount === 1)
  } catch (error) {
    if (systemCode(error) !== wrongPassword) return false
    throw new StackError('damaged', {
      what: 'Postgres does not know the password in secrets/postgres-password',
      fix: 'put the password back that the data was made with, or remove the data with `slipway reset`',
      cause: error,
    })
  }
}

async function ensureDatabase(port: number, password: string): Promise<void> {
  await withClient({ port, password, database: 'postgres' }, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [databaseName])
    if (!rowCount) await client.query(`create database ${escapeIdentifier(databaseName)}`)
  })
}

async function withClient<T>(to: { port: number; password: string; database: string }, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ host: '127.0.0.1', user: 'postgres', connectionTimeoutMillis: 5000, ...to })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end()
  }
}
