import { type Database, isUniqueViolation, onCommit, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { type SQL, sql } from 'drizzle-orm'
import type { QueueClient } from './client.ts'
import type { AnyQueue } from './definition.ts'
import { enqueue } from './enqueue.ts'
import { durableId } from './envelope.ts'
import { cancelFast, findFast } from './fast-jobs.ts'
import { announceIntent } from './hints.ts'
import { type JobRow, type JobView, viewOfRow } from './job-view.ts'
import type { JobState } from './ledger.ts'
import { type QueueOverview, readOverview } from './overview.ts'
import { platformTenant } from './payload.ts'

/** Whose jobs: one tenant's, or everybody's and the platform's own. */
export type JobScope = { readonly tenantId: string } | 'operator'

export interface JobChange {
  readonly action: 'retry' | 'replay' | 'cancel'
  /** As it was before. */
  readonly job: JobView
  readonly actor: string
}

export interface JobAdministrationSettings {
  readonly queues: QueueClient
  /** The queues of the service whose schema the databases see. */
  readonly definitions: readonly AnyQueue[]
  readonly runtime: Database
  readonly system: Database
  /** Runs in the transaction of the change: the place for the audit trail. */
  readonly onChange?: ((tx: Transaction, change: JobChange) => Promise<void>) | undefined
}

export interface JobFilter {
  readonly queue?: string | undefined
  readonly states?: readonly JobState[] | undefined
  /** Newest first; continue after the last one's id. */
  readonly before?: string | undefined
  readonly limit?: number | undefined
}

/**
 * What administrators may do to jobs. A job of another tenant looks exactly like one that does not exist.
 * All of it throws `resource.not-found`, `job.not-retryable` for a state that does not allow it, and `database.unavailable`.
 */
export interface JobAdministration {
  /** Of all durable jobs and all dead letters; a job of the fast path has no row before it fails. */
  list(scope: JobScope, filter?: JobFilter): Promise<JobView[]>
  get(scope: JobScope, id: string): Promise<JobView>
  /** One entry per declared queue. */
  counts(scope: JobScope): Promise<QueueOverview[]>
  /** The same job again, now: one that failed for good gets all its attempts back, one that waits for its next attempt stops waiting. */
  retry(scope: JobScope, id: string, by: { actor: string }): Promise<JobView>
  /** A new job with the payload of an ended one. Returns the new one. */
  replay(scope: JobScope, id: string, by: { actor: string }): Promise<JobView>
  /** One that waits ends at once; one that runs is told to stop, and ends when it has. */
  cancel(scope: JobScope, id: string, by: { actor: string }): Promise<JobView>
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export function createJobAdministration(settings: JobAdministrationSettings): JobAdministration {
  return {
    list: (scope, filter = {}) => inScope(settings, scope, (tx) => listRows(tx, settings, filter)),
    get: async (scope, id) => {
      const row = await readOne(settings, scope, id)
      return row ? { ...viewOfRow(row), progress: await progressOf(settings, row) } : fastOrMissing(settings, scope, id)
    },
    counts: (scope) => readOverview(settings, scope, (fn) => inScope(settings, scope, fn)),
    retry: (scope, id, by) => change(settings, { scope, id, ...by }, retryRow),
    replay: (scope, id, by) => change(settings, { scope, id, ...by }, replayRow),
    cancel: async (scope, id, by) => {
      if (await readOne(settings, scope, id)) return change(settings, { scope, id, ...by }, cancelRow)
      const job = await fastOrMissing(settings, scope, id)
      const cancelled = await cancelFast(settings, job)
      await inScope(settings, scope, async (tx) => settings.onChange?.(tx, { action: 'cancel', job, ...by }))
      return cancelled
    },
  }
}

async function inScope<T>(
  { runtime, system }: JobAdministrationSettings,
  scope: JobScope,
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  if (scope === 'operator') return system.transaction(fn)
  if (scope.tenantId === platformTenant) throw new TypeError('the platform is not a tenant')
  return runtime.tenantTransaction(scope.tenantId, fn)
}

async function listRows(tx: Transaction, { definitions }: JobAdministrationSettings, filter: JobFilter): Promise<JobView[]> {
  const { queue, states, before, limit = 50 } = filter
  const names = definitions.map(({ name }) => name)
  const conditions: SQL[] = [sql`queue = any(${sql.param(names)}::text[])`]
  if (queue !== undefined) conditions.push(sql`queue = ${queue}`)
  if (states !== undefined) conditions.push(sql`state = any(${sql.param(states)}::text[])`)
  if (before !== undefined) conditions.push(sql`id < ${before}`)
  const { rows } = await tx.execute<JobRow>(
    sql`select * from jobs where ${sql.join(conditions, sql` and `)} order by id desc limit ${limit}`,
  )
  return rows.map(viewOfRow)
}

async function readOne(settings: JobAdministrationSettings, scope: JobScope, id: string): Promise<JobRow | null> {
  if (!uuid.test(id)) throw missing(id)
  return inScope(settings, scope, async (tx) => {
    const { rows } = await tx.execute<JobRow>(sql`select * from jobs where id = ${id}`)
    return rows[0] ?? null
  })
}

/** Of no importance when Redis is away. */
async function progressOf({ queues, definitions }: JobAdministrationSettings, { id, run, queue, state }: JobRow): Promise<unknown> {
  const definition = definitions.find(({ name }) => name === queue)
  if (!definition || state === 'pending') return null
  try {
    return (await (await queues.queue(definition)).getJob(durableId(id, run)))?.progress ?? null
  } catch {
    return null
  }
}

async function fastOrMissing(settings: JobAdministrationSettings, scope: JobScope, id: string): Promise<JobView> {
  const found = await findFast(settings, scope, id)
  if (!found) throw missing(id)
  return found
}

function missing(id: string): Error {
  return problem('resource.not-found', { detail: `there is no job ${id}` })
}

interface Request {
  readonly scope: JobScope
  readonly id: string
  readonly actor: string
}

interface Target {
  readonly row: JobRow
  readonly definition: AnyQueue
  readonly actor: string
  readonly queues: QueueClient
  /** Instead of those that it was requested with. */
  readonly attempts?: number | undefined
}

type Change = (tx: Transaction, target: Target) => Promise<{ action: JobChange['action']; row: JobRow }>

/** Reads the row for update, changes it and tells of it, in one transaction. */
async function change(settings: JobAdministrationSettings, { scope, id, actor }: Request, apply: Change): Promise<JobView> {
  const { definitions, queues, onChange } = settings
  if (!uuid.test(id)) throw missing(id)
  return inScope(settings, scope, async (tx) => {
    const { rows } = await tx.execute<JobRow>(sql`select * from jobs where id = ${id} for update`)
    const row = rows[0]
    if (!row) throw missing(id)
    const definition = definitions.find(({ name }) => name === row.queue)
    if (!definition) throw refusal(`queue "${row.queue}" is not declared any more`)
    const done = await apply(tx, { row, definition, actor, queues })
    await onChange?.(tx, { action: done.action, job: viewOfRow(row), actor })
    return viewOfRow(done.row)
  })
}

/** A job of the service's own, to be changed in the transaction of what the service does besides. */
export interface OwnJob extends Omit<Target, 'row'> {
  readonly id: string
}

/** Ends a job as `cancel` does. @returns false if it has ended already, or its record is gone */
export function cancelJob(tx: Transaction, job: OwnJob): Promise<boolean> {
  return changeOwn(tx, job, { apply: cancelRow, from: ['pending', 'waiting', 'retrying', 'active'] })
}

/** Runs an ended job again as `retry` does. @returns false if it has not ended, or its record is gone */
export function retryJob(tx: Transaction, job: OwnJob): Promise<boolean> {
  return changeOwn(tx, job, { apply: retryRow, from: ['dead', 'failed', 'cancelled'] })
}

async function changeOwn(
  tx: Transaction,
  { id, ...rest }: OwnJob,
  { apply, from }: { apply: Change; from: readonly JobState[] },
): Promise<boolean> {
  const { rows } = await tx.execute<JobRow>(sql`select * from jobs where id = ${id} for update`)
  const row = rows[0]
  if (!row || !from.includes(row.state)) return false
  await apply(tx, { row, ...rest })
  return true
}

function refusal(detail: string): Error {
  return problem('job.not-retryable', { detail })
}

/** With the attempts that it was requested with: the declaration has only their default. */
async function retryRow(tx: Transaction, { row, definition, actor, attempts }: Target): Promise<{ action: 'retry'; row: JobRow }> {
  if (!['dead', 'failed', 'cancelled', 'retrying'].includes(row.state)) throw refusal(`job ${row.id} is ${row.state}`)
  // A new run: what Redis still keeps of the old one is refused by its number.
  const updated = await one(
    tx,
    sql`update jobs set state = 'pending', run = run + 1, run_at = now(), updated_at = now(), started_at = null, finished_at = null,
        cancel_requested_at = null, actor = ${actor}, max_attempts = ${attempts ?? row.max_attempts},
        attempts = case state when 'retrying' then attempts else 0 end
      where id = ${row.id} returning *`,
  ).catch((error: unknown) => {
    throw isUniqueViolation(error, 'jobs_waiting_once') ? refusal(`the same work already waits as another job`) : error
  })
  onCommit(tx, () => announceIntent(definition))
  return { action: 'retry', row: updated }
}

async function replayRow(tx: Transaction, { row, definition, actor }: Target): Promise<{ action: 'replay'; row: JobRow }> {
  if (!['dead', 'failed', 'cancelled', 'completed'].includes(row.state)) throw refusal(`job ${row.id} is ${row.state}`)
  const options = { attempts: row.max_attempts, ...(row.key === null ? {} : { dedupeId: row.key }) }
  const id = await enqueue(tx, definition, row.payload as never, options)
  // A dead letter that somebody has seen to is not waiting for anybody any more.
  const state: JobState = row.state === 'dead' ? 'failed' : row.state
  await tx.execute(sql`update jobs set state = ${state}, replayed_as = ${id}, updated_at = now() where id = ${row.id}`)
  // Made in this transaction; else the old payload would replace that of a request which already waits.
  const { rows } = await tx.execute<JobRow>(
    sql`update jobs set replay_of = ${row.id}, actor = ${actor} where id = ${id} and created_at = now() returning *`,
  )
  if (!rows[0]) throw refusal('the same work already waits as another job')
  return { action: 'replay', row: rows[0] }
}

async function cancelRow(tx: Transaction, { row, definition, actor, queues }: Target): Promise<{ action: 'cancel'; row: JobRow }> {
  if (row.state === 'active') {
    onCommit(tx, () => queues.send({ cancel: row.id }))
    const updated = await one(tx, sql`update jobs set cancel_requested_at = now(), actor = ${actor} where id = ${row.id} returning *`)
    return { action: 'cancel', row: updated }
  }
  if (!['pending', 'waiting', 'retrying'].includes(row.state)) throw refusal(`job ${row.id} is ${row.state}`)
  // Only tidies up: a worker that meets the job asks the row first.
  onCommit(tx, async () => {
    await (await queues.queue(definition)).remove(durableId(row.id, row.run))
  })
  const cancelled = sql`update jobs set state = 'cancelled', cancel_requested_at = now(), finished_at = now(), updated_at = now(), actor = ${actor}
    where id = ${row.id} returning *`
  return { action: 'cancel', row: await one(tx, cancelled) }
}

async function one(tx: Transaction, statement: SQL): Promise<JobRow> {
  const { rows } = await tx.execute<JobRow>(statement)
  if (!rows[0]) throw new Error('the row of the job is gone')
  return rows[0]
}
