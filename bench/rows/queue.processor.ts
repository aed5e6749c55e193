import type { JobRun } from '@slipway/queue'
import { type Counter, count } from './queue.counter.ts'
import type { Payload } from './queue.definition.ts'

export async function process({ payload }: JobRun<Payload>, counter: Counter): Promise<void> {
  count(counter, payload)
}
