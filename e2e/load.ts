import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { call, here, type StoredFile } from './client.ts'

/**
 * Constant load on an installation until SIGTERM: so many rounds a second, each of which reads, uploads, reads back and removes, whether
 * earlier ones have ended or not. Says at the end what failed; the exit code is 1 when anything did. A tenth of the uploads is large
 * enough to be scanned by a job, and must come out clean.
 *
 *     node e2e/load.ts [rounds per second] [most seconds]
 */
const [perSecond = 5, mostSeconds = 600] = process.argv.slice(2).map(Number)
const patience = 60_000
const syncBytes = 4_194_304

interface Tally {
  rounds: number
  requests: number
  jobs: number
  slowest: number
  readonly failures: string[]
}

const tally: Tally = { rounds: 0, requests: 0, jobs: 0, slowest: 0, failures: [] }
const stopped = new AbortController()
process.once('SIGTERM', () => stopped.abort())
process.once('SIGINT', () => stopped.abort())

async function ask(method: string, path: string, options: Parameters<typeof call>[2] = {}): Promise<Response> {
  const began = performance.now()
  tally.requests++
  const answer = await call(method, path, options)
  tally.slowest = Math.max(tally.slowest, performance.now() - began)
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
  return answer
}

async function round(number: number): Promise<void> {
  const large = number % 10 === 0
  await (await ask('GET', '/api/v1/me')).arrayBuffer()
  const bytes = randomBytes(large ? syncBytes + 1024 : 2048)
  const body = new FormData()
  body.append('file', new Blob([bytes]), `load-${process.pid}-${number}.bin`)
  const file = (await (await ask('POST', '/api/v1/files', { body })).json()) as StoredFile
  if (large) await untilClean(file.id)
  const content = Buffer.from(await (await ask('GET', `/api/v1/files/${file.id}/content`)).arrayBuffer())
  if (!content.equals(bytes)) throw new Error(`file ${file.id} has other bytes than were sent`)
  await ask('DELETE', `/api/v1/files/${file.id}?permanent=true`)
}

async function untilClean(id: string): Promise<void> {
  tally.jobs++
  const deadline = Date.now() + patience
  for (;;) {
    const file = (await (await ask('GET', `/api/v1/files/${id}`)).json()) as StoredFile
    if (file.verdict === 'clean') return
    if (file.verdict !== 'pending') throw new Error(`file ${id} is ${file.verdict}`)
    if (Date.now() > deadline) throw new Error(`the job of file ${id} is lost: pending after ${patience / 1000} s`)
    await delay(250)
  }
}

const running = new Set<Promise<void>>()
const began = Date.now()
while (!stopped.signal.aborted && Date.now() - began < mostSeconds * 1000) {
  const one = round(++tally.rounds)
    .catch((error: unknown) => void tally.failures.push(`${new Date().toISOString()} ${inspect(error)}`))
    .finally(() => running.delete(one))
  running.add(one)
  await delay(1000 / perSecond)
}
await Promise.all(running)
const seconds = Math.round((Date.now() - began) / 1000)
process.stdout.write(`${JSON.stringify({ url: here.url, seconds, ...tally, slowest: Math.round(tally.slowest) }, null, 2)}\n`)
process.exitCode = tally.failures.length === 0 ? 0 : 1
