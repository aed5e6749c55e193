import type { z } from 'zod'
import type { QueueLog } from './log.ts'
import type { Backoff, Rate } from './units.ts'

/** What every payload has: the version of its schema, and its tenant unless the job is the platform's own. */
export interface JobPayload {
  readonly version: number
  readonly tenantId?: string | undefined
}

/** One try at one job, as its processor sees it. */
export interface JobRun<Payload = JobPayload> {
  /** The same over all attempts; of a durable job the id of its row. */
  readonly id: string
  readonly queue: string
  readonly payload: Payload
  /** Counts from 1. */
  readonly attempt: number
  /** The attempt after which a failure is final. */
  readonly maxAttempts: number
  /** Aborts at the deadline, on cancellation and when a shutdown cannot wait any longer: stop and throw. */
  readonly signal: AbortSignal
  readonly log: QueueLog
  readonly traceId: string | null
  /** Percent, or whatever the caller of the API should see. Written at most twice a second, the last value always. */
  progress(value: number | object): void
}

export interface ProcessorModule<Context = unknown, Payload extends JobPayload = JobPayload> {
  /** Must be idempotent: it may run again after it has done all its work. */
  process(run: JobRun<Payload>, context: Context): Promise<unknown>
}

/** A declared queue; lists of queues with different payloads take it without the second parameter. */
export interface QueueDefinition<Context = unknown, Payload extends JobPayload = JobPayload> {
  /** Unique in the installation; lower case, digits and dashes. */
  readonly name: string
  readonly payload: z.ZodType<Payload>
  /**
   * Names the work, so that the same work does not wait twice: a request whose id already waits replaces the payload of the one
   * that waits (on the fast path its own payload is dropped), a request whose id is running waits until that run has ended, and one
   * that has ended is in nobody's way. Ids count per tenant.
   * Letters, digits and `. _ ~ -` only.
   */
  jobId?(payload: Payload): string
  /** Tries in all, the first included. */
  readonly attempts: number
  readonly backoff: Backoff
  /** Milliseconds that one attempt may take. */
  readonly timeout: number
  /** Jobs at a time per process. */
  readonly concurrency: number
  readonly rate: Rate | null
  /** Milliseconds that finished jobs stay visible. */
  readonly keep: { readonly completed: number; readonly failed: number }
  /** Whether a permanent failure waits for a person (listed, replayable) or is only logged and kept as `failed`. */
  readonly deadLetter: boolean
  /** Loaded by workers only, so an API never pays for what a processor imports. */
  processor(): Promise<ProcessorModule<Context, Payload>>
}

/** How fast a queue is worked, where the installation decides instead of the declaration. */
export type QueueLimits = Partial<Pick<QueueDefinition, 'concurrency' | 'rate'>>

/** A queue of any service, for those who do not run its processor. */
export type AnyQueue = QueueDefinition<never>

/** A payload without a literal version cannot be told from its successors, so `z.number()` is refused. */
type Versioned<Payload extends JobPayload> = number extends Payload['version'] ? { readonly payload: never } : unknown

/** The declaration cannot be kept; names every fault. */
export class DeclarationError extends Error {
  override readonly name = 'DeclarationError'
}

/**
 * Declares a queue once for producers and workers. Keep the payload's schema in a constant of its own, which the processor's types are
 * taken from: inferred from the queue itself they would be circular.
 * @throws {DeclarationError}
 */
export function defineQueue<Context, const Payload extends JobPayload>(
  declared: QueueDefinition<Context, Payload> & Versioned<Payload>,
): QueueDefinition<Context, Payload> {
  const declaration: QueueDefinition<Context, Payload> = declared
  const faults = faultsOf(declaration)
  if (faults.length > 0) throw new DeclarationError(`Queue "${declaration.name}": ${faults.join('; ')}`)
  return Object.freeze(declaration)
}

function faultsOf(declared: AnyQueue): string[] {
  const { name, attempts, backoff, timeout, concurrency, rate, keep } = declared
  const checks: [boolean, string][] = [
    [/^[a-z][a-z0-9-]{0,62}$/.test(name), 'the name must be lower-case letters, digits and dashes, 63 at most'],
    [Number.isInteger(attempts) && attempts >= 1, `attempts is ${attempts}, at least 1 is needed`],
    [backoff.delay >= 0 && backoff.jitter >= 0 && backoff.jitter <= 1, 'backoff needs a delay from 0 and a jitter from 0 to 1'],
    [Number.isFinite(timeout) && timeout > 0, `timeout is ${timeout} ms, it must be above 0`],
    [Number.isInteger(concurrency) && concurrency >= 1, `concurrency is ${concurrency}, at least 1 is needed`],
    [rate === null || (rate.max >= 1 && rate.duration >= 1), 'rate needs at least 1 job in at least 1 ms'],
    [keep.completed >= 0 && keep.failed >= 0, 'keep must not be negative'],
  ]
  return checks.filter(([fine]) => !fine).map(([, fault]) => fault)
}
