import { type Queue, QueueEvents } from 'bullmq'

/** What `drain` needs of a queue: any `Queue` of BullMQ has it. */
export type DrainableQueue = Pick<Queue, 'name' | 'opts' | 'getJobCounts'>

const unfinished = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children'] as const
const endings = ['completed', 'failed', 'removed', 'drained', 'cleaned'] as const

/**
 * Waits until a queue has no job that waits, runs, is delayed or waits for its children. Looks after every event that ends a job, so
 * it takes as long as the jobs do.
 */
export async function drain(queue: DrainableQueue): Promise<void> {
  const { connection, prefix } = queue.opts
  // From the first event that is kept: one that comes between a look and the first read must not be missed.
  const events = new QueueEvents(queue.name, { connection, lastEventId: '0-0', ...(prefix === undefined ? {} : { prefix }) })
  try {
    const stirred = signalOf(events)
    while (!(await isEmpty(queue))) await stirred.next()
  } finally {
    await events.close()
  }
}

/** `next()` settles at the first event since it was called the last time, however many there were. */
function signalOf(events: QueueEvents): { next(): Promise<void> } {
  let signal = Promise.withResolvers<void>()
  for (const ending of endings) events.on(ending, () => signal.resolve())
  events.on('error', (error) => signal.reject(error))
  signal.promise.catch(() => undefined)
  return {
    next: async () => {
      await signal.promise
      signal = Promise.withResolvers<void>()
    },
  }
}

async function isEmpty(queue: DrainableQueue): Promise<boolean> {
  const counts = await queue.getJobCounts(...unfinished)
  return unfinished.every((state) => !counts[state])
}
