import { newId } from '@slipway/db'
import type { Queue } from 'bullmq'
import type { AnyQueue, JobPayload, QueueDefinition } from './definition.ts'
import type { EnqueueOptions } from './enqueue.ts'
import type { FastJob } from './envelope.ts'
import { type Hint, onIntent } from './hints.ts'
import { type QueueLog, silentLog } from './log.ts'
import { jobKey, parsePayload, tenantOf } from './payload.ts'
import { openProducer, type Producer, type ProducerSettings, unlessRedisFails } from './producer.ts'
import { checkRedisPolicy, type RedisPolicy } from './redis.ts'

export interface QueueClientSettings extends ProducerSettings {
  readonly log?: QueueLog | undefined
}

export interface QueueCounts {
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly completed: number
  readonly failed: number
}

/** The producing side. Everything here throws `redis.unavailable` within seconds when Redis cannot be reached. */
export interface QueueClient extends AsyncDisposable {
  readonly definitions: readonly AnyQueue[]
  /**
   * The fast path: Redis only, so a job is as durable as Redis and is not part of any transaction. Returns the id of the job, which is
   * that of an earlier one when the same work already waits.
   * @throws `request.invalid` when the payload does not satisfy the queue
   */
  add<Payload extends JobPayload>(
    definition: QueueDefinition<never, Payload>,
    payload: NoInfer<Payload>,
    options?: EnqueueOptions,
  ): Promise<string>
  /** Of all tenants, as Redis sees them. */
  counts(definition: AnyQueue): Promise<QueueCounts>
  /** Connections of workers that take jobs of this queue, in whatever process. */
  workers(definition: AnyQueue): Promise<number>
  /** Throws unless Redis answers. */
  ready(): Promise<void>
  policy(): Promise<RedisPolicy>
  /** The BullMQ queue itself, for administration and tests. */
  queue(definition: AnyQueue): Promise<Queue>
  send(hint: Hint): Promise<void>
}

export function createQueues(settings: QueueClientSettings): QueueClient {
  const { definitions, log = silentLog } = settings
  const producer = openProducer(settings, (error) => log.debug({ err: error }, 'the queue connection failed'))
  const wake = (queue: string) => {
    producer.send({ wake: queue }).catch((error: unknown) => log.debug({ err: error, queue }, 'a wake-up was lost; the relay polls'))
  }
  const endings = definitions.map((definition) => onIntent(definition, () => wake(definition.name)))
  return {
    definitions,
    add: (definition, payload, options = {}) => addJob(producer, definition, { ...options, payload }),
    counts: async (definition) => countJobs(await producer.queue(definition)),
    workers: async (definition) => await unlessRedisFails((await producer.queue(definition)).getWorkersCount()),
    ready: async () => {
      await producer.redis((connection) => connection.ping())
    },
    policy: () => producer.redis(checkRedisPolicy),
    queue: (definition) => producer.queue(definition),
    send: (hint) => producer.send(hint),
    [Symbol.asyncDispose]: async () => {
      for (const end of endings) end()
      await producer[Symbol.asyncDispose]()
    },
  }
}

async function addJob<Payload extends JobPayload>(
  producer: Producer,
  definition: QueueDefinition<never, Payload>,
  request: EnqueueOptions & { payload: Payload },
): Promise<string> {
  const payload = parsePayload(definition, request.payload)
  const key = jobKey(definition, payload, request.dedupeId)
  const tenant = tenantOf(payload)
  const queue = await producer.queue(definition)
  const data: FastJob = { payload }
  // Keeping the last request while one is active, and not the id of the job, is what lets a finished job be in nobody's way.
  const deduplication = key === null ? {} : { deduplication: { id: `${tenant}.${key}`, keepLastIfActive: true } }
  const options = { jobId: newId(), delay: request.delay ?? 0, ...jobOptions(definition), ...deduplication }
  const job = await unlessRedisFails(queue.add(definition.name, data, options))
  return String(job.id)
}

/** What the declaration promises, in BullMQ's words. */
export function jobOptions({ attempts, backoff, keep }: AnyQueue) {
  return {
    attempts,
    backoff: { ...backoff },
    removeOnComplete: { age: Math.ceil(keep.completed / 1000) },
    removeOnFail: { age: Math.ceil(keep.failed / 1000) },
    stackTraceLimit: 10,
  }
}

async function countJobs(queue: Queue): Promise<QueueCounts> {
  const states = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const
  const counts = await unlessRedisFails(queue.getJobCounts(...states))
  const of = (state: (typeof states)[number]) => counts[state] ?? 0
  return { waiting: of('waiting'), active: of('active'), delayed: of('delayed'), completed: of('completed'), failed: of('failed') }
}
