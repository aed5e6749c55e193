import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { here } from './client.ts'
import { round } from './round.ts'

/**
 * Constant load on an installation until SIGTERM: so many rounds a second, whether earlier ones have ended or not. Says at the end what
 * failed; the exit code is 1 when anything did.
 *
 *     node e2e/load.ts [rounds per second] [most seconds]
 */
const [perSecond = 5, mostSeconds = 600] = process.argv.slice(2).map(Number)
const tally = { rounds: 0, requests: 0, jobs: 0, slowest: 0, failures: [] as string[] }
const stopped = new AbortController()
process.once('SIGTERM', () => stopped.abort())
process.once('SIGINT', () => stopped.abort())

const running = new Set<Promise<void>>()
const began = Date.now()
for (let due = began; !stopped.signal.aborted && due - began < mostSeconds * 1000; due += 1000 / perSecond) {
  await delay(Math.max(0, due - Date.now()))
  const one = round(tally)
    .catch((error: unknown) => void tally.failures.push(`${new Date().toISOString()} ${inspect(error)}`))
    .finally(() => running.delete(one))
  running.add(one)
}
await Promise.all(running)
const seconds = Math.round((Date.now() - began) / 1000)
process.stdout.write(`${JSON.stringify({ url: here.url, seconds, ...tally, slowest: Math.round(tally.slowest) }, null, 2)}\n`)
process.exitCode = tally.failures.length === 0 ? 0 : 1
