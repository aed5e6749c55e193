import { type Database, dbProblem } from '@slipway/db'

/** Where a durable job stands; the migration says what each state means. */
export type JobState = 'pending' | 'waiting' | 'active' | 'retrying' | 'completed' | 'cancelled' | 'failed' | 'dead'

/** The row and the run of it that a Redis job stands for: a statement about an earlier run changes nothing. */
export interface RowRun {
  readonly row: string
  readonly run: number
}

export interface Claim {
  readonly payload: unknown
  readonly tenantId: string
  readonly key: string | null
  readonly traceparent: string | null
  readonly maxAttempts: number
}

/** Outside of a transaction, as the system role. */
export async function query<Row extends object>(database: Database, text: string, values: unknown[]): Promise<Row[]> {
  try {
    return (await database.pool.query<Row>(text, values)).rows
  } catch (error) {
    throw dbProblem(error)
  }
}

/**
 * Takes a job up. Null when there is nothing to do: it was cancelled, or ended, or another run took its place. Waits for transactions
 * that are requesting the same work, so the processor sees what they commit.
 */
export async function claimJob(
  database: Database,
  { row, run }: RowRun,
  { attempt, milliseconds }: { attempt: number; milliseconds: number },
): Promise<Claim | null> {
  const claimed = await query<Claim>(
    database,
    `update jobs set state = 'active', attempts = $3, started_at = now(), updated_at = now(), deadline_at = now() + $4 * interval '1 ms'
      where id = $1 and run = $2 and state in ('pending', 'waiting', 'active', 'retrying') and cancel_requested_at is null
      returning payload, tenant_id as "tenantId", key, traceparent, max_attempts as "maxAttempts"`,
    [row, run, attempt, milliseconds],
  )
  if (claimed[0]) return claimed[0]
  await settleCancelled(database, { row, run })
  return null
}

/** Ends what was to be cancelled and has not been started again since. */
async function settleCancelled(database: Database, { row, run }: RowRun): Promise<void> {
  await query(
    database,
    `update jobs set state = 'cancelled', finished_at = now(), updated_at = now()
      where id = $1 and run = $2 and state in ('active', 'retrying') and cancel_requested_at is not null`,
    [row, run],
  )
}

export interface Outcome {
  readonly state: Exclude<JobState, 'pending' | 'waiting' | 'active'>
  readonly reason?: string | undefined
  readonly stack?: string | undefined
}

/** A worker's last word on an attempt. */
export async function settleJob(database: Database, { row, run }: RowRun, { state, reason, stack }: Outcome): Promise<void> {
  await query(
    database,
    `update jobs set state = $3, reason = $4, stack = $5, updated_at = now(), finished_at = case when $3 = 'retrying' then null else now() end
      where id = $1 and run = $2 and state in ('pending', 'waiting', 'active', 'retrying')`,
    [row, run, state, reason ?? null, stack ?? null],
  )
}

export interface DeadLetter {
  readonly id: string
  readonly tenantId: string
  readonly queue: string
  readonly key: string | null
  readonly payload: unknown
  readonly attempts: number
  readonly maxAttempts: number
  readonly reason: string
  readonly stack: string | undefined
  readonly createdAt: Date
}

/** Makes a row of a job that had none. Saying it twice is harmless. */
export async function buryJob(database: Database, letter: DeadLetter): Promise<void> {
  const { id, tenantId, queue, key, payload, attempts, maxAttempts, reason, stack, createdAt } = letter
  await query(
    database,
    `insert into jobs (id, tenant_id, queue, key, payload, state, attempts, max_attempts, reason, stack, created_at, finished_at)
      values ($1, $2, $3, $4, $5::jsonb, 'dead', $6, $7, $8, $9, $10, now()) on conflict (id) do nothing`,
    [id, tenantId, queue, key, storableJson(payload), attempts, maxAttempts, reason, stack ?? null, createdAt],
  )
}

/** `jsonb` takes neither NUL nor half a surrogate pair; JSON has both as escapes only. After a backslash it is a text about escapes. */
const unstorable = /(?<=(?:^|[^\\])(?:\\\\)*)\\u(0000|d[89a-f][0-9a-f]{2})/g

function storableJson(value: unknown): string {
  return JSON.stringify(value ?? null).replaceAll(unstorable, '\\ufffd')
}

/** Whether `jsonb` would refuse the value. */
export function isStorable(json: string): boolean {
  return json.search(unstorable) === -1
}
