import { context, trace } from '@opentelemetry/api'
import { NodePgSession, NodePgTransaction } from 'drizzle-orm/node-postgres'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Pool, PoolClient } from 'pg'
import { dbProblem, isDatabaseError, unavailable } from './error.ts'

export type Transaction = NodePgTransaction<Record<string, never>, Record<string, never>>
type Callback = () => Promise<void> | void

interface Work<T> {
  /** The statements that open the transaction, sent as one message. */
  opening: string
  run: (tx: Transaction) => Promise<T>
  signal?: AbortSignal | undefined
}

const dialect = new PgDialect()
/** By session, which a transaction shares with its savepoints. */
const callbacksOf = new WeakMap<object, Callback[]>()

/**
 * Runs `callback` once the transaction is committed and its connection is back in the pool; never when it is rolled back. It is for
 * hints that may be lost (wake a relay): what must happen belongs in a row. A savepoint's callbacks run even if only the savepoint
 * was rolled back.
 */
export function onCommit(tx: Transaction, callback: Callback): void {
  const callbacks = callbacksOf.get(tx._.session)
  if (!callbacks) throw new Error('onCommit needs the transaction that tenantTransaction() or transaction() handed out')
  callbacks.push(callback)
}

/** Throws `database.unavailable` when the connection fails; after a failure in COMMIT the outcome is unknown. */
export async function runTransaction<T>(pool: Pool, work: Work<T>, onError: (error: unknown) => void): Promise<T> {
  const { result, callbacks } = await commitWork(pool, work)
  for (const callback of callbacks) {
    try {
      await callback()
    } catch (error) {
      onError(error)
    }
  }
  return result
}

async function commitWork<T>(pool: Pool, { opening, run, signal }: Work<T>): Promise<{ result: T; callbacks: Callback[] }> {
  signal?.throwIfAborted()
  const lease = await openLease(pool, opening)
  const abort = () => lease.end('destroy')
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const { tx, callbacks } = bind(lease.client)
    const result = await run(tx).catch(mapWorkError)
    signal?.throwIfAborted()
    await commit(lease.client)
    lease.end('reuse')
    return { result, callbacks }
  } catch (error) {
    await lease.rollback()
    throw signal?.aborted ? signal.reason : error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

function bind(client: PoolClient): { tx: Transaction; callbacks: Callback[] } {
  const session = new NodePgSession<Record<string, never>, Record<string, never>>(client, dialect, undefined)
  const callbacks: Callback[] = []
  callbacksOf.set(session, callbacks)
  return { tx: new NodePgTransaction(dialect, session, undefined), callbacks }
}

function mapWorkError(error: unknown): never {
  throw isDatabaseError(error) ? dbProblem(error) : error
}

/** Postgres answers ROLLBACK to the COMMIT of a transaction in which a statement failed and the error was swallowed. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit').catch(throwDbProblem)
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back: a statement in it had failed and the error was not passed on')
}

interface Lease {
  client: PoolClient
  /** Gives the connection back or destroys it; only the first call counts. */
  end(how: 'reuse' | 'destroy'): void
  rollback(): Promise<void>
}

/** A pooled connection may have died unnoticed, so the opening is tried once more on another one. */
async function openLease(pool: Pool, opening: string): Promise<Lease> {
  const first = await checkOut(pool)
  try {
    await untraced(() => first.client.query(opening))
    return first
  } catch {
    first.end('destroy')
  }
  const second = await checkOut(pool)
  await untraced(() => second.client.query(opening)).catch((error: unknown) => {
    second.end('destroy')
    throw dbProblem(error)
  })
  return second
}

async function checkOut(pool: Pool): Promise<Lease> {
  const client = await untraced(() => pool.connect()).catch((error: unknown) => {
    throw unavailable(error)
  })
  let held = true
  const end = (how: 'reuse' | 'destroy') => {
    if (!held) return
    held = false
    client.release(how === 'destroy')
  }
  const rollback = async () => {
    if (!held) return
    await client.query('rollback').then(
      () => end('reuse'),
      () => end('destroy'),
    )
  }
  return { client, end, rollback }
}

/** Every transaction begins like every other: a span of it would tell nothing, and cost as much as that of a statement. */
function untraced<T>(ask: () => T): T {
  return context.with(trace.deleteSpan(context.active()), ask)
}

function throwDbProblem(error: unknown): never {
  throw dbProblem(error)
}
