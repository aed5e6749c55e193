import { randomUUID } from 'node:crypto'
import type { Database, MigrationSource, Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { type SQL, sql } from 'drizzle-orm'
import type { Begun, IdempotencyAttempt, IdempotencyRun, IdempotencyScope, IdempotencyStore } from './idempotency.ts'
import { type Seal, sealFor } from './seal.ts'
import type { Rendered } from './send.ts'

/** Given to `migrate()` as a library: every service schema gets its own `idempotency_keys`. */
export const migrations: MigrationSource = { name: 'http', folder: new URL('./migrations/', import.meta.url) }

interface StoreOptions {
  /** Under the runtime role. */
  database: Database
  /** How long a process may be silent before its run counts as dead; runs renew it three times as often. */
  leaseSeconds?: number
  /** How long an answer is kept. */
  keepSeconds?: number
}

/** Tenant of the rows of callers without one. */
const noTenant = '00000000-0000-0000-0000-000000000000'

/**
 * Records in Postgres, beside the data that they guard. Time is that of the database, which all replicas share. Every change names the
 * attempt it belongs to, so a run that was taken for dead and is not can no longer complete: its transaction is rolled back.
 */
export function createIdempotencyStore({ database, leaseSeconds = 60, keepSeconds = 86_400 }: StoreOptions): IdempotencyStore {
  const inTenant = <T>({ tenantId }: IdempotencyScope, work: (tx: Transaction) => Promise<T>) =>
    database.tenantTransaction(tenantId ?? noTenant, work)
  return {
    leaseSeconds,
    begin: (scope, fingerprint) => inTenant(scope, (tx) => begin(tx, scope, { fingerprint, leaseSeconds, keepSeconds })),
    complete: (run, answer, tx) =>
      tx ? asTenant(tx, run.scope, () => complete(tx, run, answer)) : inTenant(run.scope, (own) => complete(own, run, answer)),
    renew: async (run) => {
      await inTenant(run.scope, (tx) =>
        tx.execute(sql`update idempotency_keys set lease_until = now() + make_interval(secs => ${leaseSeconds}) where ${mine(run)}`),
      )
    },
    release: async (run) => {
      await inTenant(run.scope, (tx) => tx.execute(sql`delete from idempotency_keys where ${mine(run)}`))
    },
  }
}

interface BeginOptions {
  fingerprint: string | null
  leaseSeconds: number
  keepSeconds: number
}

async function begin(tx: Transaction, scope: IdempotencyScope, options: BeginOptions): Promise<Begun> {
  const seal = sealFor(scope)
  // A key can be freed between the two statements; then the next round gets it.
  for (let round = 0; round < 3; round++) {
    const attempt = await claimKey(tx, { scope, seal, ...options })
    if (attempt !== null) return { state: 'started', attempt }
    const before = await readKey(tx, scope, seal)
    if (before) return describe(before, seal, options.fingerprint)
  }
  return { state: 'running', retryAfter: 1 }
}

interface Claim extends BeginOptions {
  scope: IdempotencyScope
  seal: Seal
}

/** A new key, one whose answer has expired, or one whose run died and was the same request as far as is known. */
async function claimKey(tx: Transaction, { scope, seal, fingerprint, leaseSeconds, keepSeconds }: Claim): Promise<string | null> {
  const { tenantId, principal, method, route } = scope
  const { rows } = await tx.execute<{ attempt: string }>(sql`
    insert into idempotency_keys as old (tenant_id, principal, method, route, key_id, attempt, fingerprint, lease_until, expires_at)
    values (${tenantId ?? noTenant}, ${principal}, ${method}, ${route}, ${seal.keyId}, ${randomUUID()}, ${fingerprint},
      now() + make_interval(secs => ${leaseSeconds}), now() + make_interval(secs => ${keepSeconds}))
    on conflict (tenant_id, principal, method, route, key_id) do update
    set attempt = excluded.attempt, fingerprint = excluded.fingerprint, answer = null,
      lease_until = excluded.lease_until, expires_at = excluded.expires_at
    where old.expires_at < now() or old.answer is null and old.lease_until < now()
      and coalesce(old.fingerprint = excluded.fingerprint, true)
    returning attempt`)
  return rows[0]?.attempt ?? null
}

interface KeyRow extends Record<string, unknown> {
  fingerprint: string | null
  answer: Buffer | null
  seconds: number
}

async function readKey(tx: Transaction, scope: IdempotencyScope, seal: Seal): Promise<KeyRow | null> {
  const { rows } = await tx.execute<KeyRow>(sql`
    select fingerprint, answer, greatest(1, least(10, ceil(extract(epoch from lease_until - now()))))::int as seconds
    from idempotency_keys where ${named(scope, seal)}`)
  return rows[0] ?? null
}

function describe({ fingerprint, answer, seconds }: KeyRow, seal: Seal, ours: string | null): Begun {
  if (fingerprint !== null && ours !== null && fingerprint !== ours) return { state: 'reused' }
  if (answer === null || fingerprint === null) return { state: 'running', retryAfter: seconds }
  return { state: 'answered', fingerprint, answer: JSON.parse(seal.open(answer)) as Rendered }
}

async function complete(tx: Transaction, run: IdempotencyRun, answer: Rendered): Promise<void> {
  const sealed = sealFor(run.scope).close(JSON.stringify(answer))
  const { rowCount } = await tx.execute(
    sql`update idempotency_keys set answer = ${sealed}, fingerprint = ${run.fingerprint} where ${mine(run)}`,
  )
  if (rowCount !== 1) throw problem('idempotency.in-progress', { detail: 'another attempt has taken over this key', retryAfter: 1 })
}

/** The record is its caller's, whose tenant need not be that of the transaction: a route may have just made one. */
async function asTenant(tx: Transaction, { tenantId }: IdempotencyScope, work: () => Promise<void>): Promise<void> {
  const own = tenantId ?? noTenant
  const { rows } = await tx.execute<{ before: string }>(sql`
    with here as materialized (select coalesce(current_setting('slipway.tenant', true), '') as before)
    select before, set_config('slipway.tenant', ${own}, true) from here`)
  await work()
  const before = rows[0]?.before ?? ''
  if (before !== own) await tx.execute(sql`select set_config('slipway.tenant', ${before}, true)`)
}

function named({ tenantId, principal, method, route }: IdempotencyScope, { keyId }: Seal): SQL {
  return sql`tenant_id = ${tenantId ?? noTenant} and principal = ${principal} and method = ${method} and route = ${route} and key_id = ${keyId}`
}

function mine({ scope, attempt }: IdempotencyAttempt): SQL {
  return sql`${named(scope, sealFor(scope))} and attempt = ${attempt} and answer is null`
}

/** For a schedule, under the system role. Returns how many were removed. */
export async function removeExpiredKeys(system: Database, { batch = 1000 }: { batch?: number } = {}): Promise<number> {
  let removed = 0
  for (;;) {
    const { rowCount } = await system.transaction((tx) =>
      tx.execute(sql`
        delete from idempotency_keys where ctid in
          (select ctid from idempotency_keys where expires_at < now() limit ${batch} for update skip locked)`),
    )
    removed += rowCount ?? 0
    if ((rowCount ?? 0) < batch) return removed
  }
}
