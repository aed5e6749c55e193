import { randomUUID } from 'node:crypto'
import { connect } from '@slipway/db'
import { createQueues, createWorkers } from '@slipway/queue'
import { createLog, queueTelemetry } from '@slipway/telemetry'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { answerParent } from '../child.ts'
import { tenant } from './dishes.ts'
import { type Counter, count } from './queue.counter.ts'
import { benchQueue, concurrency, jobOptions, type Payload, prefix } from './queue.definition.ts'

export interface QueueSettings {
  readonly kind: 'envelope' | 'bare'
  readonly redisUrl: string
  readonly databaseUrl: string
}

/** As many jobs as can be, first put in and then worked off. */
export interface Batch {
  readonly jobs: number
  readonly busyMilliseconds?: number
}

/** So many jobs, one every few milliseconds. */
export interface Drip {
  readonly jobs: number
  readonly everyMilliseconds: number
  /** What came since goes to Redis only every so often, as pollers do it: for the control. */
  readonly pollMilliseconds?: number
}

export interface BatchSeconds {
  readonly adding: number
  readonly working: number
}

/** Half of a queue, of which the other half is in no other process: adding and working take turns. */
interface Contender {
  add(payload: Payload): Promise<unknown>
  /** Starts a worker, whose end is waited for at disposal. */
  work(counter: Counter): Promise<AsyncDisposable>
}

/** What an API and a worker of ours do, but for the trace. */
function envelope({ redisUrl, databaseUrl }: QueueSettings): Contender {
  const log = createLog({ name: 'bench' })
  const settings = { redisUrl, prefix, definitions: [benchQueue], telemetry: queueTelemetry() }
  const queues = createQueues({ ...settings, log })
  const database = connect({ url: databaseUrl, poolSize: 4 })
  return {
    add: (payload) => queues.add(benchQueue, payload),
    work: (context) => createWorkers({ ...settings, service: 'bench', context, database, log }),
  }
}

function bare({ redisUrl }: QueueSettings): Contender {
  const connection = () => new Redis(redisUrl, { db: 3, maxRetriesPerRequest: null })
  const queue = new Queue('bench', { connection: connection(), prefix, skipVersionCheck: true })
  return {
    add: (payload) => queue.add('bench', payload, jobOptions),
    async work(counter) {
      const own = connection()
      const worker = new Worker<Payload>('bench', async ({ data }) => count(counter, data), { connection: own, prefix, concurrency })
      await worker.waitUntilReady()
      return {
        async [Symbol.asyncDispose]() {
          await worker.close()
          own.disconnect()
        },
      }
    },
  }
}

const payloadOf = (): Payload => ({
  version: 1,
  tenantId: tenant.id,
  fileId: randomUUID(),
  sent: String(process.hrtime.bigint()),
})

function countTo(expected: number, busy = 0): { counter: Counter; all: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { counter: { busy, seen: new Set(), duplicates: 0, waits: [], expected, done: resolve }, all: promise }
}

async function runBatch(contender: Contender, { jobs, busyMilliseconds = 0 }: Batch): Promise<BatchSeconds> {
  const began = performance.now()
  let left = jobs
  const adder = async () => {
    while (left-- > 0) await contender.add(payloadOf())
  }
  await Promise.all(Array.from({ length: concurrency }, adder))
  const added = performance.now()
  const { counter, all } = countTo(jobs, busyMilliseconds)
  await using _worker = await contender.work(counter)
  await all
  const ended = performance.now()
  if (counter.duplicates > 0) throw new Error(`${counter.duplicates} jobs ran twice`)
  return { adding: (added - began) / 1000, working: (ended - added) / 1000 }
}

async function runDrip(contender: Contender, { jobs, everyMilliseconds, pollMilliseconds = 0 }: Drip): Promise<number[]> {
  const { counter, all } = countTo(jobs)
  await using _worker = await contender.work(counter)
  const waiting: Payload[] = []
  const flush = () => Promise.all(waiting.splice(0).map((payload) => contender.add(payload)))
  const began = performance.now()
  const failed = Promise.withResolvers<never>()
  let sent = 0
  // Open loop: who is late catches up, and the wait counts from when the job should have been sent.
  const timer = setInterval(() => {
    for (; sent < jobs && performance.now() - began >= sent * everyMilliseconds; sent++) waiting.push(payloadOf())
    if (pollMilliseconds === 0) flush().catch(failed.reject)
    if (sent === jobs) clearInterval(timer)
  }, 1)
  const poller = pollMilliseconds > 0 ? setInterval(() => void flush().catch(failed.reject), pollMilliseconds) : undefined
  await Promise.race([all, failed.promise])
  clearInterval(poller)
  return counter.waits
}

let contender: Contender | undefined
answerParent(async (question: QueueSettings | Batch | Drip) => {
  if ('kind' in question) {
    contender = question.kind === 'bare' ? bare(question) : envelope(question)
    return null
  }
  if (!contender) throw new Error('nothing was opened')
  return 'everyMilliseconds' in question ? runDrip(contender, question) : runBatch(contender, question)
})
