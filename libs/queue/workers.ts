import type { Database } from '@slipway/db'
import type { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Activity, createActivity } from './activity.ts'
import { JobCancelled, JobInterrupted } from './deadline.ts'
import type { QueueDefinition, QueueLimits } from './definition.ts'
import { onIntent, readHint } from './hints.ts'
import { query } from './ledger.ts'
import { type QueueLog, silentLog } from './log.ts'
import { createLoop, type Loop } from './loop.ts'
import { createProbe, type QueueProbe } from './probe.ts'
import { openProducer, type Producer, type ProducerSettings } from './producer.ts'
import type { QueueMetrics } from './queue-metrics.ts'
import { buryFailed, reconcile, removeExpired } from './reconcile.ts'
import { hintChannel, workerConnection } from './redis.ts'
import { relayBatch, relayPass } from './relay.ts'
import type { LoadedQueue } from './run.ts'
import { checkSchedules, restoreSchedules, type Schedule, type ScheduleParts, upsertSchedules } from './schedules.ts'
import { startWorker, type WorkerHost } from './worker.ts'

export interface WorkersSettings<Context> extends ProducerSettings {
  readonly service: string
  readonly definitions: readonly QueueDefinition<Context>[]
  readonly schedules?: readonly Schedule[] | undefined
  /** By the name of the queue; all hosts of a queue have to agree on its rate. */
  readonly limits?: Readonly<Record<string, QueueLimits>> | undefined
  /** Handed to every processor. */
  readonly context: Context
  /** The system role of the service. */
  readonly database: Database
  readonly metrics?: QueueMetrics | null | undefined
  readonly log?: QueueLog | undefined
  readonly now?: (() => number) | undefined
  readonly tuning?: Partial<QueueTuning> | undefined
}

/** Milliseconds. The defaults are for production; tests make them short. */
export interface QueueTuning {
  readonly lock: number
  readonly stalled: number
  readonly grace: number
  readonly postpone: number
  /** The safety net under lost wake-ups. */
  readonly poll: number
  /** How often rows are compared with Redis, and how long a row is left alone after its last change. */
  readonly reconcile: number
  /** After how long without movement waiting jobs mean that this process is stuck. */
  readonly patience: number
}

const defaults: QueueTuning = {
  lock: 30_000,
  stalled: 15_000,
  grace: 5000,
  postpone: 5000,
  poll: 3000,
  reconcile: 15_000,
  patience: 60_000,
}

export interface WorkersProgress {
  /** Milliseconds since the epoch. */
  readonly lastActivity: number
  readonly active: number
  /** Queues whose jobs wait while nothing moves: the process should be restarted. */
  readonly stuck: readonly string[]
}

export interface Workers extends AsyncDisposable {
  progress(): WorkersProgress
  /** Throws unless Redis answers. */
  ready(): Promise<void>
  /**
   * Takes no new jobs, waits for the running ones, and at the deadline (milliseconds) gives back those that are not done.
   * @returns how many were given back
   */
  stop(deadline: number): Promise<number>
}

/** Runs the processors of one service, relays its intents and keeps its rows and Redis in step. Does not wait for Redis. */
export async function createWorkers<Context>(settings: WorkersSettings<Context>): Promise<Workers> {
  checkSchedules({ definitions: settings.definitions, schedules: settings.schedules ?? [] })
  const loaded = await Promise.all(settings.definitions.map(load))
  return startHost(settings as WorkersSettings<never>, loaded)
}

async function load<Context>(definition: QueueDefinition<Context>): Promise<LoadedQueue> {
  const processor = await definition.processor()
  if (typeof processor.process !== 'function')
    throw new TypeError(`The processor of queue "${definition.name}" exports no function process`)
  return { definition, processor }
}

interface Host {
  readonly settings: WorkersSettings<never>
  readonly tuning: QueueTuning
  readonly log: QueueLog
  readonly connection: Redis
  readonly subscriber: Redis
  readonly producer: Producer
  readonly activity: Activity
  readonly probe: QueueProbe
}

function startHost(settings: WorkersSettings<never>, loaded: readonly LoadedQueue[]): Workers {
  const { log = silentLog, now = Date.now, context, database, prefix, telemetry = null, metrics = null, definitions } = settings
  const tuning = { ...defaults, ...settings.tuning }
  const quiet = (error: Error) => log.debug({ err: error }, 'the worker connection failed')
  const connection = workerConnection(settings, quiet)
  const subscriber = workerConnection(settings, quiet)
  const producer = openProducer(settings, quiet)
  const activity = createActivity(now)
  const probe = createProbe({ producer, definitions, activity, now, patience: tuning.patience })
  const host: Host = { settings, tuning, log, connection, subscriber, producer, activity, probe }
  const loops = startLoops(host)
  const workerHost: WorkerHost = {
    context,
    database,
    connection,
    prefix,
    telemetry,
    metrics,
    log,
    activity,
    now,
    tuning,
    limits: settings.limits ?? {},
    onEnd: () => loops.relay.wake(),
  }
  const workers = loaded.map((queue) => startWorker(workerHost, queue))
  const endings = definitions.map((definition) => onIntent(definition, () => loops.relay.wake()))
  listen(host, loops.relay)
  return makeWorkers(host, workers, async () => {
    for (const end of endings) end()
    await Promise.all([loops.relay.close(), loops.upkeep.close()])
  })
}

interface Loops {
  readonly relay: Loop
  readonly upkeep: Loop
}

function startLoops(host: Host): Loops {
  const { settings, tuning, producer, log, probe } = host
  const { database, prefix, definitions, service, schedules = [] } = settings
  const parts = { database, producer, definitions, prefix, settled: tuning.reconcile }
  const scheduling: ScheduleParts = { producer, prefix, service, definitions, schedules }
  let scheduled = false
  const relay = createLoop({ name: 'relay', interval: tuning.poll, log }, async () => {
    await cancelRequested(host)
    await probe.sample()
    return (await relayPass(parts)) === relayBatch
  })
  const upkeep = createLoop({ name: 'reconciler', interval: tuning.reconcile, log }, async () => {
    const changes = scheduled ? await restoreSchedules(scheduling) : await upsertSchedules(scheduling)
    scheduled = true
    if (changes && changes.upserted.length + changes.removed.length > 0) log.info(changes, 'schedules were brought up to date')
    const { recreated, ended } = await reconcile(parts)
    if (recreated + ended > 0) log.warn({ recreated, ended }, 'rows and Redis were out of step')
    await buryFailed(parts)
    await removeExpired(parts)
    return false
  })
  return { relay, upkeep }
}

function listen({ subscriber, settings, activity, log }: Host, relay: Loop): void {
  const names = new Set(settings.definitions.map(({ name }) => name))
  subscriber.on('message', (_channel, message) => {
    const hint = readHint(message)
    if (hint && 'cancel' in hint) cancelActive(activity, hint.cancel)
    else if (hint && names.has(hint.wake)) relay.wake()
  })
  subscriber.subscribe(hintChannel(settings.prefix)).catch((error: unknown) => log.debug({ err: error }, 'hints cannot be heard'))
}

function cancelActive(activity: Activity, id: string): void {
  for (const job of activity.active) {
    if (job.id === id) job.controller.abort(new JobCancelled('cancelled on request'))
  }
}

/** For cancellations whose hint was lost. */
async function cancelRequested({ activity, settings }: Host): Promise<void> {
  const ids = [...activity.active].filter(({ durable }) => durable).map(({ id }) => id)
  if (ids.length === 0) return
  const rows = await query<{ id: string }>(
    settings.database,
    'select id from jobs where id = any($1::uuid[]) and cancel_requested_at is not null',
    [ids],
  )
  for (const { id } of rows) cancelActive(activity, id)
}

function makeWorkers(host: Host, workers: readonly Worker[], endLoops: () => Promise<void>): Workers {
  const { activity, probe, producer, connection } = host
  let stopping: Promise<number> | undefined
  const stop = (deadline: number) => {
    stopping ??= stopHost(host, workers, { deadline, endLoops })
    return stopping
  }
  return {
    progress: () => ({ lastActivity: activity.last, active: activity.active.size, stuck: probe.stuck() }),
    ready: async () => {
      await producer.redis(() => connection.ping())
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop(0)
    },
  }
}

async function stopHost(
  host: Host,
  workers: readonly Worker[],
  { deadline, endLoops }: { deadline: number; endLoops: () => Promise<void> },
): Promise<number> {
  const { activity, tuning, connection, subscriber, producer } = host
  // Closing ends the fetching at once, and is done when the last job is. A pause would let one more fetch through.
  const closed = Promise.all(workers.map((worker) => worker.close()))
  await endLoops()
  await within(activity.idle(), deadline)
  const left = activity.active.size
  activity.interrupt(new JobInterrupted('the worker shuts down'))
  await within(closed, tuning.grace * 2)
  await producer[Symbol.asyncDispose]()
  subscriber.disconnect()
  connection.disconnect()
  return left
}

async function within(done: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  await Promise.race([done, promise])
  clearTimeout(timer)
}
