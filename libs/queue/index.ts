export { UnrecoverableError } from 'bullmq'
export {
  cancelJob,
  createJobAdministration,
  type JobAdministration,
  type JobAdministrationSettings,
  type JobChange,
  type JobFilter,
  type JobScope,
  type OwnJob,
  retryJob,
} from './administration.ts'
export { type Backlog, readBacklog } from './backlog.ts'
export { createQueues, type QueueClient, type QueueClientSettings, type QueueCounts } from './client.ts'
export { JobCancelled, JobInterrupted, JobLost, JobTimeout } from './deadline.ts'
export {
  type AnyQueue,
  DeclarationError,
  defineQueue,
  type JobPayload,
  type JobRun,
  type ProcessorModule,
  type QueueDefinition,
  type QueueLimits,
} from './definition.ts'
export { type EnqueueOptions, enqueue } from './enqueue.ts'
export type { JobView } from './job-view.ts'
export type { JobState } from './ledger.ts'
export type { QueueLog } from './log.ts'
export type { QueueOverview } from './overview.ts'
export type { AttemptEnd, QueueMetrics } from './queue-metrics.ts'
export { checkRedisPolicy, queuePrefix, type RedisPolicy, reconnectOnError } from './redis.ts'
export { queueRoundTrip } from './round-trip.ts'
export { type Schedule } from './schedules.ts'
export { type Backoff, days, exponential, fixed, hours, minutes, perMinute, perSecond, type Rate, seconds } from './units.ts'
export { createWorkers, type QueueTuning, type Workers, type WorkersProgress, type WorkersSettings } from './workers.ts'

/** Applied to the schema of every service. */
export const migrations = { name: 'queue', folder: new URL('./migrations/', import.meta.url) }
