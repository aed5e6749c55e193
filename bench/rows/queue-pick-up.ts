import type { Child } from '../child.ts'
import type { Row, Side } from '../measure.ts'
import { processorSeconds } from '../processor.ts'
import type { Drip } from './queue.child.ts'
import { openQueues, type Queues } from './queue-stores.ts'

const drip: Drip = { jobs: 1500, everyMilliseconds: 4 }

function pickUp(queues: Queues, child: Child, drip: Drip): Side {
  const pids = [child.pid, queues.redis.pid, queues.postgres]
  return async () => {
    await queues.empty()
    const before = processorSeconds(pids)
    const began = performance.now()
    const waits = await child.ask<number[]>(drip)
    const wallSeconds = (performance.now() - began) / 1000
    return { figure: p99(waits), work: waits.length, wallSeconds, processorSeconds: processorSeconds(pids) - before }
  }
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? Number.NaN
}

export const queuePickUp: Row = {
  name: 'queue-pick-up',
  lines: ['queue-pick-up'],
  async open(stack) {
    const queues = await openQueues(stack)
    const theirs = pickUp(queues, queues.theirs, drip)
    return [
      {
        name: 'queue-pick-up',
        what: 'job pick-up p99 vs bare BullMQ',
        unit: 'ms',
        goal: 2,
        better: '≤',
        pair: { ours: pickUp(queues, queues.ours, drip), theirs },
        control: {
          kind: 'handicap',
          what: 'our jobs are handed over by a poller, every 100 ms',
          rounds: 2,
          pair: { ours: pickUp(queues, queues.ours, { ...drip, pollMilliseconds: 100 }), theirs },
        },
      },
    ]
  },
}
