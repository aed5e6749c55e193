import type { QueueItem, ServiceStatus } from '../../api/calls.ts'
import { durationText } from '../../api/words.ts'

export interface Finding {
  readonly state: 'ok' | 'degraded' | 'unavailable'
  readonly text: string
  /** What to do. */
  readonly advice?: string
}

/** freshclam looks for a new database several times a day. */
const oldSeconds = 48 * 3600
/** A job that waits longer than this is worth a look. */
const longWaitSeconds = 300
/** A tenth of the quota fills up faster than a quota is raised. */
const fullPart = 0.9

export function scannerFinding(scanner: NonNullable<ServiceStatus['scanner']>): Finding {
  const { status, database, ageSeconds } = scanner
  if (status === 'down')
    return {
      state: 'unavailable',
      text: 'The scanner does not answer',
      advice: 'Look whether clamd runs; uploads are refused until it is back.',
    }
  if (status === 'test-signatures')
    return {
      state: 'unavailable',
      text: 'Only test signatures are loaded: no real malware is found',
      advice: 'Let freshclam reach its mirror, and wait until clamd has loaded the database.',
    }
  if (ageSeconds === null)
    return { state: 'degraded', text: `Database ${database}, of unknown age`, advice: 'Look what clamd says of its version.' }
  const text = `Database ${database} is ${durationText(ageSeconds)} old`
  if (ageSeconds <= oldSeconds) return { state: 'ok', text }
  return { state: 'degraded', text, advice: 'New malware is not found. Look why freshclam does not fetch, and whether clamd reloads.' }
}

export function queueFinding({ oldestWaitingSeconds: waits, workers }: Pick<QueueItem, 'oldestWaitingSeconds' | 'workers'>): Finding {
  const text = waits === null ? 'nothing waits' : `oldest waits ${durationText(waits)}`
  if (workers === 0) return { state: 'unavailable', text, advice: 'No worker takes its jobs: start one.' }
  if (waits === null || waits <= longWaitSeconds) return { state: 'ok', text }
  return { state: 'degraded', text, advice: 'Start more workers, or look whether one stands still.' }
}

/** Of the processes behind the queues of one service. Null: Redis does not tell. */
export function workersFinding(queues: readonly Pick<QueueItem, 'queue' | 'workers'>[]): Finding | null {
  if (queues.length === 0 || queues.some(({ workers }) => workers === null)) return null
  const idle = queues.filter(({ workers }) => workers === 0).map(({ queue }) => queue)
  if (idle.length > 0) return { state: 'unavailable', text: 'workers', advice: `Nobody takes jobs of ${idle.join(', ')}: start a worker.` }
  const least = Math.min(...queues.map(({ workers }) => workers ?? 0))
  return { state: 'ok', text: least === 1 ? '1 worker' : `${least} workers` }
}

/** The part of the quota that is used, of bytes or of files, whichever is more; 1 where nothing is allowed. */
export function partUsed(used: Amount, quota: Amount): number {
  const part = (of: number, all: number) => (all > 0 ? of / all : 1)
  return Math.min(1, Math.max(part(used.bytes, quota.bytes), part(used.files, quota.files)))
}

interface Amount {
  readonly bytes: number
  readonly files: number
}

export function isNearlyFull(part: number): boolean {
  return part >= fullPart
}

/** What to do about a check that is not well. Its own detail, for operators, says what is wrong. */
const advice: Readonly<Record<string, string>> = {
  database: 'Look whether Postgres runs and takes connections.',
  schema: 'Run `slipway migrate`: the database is older than this release.',
  redis: 'Look whether Redis runs and may not evict keys; jobs wait until it is back.',
  storage: 'Look whether the object store runs; uploads are refused until it is back.',
  scanner: 'Look whether clamd runs; uploads are refused until it is back.',
  signatures: 'Let freshclam reach its mirror: until then only test signatures are found.',
}

/** Checks that each service has of its own are named `database:files`. */
export function checkAdvice(name: string): string | undefined {
  return advice[name.split(':')[0] ?? name]
}
