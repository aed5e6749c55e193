import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { type Database } from '@slipway/db'
import { type Job, UnrecoverableError } from 'bullmq'
import type { AnyQueue, ProcessorModule } from './definition.ts'
import { type DurableJob, readDurable, readFast } from './envelope.ts'
import { type Claim, claimJob } from './ledger.ts'
import { claimedTenant, platformTenant } from './payload.ts'

/** A queue together with its loaded processor. */
export interface LoadedQueue {
  readonly definition: AnyQueue
  readonly processor: ProcessorModule<never>
}

/** What a BullMQ job turns out to ask for. */
export interface Work {
  /** Platform-wide: of the row, present or future. */
  readonly id: string
  readonly durable: DurableJob | null
  readonly payload: unknown
  readonly tenantId: string | null
  readonly key: string | null
  readonly traceparent: string | null
  readonly attempt: number
  readonly maxAttempts: number
}

/** Null when the job's row says that there is nothing to do. */
export async function takeUp(
  job: Job,
  definition: AnyQueue,
  { database, grace }: { database: Database; grace: number },
): Promise<Work | null> {
  const durable = readDurable(job.data)
  if (!durable) return fastWork(job, definition)
  const attempt = durable.spent + job.attemptsMade + 1
  const claim = await claimJob(database, durable, { attempt, milliseconds: definition.timeout + grace })
  return claim && durableWork(durable, claim, attempt)
}

/** The same as of its work, before the work is taken up. */
export function identityOf(job: Job): { id: string; durable: boolean } {
  const durable = readDurable(job.data)
  return { id: durable?.row ?? rowIdOf(job), durable: durable !== null }
}

export function durableWork(durable: DurableJob, claim: Claim, attempt: number): Work {
  const { payload, tenantId, key, traceparent, maxAttempts } = claim
  const tenant = tenantId === platformTenant ? null : tenantId
  return { id: durable.row, durable, payload, tenantId: tenant, key, traceparent, attempt, maxAttempts }
}

export function fastWork(job: Job, definition: AnyQueue): Work {
  const payload = readFast(job.data)
  const tenant = claimedTenant(payload)
  return {
    id: rowIdOf(job),
    durable: null,
    payload,
    tenantId: tenant === platformTenant ? null : tenant,
    key: job.opts.deduplication?.id.replace(/^[^.]*\./, '') ?? null,
    traceparent: null,
    attempt: job.attemptsMade + 1,
    maxAttempts: job.opts.attempts ?? definition.attempts,
  }
}

/** The id of a fast job is a UUID already; a scheduled one's is not, and gets the same UUID (version 8, RFC 9562) at every look. */
function rowIdOf({ id = '', queueName }: Job): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  const hex = createHash('sha256').update(`${queueName} ${id}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function isPermanent(error: unknown, { attempt, maxAttempts }: Work): boolean {
  return attempt >= maxAttempts || error instanceof UnrecoverableError
}

/** What Postgres can store of an error: no NUL, no novel. */
export function describeError(error: unknown): { reason: string; stack: string | undefined } {
  const { message, stack } = asError(error)
  return {
    reason: printable(textOf(message)).slice(0, 2000) || 'no reason given',
    stack: stack && printable(textOf(stack)).split('\n').slice(0, 12).join('\n'),
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(textOf(error))
}

/** Anything can be thrown, also what has no text of its own. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value)
}

function printable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}
