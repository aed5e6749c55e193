import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { call, type StoredFile } from './client.ts'

const patience = 60_000
const syncBytes = 4_194_304

/** What rounds have come to; `slowest` in milliseconds. */
export interface Tally {
  rounds: number
  requests: number
  jobs: number
  slowest: number
}

/**
 * One round of what people do: who am I, upload, read back, remove. A tenth of the uploads is large enough to be scanned by a job, and
 * must come out clean. Throws at the first answer that is not a good one.
 */
export async function round(tally: Tally): Promise<void> {
  const ask = counting(tally)
  const number = ++tally.rounds
  const large = number % 10 === 0
  await (await ask('GET', '/api/v1/me')).arrayBuffer()
  const bytes = randomBytes(large ? syncBytes + 1024 : 2048)
  // One in thousands begins as if it were packed in a way that nobody can look into, and is refused.
  bytes[0] = 0
  const body = new FormData()
  body.append('file', new Blob([bytes]), `load-${process.pid}-${number}.bin`)
  const file = (await (await ask('POST', '/api/v1/files', { body })).json()) as StoredFile
  if (large) {
    tally.jobs++
    await untilClean(ask, file.id)
  }
  const content = Buffer.from(await (await ask('GET', `/api/v1/files/${file.id}/content`)).arrayBuffer())
  if (!content.equals(bytes)) throw new Error(`file ${file.id} has other bytes than were sent`)
  await ask('DELETE', `/api/v1/files/${file.id}?permanent=true`)
}

type Ask = (...request: Parameters<typeof call>) => Promise<Response>

const counting =
  (tally: Tally): Ask =>
  async (...request) => {
    const began = performance.now()
    tally.requests++
    const answer = await call(...request)
    tally.slowest = Math.max(tally.slowest, performance.now() - began)
    if (!answer.ok) throw new Error(`${request[0]} ${request[1]}: ${answer.status} ${(await answer.text()).slice(0, 300)}`)
    return answer
  }

async function untilClean(ask: Ask, id: string): Promise<void> {
  const deadline = Date.now() + patience
  for (;;) {
    const file = (await (await ask('GET', `/api/v1/files/${id}`)).json()) as StoredFile
    if (file.verdict === 'clean') return
    if (file.verdict !== 'pending') throw new Error(`file ${id} is ${file.verdict}`)
    if (Date.now() > deadline) throw new Error(`the job of file ${id} is lost: pending after ${patience / 1000} s`)
    await delay(250)
  }
}
