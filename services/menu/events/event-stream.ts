import { isProblem } from '@slipway/problem'
import type { Follower } from './dish-events.ts'
import { type DishEvent, earlier, isEventId, type LoggedEvent } from './event-log.ts'

export interface StreamOptions {
  readonly follower: Follower
  /** The present state as an event; null = the dish is gone. */
  readonly present: () => Promise<DishEvent | null>
  /** `Last-Event-ID` of a client that comes back. */
  readonly lastEventId: string | undefined
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal
  readonly now: () => number
}

/** Below the idle time of every proxy that is known. */
const heartbeatMilliseconds = 15_000
/** Without Redis the row is looked at this often. */
const pollMilliseconds = 1_000
/**
 * Then the client comes back, and shows its credentials again: whoever has lost their access in the meantime does not get in. It misses
 * nothing by it.
 */
const longestMilliseconds = 5 * 60_000

interface Position {
  /** Null as long as Redis has not been asked. */
  cursor: string | null
  seen: DishEvent | null
}

/**
 * Server-sent events (WHATWG HTML §9.2) of one dish: what the client has missed, then the present state unless that was the last of it,
 * then what comes, whichever process it comes from. Nothing is lost without Redis, as the row is looked at instead.
 */
export async function* eventStream(options: StreamOptions): AsyncGenerator<string> {
  const { follower, signal, now } = options
  const position: Position = { cursor: null, seen: null }
  const end = now() + longestMilliseconds
  yield 'retry: 1000\n\n'
  position.cursor = await firstCursor(options)
  if (yield* news(options, position)) return
  if (yield* state(options, position)) return
  while (now() < end) {
    const patience = follower.isLive && position.cursor !== null ? heartbeatMilliseconds : pollMilliseconds
    const reason = await follower.wait(patience, signal)
    if (reason === 'ended') return
    if (yield* news(options, position)) return
    // Also what nobody tells of is seen sooner or later: a job that was ended from the list of jobs, a worker that died too often.
    if (reason === 'time' && (yield* state(options, position))) return
    if (reason === 'time' && patience === heartbeatMilliseconds) yield ': still here\n\n'
  }
}

/** An id that the log has not come to yet is from another Redis, and would keep the client waiting for ever. */
async function firstCursor({ follower, lastEventId }: StreamOptions): Promise<string | null> {
  try {
    const last = await follower.last()
    return lastEventId !== undefined && isEventId(lastEventId) ? earlier(lastEventId, last) : last
  } catch {
    return null
  }
}

/** What the log has beyond the position. True = the dish is gone. */
async function* news(options: StreamOptions, position: Position): AsyncGenerator<string, boolean> {
  for (const event of await unread(options.follower, position)) {
    position.cursor = event.id
    if (event.kind === 'gone') {
      yield frame(event, event.id)
      return true
    }
    const { seen } = position
    // Which of two models is the newer one, the row knows: the last words of one that was given up may come after the first of the next.
    if (seen !== null && seen.modelId !== event.modelId) {
      if (yield* state(options, position)) return true
      continue
    }
    // The row may have told of it already.
    if (seen !== null && event.revision <= seen.revision) continue
    position.seen = event
    yield frame(event, event.id)
  }
  return false
}

/** Without Redis there is no news; once it is back, the log is read from its end on, as the row has told of all before. */
async function unread(follower: Follower, { cursor }: Position): Promise<LoggedEvent[]> {
  try {
    return cursor === null ? [] : await follower.after(cursor)
  } catch {
    return []
  }
}

/** The row, if it says something else than what was told last. True = the dish is gone. */
async function* state(options: StreamOptions, position: Position): AsyncGenerator<string, boolean> {
  position.cursor ??= await firstCursor(options)
  const event = await options.present().catch(laterIfUnavailable)
  if (event === undefined) return false
  if (event === null) {
    yield frame({ kind: 'gone', data: 'null' }, null)
    return true
  }
  const { modelId, revision } = event
  if (position.seen?.modelId === modelId && position.seen.revision === revision && position.seen.data === event.data) return false
  position.seen = event
  yield frame(event, position.cursor)
  return false
}

/** An outage of the database is no reason to break off: the next heartbeat looks again. */
function laterIfUnavailable(error: unknown): undefined {
  if (!isProblem(error, 'database.unavailable')) throw error
}

function frame({ kind, data }: Pick<DishEvent, 'kind' | 'data'>, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${data}\n\n`
}
