import type { Activity } from './activity.ts'
import type { AnyQueue } from './definition.ts'
import type { Producer } from './producer.ts'

export interface QueueProbe {
  /** Looks at the queues once; called regularly by the host. */
  sample(): Promise<void>
  /** Names of queues whose jobs have waited for `patience` while this process had a free place for them and nothing moved. */
  stuck(): string[]
}

interface ProbeParts {
  readonly producer: Producer
  readonly definitions: readonly AnyQueue[]
  readonly activity: Activity
  readonly now: () => number
  /** Milliseconds. */
  readonly patience: number
}

/**
 * A worker can lose its loop without any error. A look now and then tells that from a short queue: work must have been waiting at every look,
 * although the queue was neither paused nor at its rate, and this process neither full nor busy with something that moved.
 */
export function createProbe(parts: ProbeParts): QueueProbe {
  const { definitions, activity, now, patience } = parts
  const since = new Map<string, number>()
  return {
    sample: async () => {
      const looks = definitions.map(async (definition) => ({ name: definition.name, idle: await isNeglected(parts, definition) }))
      for (const { name, idle } of await Promise.all(looks)) {
        if (!idle) since.delete(name)
        else if (!since.has(name)) since.set(name, now())
      }
    },
    stuck: () => [...since.entries()].filter(([, start]) => now() - Math.max(start, activity.last) >= patience).map(([name]) => name),
  }
}

/** Redis being away is not the worker's fault, and no restart would help. */
async function isNeglected({ producer, activity }: ProbeParts, definition: AnyQueue): Promise<boolean> {
  const running = [...activity.active].filter(({ queue }) => queue === definition.name).length
  if (running >= definition.concurrency) return false
  try {
    const queue = await producer.queue(definition)
    const [waiting, paused, limited] = await Promise.all([queue.getWaitingCount(), queue.isPaused(), queue.getRateLimitTtl()])
    return waiting > 0 && !paused && limited <= 0
  } catch {
    return false
  }
}
