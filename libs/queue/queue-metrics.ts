export type JobOutcome = 'completed' | 'retrying' | 'failed' | 'dead' | 'cancelled' | 'interrupted' | 'skipped'

export interface AttemptEnd {
  readonly queue: string
  readonly outcome: JobOutcome
  /** Null when the job was lost with its worker. */
  readonly milliseconds: number | null
  /** How many there have been, this one included. */
  readonly attempts: number
}

/** Told by every attempt; both latencies, because a queue that is stuck has no run times at all. */
export interface QueueMetrics {
  started(queue: string, waitMilliseconds: number): void
  finished(end: AttemptEnd): void
  /** Workers were lost with so many jobs, which run again. With none as a worker starts, so that the first loss is seen as a rise. */
  stalled(queue: string, jobs: number): void
}
