import { TLSSocket } from 'node:tls'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { Client, escapeLiteral, Pool, type PoolClient } from 'pg'
import { unavailable } from './error.ts'
import { losesPatience } from './patience.ts'
import { clientConfig, type ServerSettings } from './settings.ts'
import { type OnAcquire, timePool } from './timed-pool.ts'
import { runTransaction, type Transaction } from './transaction.ts'

export interface DatabaseSettings extends ServerSettings {
  /** Connections at most. */
  poolSize?: number | undefined
  /** Postgres cancels a statement after it; the connection is given up 5 s later if Postgres does not answer at all. */
  statementSeconds?: number | undefined
  /** Told of idle connections that broke and of `onCommit` callbacks that failed; neither is anyone's request. */
  onError?: ((error: unknown) => void) | undefined
  /** Told how long each wait for a connection took, and whether there was one in the end; for metrics. */
  onAcquire?: OnAcquire | undefined
  /** Told of every new connection over TLS, for metrics. */
  onSecure?: ((socket: TLSSocket) => void) | undefined
}

export interface TransactionOptions {
  /** Readable in SQL as `current_setting('slipway.actor', true)`. */
  actor?: string | undefined
  readOnly?: boolean | undefined
  isolation?: 'repeatable read' | 'serializable' | undefined
  /** Aborting drops the connection, so the transaction is rolled back; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** One pool under one role. Both transaction helpers throw `database.unavailable` when Postgres cannot be reached. */
export interface Database extends AsyncDisposable {
  readonly pool: Pool
  readonly drizzle: NodePgDatabase
  /** Resolves with the next answer of Postgres, to whomever: a busy pool is no dead database. Else throws `database.unavailable`. */
  ready(): Promise<void>
  /** `fn` sees and writes the rows of this tenant only, provided that the role is `runtime`. */
  tenantTransaction<T>(tenantId: string, fn: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** No tenant: for the `system` role and for tables without tenants. The `runtime` role sees no tenant's rows in it. */
  transaction<T>(fn: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
}

export function connect(settings: DatabaseSettings): Database {
  const onError = settings.onError ?? ignore
  const pool = openPool(settings, onError)
  const run = <T>(opening: string, fn: (tx: Transaction) => Promise<T>, signal: AbortSignal | undefined) =>
    runTransaction(pool, { opening, run: fn, signal }, onError)
  return {
    pool,
    drizzle: drizzle({ client: pool }),
    ready: () => answers(pool),
    tenantTransaction: async (tenantId, fn, options = {}) =>
      run(opening(options, { ...actorSetting(options), 'slipway.tenant': validTenant(tenantId) }), fn, options.signal),
    transaction: async (fn, options = {}) => run(opening(options, actorSetting(options)), fn, options.signal),
    [Symbol.asyncDispose]: () => endOnce(pool),
  }
}

function openPool(settings: DatabaseSettings, onError: (error: unknown) => void): Pool {
  const { poolSize = 10, statementSeconds = 15 } = settings
  const pool = new Pool({
    ...clientConfig(settings),
    max: poolSize,
    statement_timeout: statementSeconds * 1000,
    idle_in_transaction_session_timeout: 60_000,
    query_timeout: (statementSeconds + 5) * 1000,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1800,
  })
  const { onAcquire } = settings
  const patience = losesPatience(pool)
  timePool(pool, (acquired) => {
    patience(acquired)
    onAcquire?.(acquired)
  })
  const { onSecure } = settings
  if (onSecure) pool.on('connect', (client) => tellSecure(client, onSecure))
  pool.on('error', onError)
  // The pool listens to idle connections only: one that dies while checked out would end the process.
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

function tellSecure(client: PoolClient, tell: (socket: TLSSocket) => void): void {
  if (client instanceof Client && client.connection.stream instanceof TLSSocket) tell(client.connection.stream)
}

async function answers(pool: Pool): Promise<void> {
  const { promise: somebodyElse, resolve } = Promise.withResolvers<void>()
  const onRelease = (error: unknown) => {
    if (!error) resolve()
  }
  pool.on('release', onRelease)
  try {
    await Promise.race([pool.query('select 1'), somebodyElse])
  } catch (error) {
    throw unavailable(error)
  } finally {
    pool.off('release', onRelease)
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function validTenant(tenantId: string): string {
  if (!uuid.test(tenantId)) throw new TypeError(`"${tenantId}" is not a tenant id: a UUID is expected`)
  return tenantId
}

function actorSetting({ actor }: TransactionOptions): Record<string, string> {
  return actor === undefined ? {} : { 'slipway.actor': actor }
}

/**
 * One simple-protocol message: the settings cost no round trip of their own, and end with the transaction. `set local` would be planned less, but
 * before Postgres 18 pg_stat_statements keeps an entry for each value that is set so, hence for each tenant.
 */
function opening({ isolation, readOnly }: TransactionOptions, settings: Record<string, string>): string {
  const begin = `begin${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', ${escapeLiteral(value)}, true)`)
  return calls.length === 0 ? begin : `${begin}; select ${calls.join(', ')}`
}

async function endOnce(pool: Pool): Promise<void> {
  if (!pool.ending) await pool.end()
}

function ignore(): void {}
