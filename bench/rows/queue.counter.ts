import { busy } from './dishes.ts'
import type { Payload } from './queue.definition.ts'

/** What a worker of either side does with a job, and what it tells of it. */
export interface Counter {
  /** Milliseconds that every job takes, for the control. */
  busy: number
  readonly seen: Set<string>
  duplicates: number
  /** From the sending of a job to its start. */
  readonly waits: number[]
  expected: number
  done: () => void
}

export function count(counter: Counter, { fileId, sent }: Payload): void {
  counter.waits.push(Number(process.hrtime.bigint() - BigInt(sent)) / 1e6)
  busy(counter.busy)
  if (counter.seen.has(fileId)) counter.duplicates++
  counter.seen.add(fileId)
  if (counter.seen.size === counter.expected) counter.done()
}
