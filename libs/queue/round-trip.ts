import { randomUUID } from 'node:crypto'
import { Queue, QueueEvents, Worker } from 'bullmq'
import { unlessRedisFails } from './producer.ts'
import { producerConnection, type QueueRedis, requireReady, workerConnection } from './redis.ts'

/**
 * Sends one job through a queue of its own and back, and removes the queue.
 * @returns milliseconds from adding it to knowing its result
 * @throws redis.unavailable
 */
export async function queueRoundTrip(settings: QueueRedis, milliseconds = 5000): Promise<number> {
  const name = `round-trip-${randomUUID()}`
  const { prefix } = settings
  const ignore = () => undefined
  const producing = producerConnection(settings, ignore)
  const consuming = workerConnection(settings, ignore)
  try {
    await requireReady(producing)
    const options = { prefix, skipVersionCheck: true }
    const queue = new Queue(name, { connection: producing, ...options })
    const worker = new Worker(name, async (job) => job.data, { connection: consuming, ...options })
    const events = new QueueEvents(name, { connection: consuming.duplicate(), ...options })
    queue.on('error', ignore)
    worker.on('error', ignore)
    events.on('error', ignore)
    try {
      await Promise.all([worker.waitUntilReady(), events.waitUntilReady()])
      const began = performance.now()
      const sent = randomUUID()
      const job = await queue.add('ping', { sent })
      const answer = (await job.waitUntilFinished(events, milliseconds)) as { sent: string }
      if (answer.sent !== sent) throw new Error('another job came back than was sent')
      return performance.now() - began
    } finally {
      await Promise.allSettled([worker.close(), events.close()])
      await unlessRedisFails(queue.obliterate({ force: true }))
      await queue.close()
    }
  } finally {
    consuming.disconnect()
    producing.disconnect()
  }
}
