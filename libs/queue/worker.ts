import type { Database } from '@slipway/db'
import { describeSpan, idsIn } from '@slipway/telemetry/span'
import { DelayedError, type Job, type Telemetry, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { ActiveJob, Activity } from './activity.ts'
import { JobCancelled, JobInterrupted, JobLost, JobTimeout, withDeadline } from './deadline.ts'
import type { JobPayload, JobRun, QueueLimits } from './definition.ts'
import { readDurable } from './envelope.ts'
import { buryJob, settleJob } from './ledger.ts'
import type { QueueLog } from './log.ts'
import { parsePayload, platformTenant } from './payload.ts'
import { createProgress } from './progress.ts'
import type { JobOutcome, QueueMetrics } from './queue-metrics.ts'
import { asError, describeError, fastWork, identityOf, isPermanent, type LoadedQueue, takeUp, type Work } from './run.ts'
import { currentTrace, traceOf } from './trace.ts'

export interface WorkerHost {
  readonly context: unknown
  readonly database: Database
  readonly connection: Redis
  readonly prefix: string
  readonly telemetry: Telemetry | null
  readonly metrics: QueueMetrics | null
  readonly log: QueueLog
  readonly activity: Activity
  readonly now: () => number
  readonly tuning: WorkerTuning
  readonly limits: Readonly<Record<string, QueueLimits>>
  /** Called when a job has ended for good, as others may wait for its key. */
  readonly onEnd: () => void
}

export interface WorkerTuning {
  /** Without a renewal for so long a job counts as lost. Renewed at half of it. */
  readonly lock: number
  /** How often lost jobs are looked for. */
  readonly stalled: number
  /** What an aborted processor gets to stop. */
  readonly grace: number
  /** How long a job waits when its row cannot be read. */
  readonly postpone: number
}

/** A worker that dies takes its jobs along; a job that keeps killing workers must stop at some time. */
const lossesForgiven = 3

export function startWorker(host: WorkerHost, loaded: LoadedQueue): Worker {
  const { connection, prefix, telemetry, tuning, log } = host
  const { name } = loaded.definition
  const { concurrency, rate } = { ...loaded.definition, ...host.limits[name] }
  const worker = new Worker(name, (job, token) => processJob(host, loaded, { job, token }), {
    connection,
    prefix,
    concurrency,
    lockDuration: tuning.lock,
    stalledInterval: tuning.stalled,
    maxStalledCount: lossesForgiven,
    ...(rate ? { limiter: { ...rate } } : {}),
    ...(telemetry ? { telemetry } : {}),
  })
  worker.on('error', (error) => log.warn({ err: error, queue: name }, 'the worker has trouble with Redis'))
  host.metrics?.stalled(name, 0)
  worker.on('stalled', (id) => {
    host.metrics?.stalled(name, 1)
    log.warn({ queue: name, job: id }, 'a worker lost this job; it runs again')
  })
  worker.on('lockRenewalFailed', (ids) => void leaveLost(host, name, ids))
  worker.on('failed', (job, error) => void buryLost(host, loaded, { job, error }))
  return worker
}

/**
 * Without its lock a job is another host's, so the run here has to end. Unless Redis lost the job altogether: then nobody else has it,
 * and the run may as well finish.
 */
async function leaveLost({ connection, prefix, activity, log }: WorkerHost, queue: string, ids: readonly string[]): Promise<void> {
  for (const job of [...activity.active].filter(({ queue: of, bullId }) => of === queue && ids.includes(bullId))) {
    const known = await connection.exists(`${prefix}:${queue}:${job.bullId}`).catch(() => 0)
    if (!known) continue
    log.error({ queue, job: job.id }, 'the lock of the job was lost, as happens when the event loop is blocked; another host runs it')
    job.controller.abort(new JobLost('another host has taken the job over'))
  }
}

interface Delivery {
  readonly job: Job
  readonly token: string | undefined
}

/** Counts as active from before its row is taken: a shutdown that comes in between has to wait for it and can interrupt it. */
async function processJob(host: WorkerHost, loaded: LoadedQueue, delivery: Delivery): Promise<void> {
  const { job } = delivery
  const active: ActiveJob = {
    ...identityOf(job),
    queue: loaded.definition.name,
    bullId: String(job.id),
    controller: new AbortController(),
  }
  host.activity.started(active)
  try {
    await takeUpAndRun(host, loaded, { ...delivery, active })
  } finally {
    host.activity.ended(active)
    host.onEnd()
  }
}

async function takeUpAndRun(host: WorkerHost, loaded: LoadedQueue, delivery: Delivery & { active: ActiveJob }): Promise<void> {
  const { definition } = loaded
  const work = await takeUp(delivery.job, definition, { database: host.database, grace: host.tuning.grace }).catch((error: unknown) =>
    postpone(host, delivery, error),
  )
  if (!work) {
    host.metrics?.finished({ queue: definition.name, outcome: 'skipped', milliseconds: 0, attempts: 0 })
    return
  }
  const started = host.now()
  host.metrics?.started(definition.name, waitOf(delivery.job, started))
  const outcome = await attempt(host, loaded, { ...delivery, work })
  const { name: queue } = definition
  host.metrics?.finished({ queue, outcome: outcome.name, milliseconds: host.now() - started, attempts: work.attempt })
  if (outcome.error) throw outcome.error
}

function waitOf(job: Job, now: number): number {
  return Math.max(0, now - job.timestamp - job.delay)
}

/** Nothing was tried, so no attempt is spent. */
async function postpone(host: WorkerHost, { job, token }: Delivery, error: unknown): Promise<never> {
  host.log.error({ err: error, queue: job.queueName, job: job.id }, 'the row of the job cannot be read; the job is put off')
  await job.moveToDelayed(Date.now() + host.tuning.postpone, token)
  throw new DelayedError()
}

interface Attempt extends Delivery {
  readonly work: Work
  readonly active: ActiveJob
}

interface Ending {
  readonly name: JobOutcome
  /** What BullMQ is to make of it; nothing = completed. */
  readonly error?: Error
}

async function attempt(host: WorkerHost, loaded: LoadedQueue, { job, token, work, active }: Attempt): Promise<Ending> {
  const log = host.log.child({ queue: job.queueName, job: work.id, attempt: work.attempt, tenant: work.tenantId })
  try {
    await runProcessor(host, loaded, { job, token, work, active, log })
    await note(log, work.durable && settleJob(host.database, work.durable, { state: 'completed' }))
    return { name: 'completed' }
  } catch (error) {
    if (error instanceof JobLost) return { name: 'interrupted', error: new WaitingError() }
    if (error instanceof JobInterrupted) return giveBack(host, { job, token, work, active }, log)
    if (error instanceof JobCancelled) return endCancelled(host, work, log)
    return isPermanent(error, work) ? endFailed(host, loaded, { work, job, error, log }) : retryLater(host, { work, error, log })
  }
}

async function runProcessor(host: WorkerHost, loaded: LoadedQueue, { job, work, active, log }: Attempt & { log: QueueLog }): Promise<void> {
  const { definition, processor } = loaded
  active.controller.signal.throwIfAborted()
  const payload = parseOrGiveUp(loaded, work.payload)
  describeSpan({ ...idsIn(payload), tenant: work.tenantId, job: work.id })
  const progress = createProgress(job, log, host.activity)
  const run: JobRun = {
    id: work.id,
    queue: definition.name,
    payload,
    attempt: work.attempt,
    maxAttempts: work.maxAttempts,
    signal: active.controller.signal,
    log,
    traceId: currentTrace() ?? traceOf(work.traceparent),
    progress: (value) => progress.report(value),
  }
  const onIgnored = () =>
    log.error({ reason: String(active.controller.signal.reason) }, 'the processor ignores its signal and was left behind')
  try {
    await withDeadline(async () => processor.process(run, host.context as never), active.controller, {
      timeout: definition.timeout,
      grace: host.tuning.grace,
      onIgnored,
    })
  } finally {
    await progress.end()
  }
}

function parseOrGiveUp({ definition }: LoadedQueue, payload: unknown): JobPayload {
  try {
    return parsePayload(definition, payload)
  } catch (error) {
    throw new UnrecoverableError(`${describeError(error).reason}: ${JSON.stringify((error as { errors?: unknown }).errors)}`)
  }
}

/** A row that cannot be written now is settled by the reconciler, from what Redis keeps of the job. */
async function note(log: QueueLog, written: Promise<void> | null): Promise<void> {
  try {
    await written
  } catch (error) {
    log.error({ err: error }, 'the row of the job cannot be written; the reconciler will settle it')
  }
}

async function giveBack(host: WorkerHost, { job, token, work }: Attempt, log: QueueLog): Promise<Ending> {
  await note(log, work.durable && settleJob(host.database, work.durable, { state: 'retrying', reason: 'interrupted by a shutdown' }))
  await job.moveToWait(token)
  log.warn({}, 'the shutdown cannot wait for this job; it went back to its queue')
  return { name: 'interrupted', error: new WaitingError() }
}

async function endCancelled(host: WorkerHost, work: Work, log: QueueLog): Promise<Ending> {
  await note(log, work.durable && settleJob(host.database, work.durable, { state: 'cancelled' }))
  log.info({}, 'the job was cancelled')
  return { name: 'cancelled' }
}

interface Failure {
  readonly work: Work
  readonly error: unknown
  readonly log: QueueLog
}

async function retryLater(host: WorkerHost, { work, error, log }: Failure): Promise<Ending> {
  await note(log, work.durable && settleJob(host.database, work.durable, { state: 'retrying', ...describeError(error) }))
  log.warn({ err: error, of: work.maxAttempts }, 'the attempt failed')
  return { name: 'retrying', error: asError(error) }
}

async function endFailed(host: WorkerHost, loaded: LoadedQueue, { work, job, error, log }: Failure & { job: Job }): Promise<Ending> {
  const { deadLetter } = loaded.definition
  const described = describeError(error)
  await note(log, record(host, loaded, { work, job, ...described }))
  log.error(
    { err: error, timeout: error instanceof JobTimeout },
    deadLetter ? 'the job failed for good: a dead letter' : 'the job failed for good',
  )
  const last = permanent(error)
  told.add(last)
  return { name: deadLetter ? 'dead' : 'failed', error: last }
}

/** Errors of jobs that a processor of this process failed for good, and whose end is counted there. */
const told = new WeakSet<Error>()

interface Recorded {
  readonly work: Work
  readonly job: Job
  readonly reason: string
  readonly stack: string | undefined
}

/** The row first: BullMQ's own note of the failure may be lost with Redis. */
async function record(host: WorkerHost, { definition }: LoadedQueue, { work, job, reason, stack }: Recorded): Promise<void> {
  const { deadLetter, name } = definition
  if (work.durable) return settleJob(host.database, work.durable, { state: deadLetter ? 'dead' : 'failed', reason, stack })
  if (!deadLetter) return
  const { id, key, payload, attempt: attempts, maxAttempts } = work
  const tenantId = work.tenantId ?? platformTenant
  const createdAt = new Date(job.timestamp)
  await buryJob(host.database, { id, tenantId, queue: name, key, payload, attempts, maxAttempts, reason, stack, createdAt })
}

/** Jobs that BullMQ fails without asking a processor, because their workers were lost too often. For all others the row is there already. */
async function buryLost(host: WorkerHost, loaded: LoadedQueue, { job, error }: { job: Job | undefined; error: Error }): Promise<void> {
  if (job?.finishedOn === undefined) return
  const durable = readDurable(job.data)
  const work: Work = { ...fastWork(job, loaded.definition), durable, attempt: job.attemptsMade }
  await note(host.log, record(host, loaded, { work, job, ...describeError(error) }))
  if (!told.has(error)) {
    const { name: queue, deadLetter } = loaded.definition
    host.metrics?.finished({ queue, outcome: deadLetter ? 'dead' : 'failed', milliseconds: null, attempts: work.attempt })
  }
  host.onEnd()
}

function permanent(error: unknown): Error {
  if (error instanceof UnrecoverableError) return error
  const { reason, stack } = describeError(error)
  return Object.assign(new UnrecoverableError(reason), stack === undefined ? {} : { stack })
}
