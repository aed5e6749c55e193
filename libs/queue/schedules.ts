import { isDeepStrictEqual } from 'node:util'
import type { JobSchedulerJson, Queue } from 'bullmq'
import { jobOptions } from './client.ts'
import { type AnyQueue, DeclarationError } from './definition.ts'
import { parsePayload } from './payload.ts'
import { type Producer, unlessRedisFails } from './producer.ts'

interface ScheduleBase {
  /** Stable: a changed schedule keeps it, a new id is a new schedule. */
  readonly id: string
  readonly queue: AnyQueue
  readonly payload: Readonly<Record<string, unknown>>
}

/** A cron pattern (in `timezone`, UTC without it) or a distance in milliseconds. A tick that is missed while no worker runs comes once. */
export type Schedule = ScheduleBase &
  ({ readonly pattern: string; readonly timezone?: string; readonly every?: never } | { readonly every: number; readonly pattern?: never })

export interface ScheduleParts {
  readonly producer: Producer
  /** The Redis prefix of all queues. */
  readonly prefix: string
  readonly service: string
  readonly definitions: readonly AnyQueue[]
  readonly schedules: readonly Schedule[]
}

export interface ScheduleChanges {
  readonly upserted: string[]
  readonly removed: string[]
}

/**
 * Makes Redis have these schedules of the service and no others of it. Part of a deployment: while two releases run side by side, only
 * the start of a host removes anything. May run in several processes at once.
 */
export async function upsertSchedules(parts: ScheduleParts): Promise<ScheduleChanges> {
  const changes: ScheduleChanges = { upserted: [], removed: [] }
  for (const definition of parts.definitions) {
    const queue = await parts.producer.queue(definition)
    const own = parts.schedules.filter((schedule) => schedule.queue === definition)
    await upsertInto(queue, own, changes)
    await removeOthers(queue, own, changes)
  }
  await forgetFormerQueues(parts, changes)
  return changes
}

/** After a wipe of Redis. Removes nothing, so an old release that still runs cannot take away what a new one has scheduled. */
export async function restoreSchedules(parts: ScheduleParts): Promise<ScheduleChanges | null> {
  const known = await parts.producer.redis((connection) => connection.exists(registry(parts)))
  return known ? null : upsertSchedules(parts)
}

function registry({ prefix, service }: ScheduleParts): string {
  return `${prefix}:scheduled:${service}`
}

/** @throws `DeclarationError` and `request.invalid` for what would never work */
export function checkSchedules({ schedules, definitions }: Pick<ScheduleParts, 'schedules' | 'definitions'>): void {
  for (const { id, queue, payload } of schedules) {
    if (!/^[a-z][a-z0-9-]{0,100}$/.test(id)) throw new DeclarationError(`Schedule "${id}": ids are lower-case letters, digits and dashes`)
    if (!definitions.includes(queue)) throw new DeclarationError(`Schedule "${id}" names queue "${queue.name}", which is not declared`)
    parsePayload(queue, payload)
  }
}

async function upsertInto(queue: Queue, schedules: readonly Schedule[], changes: ScheduleChanges): Promise<void> {
  for (const schedule of schedules) {
    const current = await unlessRedisFails(queue.getJobScheduler(schedule.id))
    if (current && isSame(current, schedule)) continue
    const template = { name: queue.name, data: { payload: schedule.payload }, opts: jobOptions(schedule.queue) }
    await unlessRedisFails(queue.upsertJobScheduler(schedule.id, repetition(schedule), template))
    changes.upserted.push(schedule.id)
  }
}

function repetition(schedule: Schedule) {
  return schedule.pattern === undefined ? { every: schedule.every } : { pattern: schedule.pattern, tz: schedule.timezone ?? 'UTC' }
}

/** An upsert of an unchanged distance would start it anew, which a crash loop could turn into never or all the time. */
function isSame(current: JobSchedulerJson<unknown>, schedule: Schedule): boolean {
  const timing = { every: current.every, pattern: current.pattern, tz: current.tz }
  const wanted = { every: undefined, pattern: undefined, tz: undefined, ...repetition(schedule) }
  return (
    isDeepStrictEqual(timing, wanted) &&
    isDeepStrictEqual(current.template?.data, { payload: schedule.payload }) &&
    isDeepStrictEqual(plain(current.template?.opts), plain(jobOptions(schedule.queue)))
  )
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? {}))
}

async function removeOthers(queue: Queue, wanted: readonly Schedule[], changes: ScheduleChanges): Promise<void> {
  const present = await unlessRedisFails(queue.getJobSchedulers())
  const unknown = present.map(({ key }) => key).filter((id) => !wanted.some((schedule) => schedule.id === id))
  for (const id of unknown) {
    await unlessRedisFails(queue.removeJobScheduler(id))
    changes.removed.push(id)
  }
}

/** The registry knows which queues the service has had, and its absence means that Redis lost everything. */
async function forgetFormerQueues(parts: ScheduleParts, changes: ScheduleChanges): Promise<void> {
  const { producer, definitions } = parts
  const names = ['*', ...definitions.map(({ name }) => name)]
  await producer.redis((connection) => connection.sadd(registry(parts), ...names))
  const known = await producer.redis((connection) => connection.smembers(registry(parts)))
  for (const name of known.filter((known) => !names.includes(known))) {
    await removeOthers(await producer.formerQueue(name), [], changes)
    await producer.redis((connection) => connection.srem(registry(parts), name))
  }
}
