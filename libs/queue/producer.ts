import { Queue, type Telemetry } from 'bullmq'
import type { Redis } from 'ioredis'
import { type AnyQueue, DeclarationError } from './definition.ts'
import type { Hint } from './hints.ts'
import { hintChannel, producerConnection, type QueueRedis, redisProblem, requireReady } from './redis.ts'

export interface ProducerSettings extends QueueRedis {
  readonly definitions: readonly AnyQueue[]
  readonly telemetry?: Telemetry | null | undefined
}

/** The BullMQ queues of one process over one connection that fails fast; everything throws `redis.unavailable`. */
export interface Producer extends AsyncDisposable {
  queue(definition: AnyQueue): Promise<Queue>
  /** Of a queue that no declaration names any more. */
  formerQueue(name: string): Promise<Queue>
  redis<T>(command: (connection: Redis) => Promise<T>): Promise<T>
  send(hint: Hint): Promise<void>
}

export function openProducer(settings: ProducerSettings, onError: (error: Error) => void): Producer {
  const { definitions, prefix } = settings
  const connection = producerConnection(settings, onError)
  const queues = openQueues(connection, settings)
  const redis = async <T>(command: (connection: Redis) => Promise<T>) => {
    await requireReady(connection)
    return unlessRedisFails(command(connection))
  }
  return {
    queue: async (definition) => {
      if (!definitions.includes(definition)) throw new DeclarationError(`Queue "${definition.name}" is not among those given here`)
      return queues.get(definition.name)
    },
    formerQueue: (name) => queues.get(name),
    redis,
    send: async (hint) => {
      await redis(() => connection.publish(hintChannel(prefix), JSON.stringify(hint)))
    },
    [Symbol.asyncDispose]: async () => {
      await queues.close()
      connection.disconnect()
    },
  }
}

interface OpenQueues {
  get(name: string): Promise<Queue>
  close(): Promise<void>
}

/** A BullMQ queue whose first contact with Redis fails stays broken, so queues are made when Redis answers and dropped if it did not. */
function openQueues(connection: Redis, { prefix, telemetry }: ProducerSettings): OpenQueues {
  const open = new Map<string, Queue>()
  const make = (name: string) => {
    const queue = new Queue(name, { connection, prefix, skipVersionCheck: true, ...(telemetry ? { telemetry } : {}) })
    // The owner of the connection hears of its errors.
    queue.on('error', () => undefined)
    open.set(name, queue)
    return queue
  }
  return {
    get: async (name) => {
      await requireReady(connection)
      const queue = open.get(name) ?? make(name)
      try {
        await queue.waitUntilReady()
        return queue
      } catch (error) {
        open.delete(name)
        throw redisProblem(error)
      }
    },
    close: async () => {
      await Promise.all([...open.values()].map((queue) => queue.close()))
    },
  }
}

const patience = 5000

/** Also ends the wait for a server that holds the connection open and does not answer. */
export async function unlessRedisFails<T>(answer: Promise<T>): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`Redis did not answer within ${patience} ms`)), patience)
  try {
    return await Promise.race([answer, tooLate])
  } catch (error) {
    throw redisProblem(error)
  } finally {
    clearTimeout(timer)
  }
}
