import { newId, onCommit, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { sql } from 'drizzle-orm'
import type { JobPayload, QueueDefinition } from './definition.ts'
import { announceIntent } from './hints.ts'
import { isStorable } from './ledger.ts'
import { jobKey, parsePayload, tenantOf } from './payload.ts'
import { currentTraceparent } from './trace.ts'

export interface EnqueueOptions {
  /** Milliseconds until the job may start. */
  delay?: number | undefined
  /** Instead of the declaration's `jobId`. */
  dedupeId?: string | undefined
  /** Tries in all, instead of those of the declaration. */
  attempts?: number | undefined
}

/**
 * Requests a job in the caller's transaction: it runs at least once if that commits and never if it does not. Returns the id of
 * the row, which is that of an earlier request when the same work already waits.
 * @throws `request.invalid` when the payload does not satisfy the queue
 */
// oxlint-disable-next-line eslint/max-params -- reads like `queues.add(definition, payload, options)` with the transaction before it
export async function enqueue<Payload extends JobPayload>(
  tx: Transaction,
  definition: QueueDefinition<never, Payload>,
  given: Payload,
  options: EnqueueOptions = {},
): Promise<string> {
  const payload = parsePayload(definition, given)
  const key = jobKey(definition, payload, options.dedupeId)
  const json = JSON.stringify(payload)
  if (!isStorable(json))
    throw problem('request.invalid', { detail: `The payload for queue "${definition.name}" has characters that no database takes` })
  const { rows } = await tx.execute<{ id: string }>(sql`
    select enqueue_job(${newId()}, ${tenantOf(payload)}, ${definition.name}, ${key}, ${json}::jsonb,
      ${options.attempts ?? definition.attempts}, ${Math.max(0, Math.round(options.delay ?? 0))}, ${currentTraceparent()}) as id`)
  onCommit(tx, () => announceIntent(definition))
  const id = rows[0]?.id
  if (id === undefined) throw new Error(`Queue "${definition.name}": the intent was not stored`)
  return id
}
