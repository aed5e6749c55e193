import type { Readable } from 'node:stream'
import type { AnyQueue, QueueClient } from '@slipway/queue'
import type { ScanResult } from '@slipway/scanner'
import type { AcceptOptions, ScanGate } from '@slipway/storage'
import { type QueueDepth, queueMetrics, type ScanMetrics } from '@slipway/telemetry'

/** A gate that tells the metrics of every verdict, whether it came with the upload or after it. */
export function measuredGate(gate: ScanGate, metrics: ScanMetrics): ScanGate {
  const record = ({ size, verdict }: { size: number; verdict: ScanResult }) =>
    metrics.record({ verdict: verdict.verdict, bytes: size, seconds: verdict.milliseconds / 1000 })
  const accept = async (source: Readable, options: AcceptOptions & { syncBytes: number }) => {
    const accepted = await gate.accept(source, options)
    // A pending scan that fails is told by whoever settles it.
    if (accepted.pending) void accepted.accepted.then(record, () => undefined)
    else record(accepted)
    return accepted
  }
  return {
    // Whether there can be a pending answer depends on `syncBytes`, and is left to the gate to say.
    accept: accept as ScanGate['accept'],
    async resume(quarantine, options) {
      const accepted = await gate.resume(quarantine, options)
      record(accepted)
      return accepted
    },
    discard: (quarantine) => gate.discard(quarantine),
  }
}

/** Depth of each queue by state and the age of its oldest waiting job, asked at every export. Says nothing while Redis is away. */
export function observeQueues(queues: QueueClient, definitions: readonly AnyQueue[], now: () => number): Disposable {
  return queueMetrics().observeDepth(async () => {
    const depths = await Promise.all(definitions.map((definition) => depthOf(queues, definition, now).catch(() => [])))
    return depths.flat()
  })
}

async function depthOf(queues: QueueClient, definition: AnyQueue, now: () => number): Promise<QueueDepth[]> {
  const queue = definition.name
  const counts = await queues.counts(definition)
  const [oldest] = await (await queues.queue(definition)).getJobs(['waiting'], 0, 0, true)
  const age = oldest ? (now() - oldest.timestamp) / 1000 : 0
  const depths = Object.entries(counts).map(([state, jobs]): QueueDepth => ({ queue, state, jobs }))
  return depths.map((depth) => (depth.state === 'waiting' ? { ...depth, oldestSeconds: age } : depth))
}
