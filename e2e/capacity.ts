import { round, type Tally } from './round.ts'

/**
 * How many rounds of load.ts an installation carries: some callers who each begin the next round when the last one has ended, first for
 * a third of the time unmeasured. Writes one line of JSON with the rounds and requests per second; any failed request is an error.
 *
 *     node e2e/capacity.ts [callers] [seconds]
 */
const [callers = 16, seconds = 30] = process.argv.slice(2).map(Number)
const tally: Tally = { rounds: 0, requests: 0, jobs: 0, slowest: 0 }

async function during(length: number): Promise<{ rounds: number; requests: number; seconds: number }> {
  const began = performance.now()
  const before = { ...tally }
  let ended = 0
  const one = async (): Promise<void> => {
    while (performance.now() - began < length * 1000) {
      await round(tally)
      ended++
    }
  }
  await Promise.all(Array.from({ length: callers }, one))
  return { rounds: ended, requests: tally.requests - before.requests, seconds: (performance.now() - began) / 1000 }
}

await during(seconds / 3)
const { rounds, requests, seconds: took } = await during(seconds)
const perSecond = (count: number): number => Number((count / took).toFixed(2))
process.stdout.write(`${JSON.stringify({ callers, rounds: perSecond(rounds), requests: perSecond(requests) })}\n`)
