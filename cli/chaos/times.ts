import { poll } from '../supervisor/poll.ts'
import type { Replica } from './replica.ts'

export type Clock = Pick<Replica, 'name' | 'readyUrl'>

interface Wanted {
  /** Ahead of ours. */
  readonly seconds: number
  readonly within: number
  readonly signal: AbortSignal
}

/** Answers tell whole seconds, and may take some. */
const toleranceSeconds = 30

/** Waits until all of them live at that time. @returns how many seconds each is ahead of us, as it was seen last; null = it tells no time */
export async function showTimes(
  clocks: readonly Clock[],
  { seconds, within, signal }: Wanted,
): Promise<ReadonlyMap<string, number | null>> {
  let seen: ReadonlyMap<string, number | null> = new Map()
  const look = async () => {
    seen = new Map(await Promise.all(clocks.map(async ({ name, readyUrl }) => [name, await secondsAhead(readyUrl)] as const)))
    return [...seen.values()].every((ahead) => isAbout(ahead, seconds)) ? true : null
  }
  await poll(look, { within, every: 200, signal })
  return seen
}

export function isAbout(ahead: number | null, seconds: number): boolean {
  return ahead !== null && Math.abs(ahead - seconds) <= toleranceSeconds
}

/** By the `Date` of its answer, whatever that is. */
async function secondsAhead(url: string): Promise<number | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null)
  await response?.body?.cancel()
  const told = Date.parse(response?.headers.get('date') ?? '')
  return Number.isNaN(told) ? null : Math.round((told - Date.now()) / 1000)
}
