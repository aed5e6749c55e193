import type { Child } from '../child.ts'
import type { Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import type { Batch, BatchSeconds } from './queue.child.ts'
import { openQueues, type Queues } from './queue-stores.ts'

const jobs = 30_000

function jobsPerSecond(queues: Queues, child: Child, batch: Batch): Side {
  const pids = [child.pid, queues.redis.pid, queues.postgres]
  return async () => {
    await queues.empty()
    const before = processorSeconds(pids)
    const { adding, working } = await child.ask<BatchSeconds>(batch)
    const wallSeconds = adding + working
    return { figure: batch.jobs / wallSeconds, work: batch.jobs, wallSeconds, processorSeconds: processorSeconds(pids) - before }
  }
}

export const queueEnvelope: Row = {
  name: 'queue-envelope',
  lines: ['queue-envelope'],
  async open(stack) {
    const queues = await openQueues(stack)
    const ours = (batch: Partial<Batch> = {}) => jobsPerSecond(queues, queues.ours, { jobs, ...batch })
    const theirs = (batch: Partial<Batch> = {}) => jobsPerSecond(queues, queues.theirs, { jobs, ...batch })
    return [
      {
        name: 'queue-envelope',
        what: 'queue envelope vs bare BullMQ 6, concurrency 100, AOF always',
        unit: 'jobs/s',
        goal: 0.85,
        better: '≥',
        pair: { ours: ours(), theirs: theirs() },
        control: {
          kind: 'handicap',
          what: 'each of our jobs keeps its process busy for 1 ms',
          rounds: 2,
          pair: { ours: ours({ jobs: 5000, busyMilliseconds: 1 }), theirs: theirs({ jobs: 5000 }) },
        },
      },
    ]
  },
}
