import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { eicar, zip } from './archives.ts'
import { call, expectProblem, expectStatus, settled, unique, upload } from './client.ts'
import { seriesOf } from './prometheus.ts'

/**
 * What clients can do that an operator wants to hear of:
 *
 *     node e2e/faults.ts infected       more malware than usual
 *     node e2e/faults.ts unscannable [URL of Prometheus]    more files than usual that nobody can look into: a third of what was scanned within the hour
 *     node e2e/faults.ts fill           fills the quota, and says which files it did it with
 *     node e2e/faults.ts delete ID…     deletes files for good
 *     node e2e/faults.ts mail           asks for a mail, which a worker has to send
 *     node e2e/faults.ts read [seconds] [callers]    asks for lists all the time, whatever the answers
 *     node e2e/faults.ts write [seconds] [callers]   uploads all the time, whatever the answers
 *     node e2e/faults.ts many [files] [mebibytes] [times]    uploads so many files at once, and again, whatever the answers
 *     node e2e/faults.ts purge [files] [seconds]     uploads so many files within that time, and deletes each for good: a job of a worker
 */
const spike = 15
const filledBytes = 15.5 * 1_048_576

/** A first byte of zero is that of no packed file. */
const noise = (bytes: number) => {
  const content = randomBytes(bytes)
  content[0] = 0
  return content
}

/** What the answers are is for the alerts to tell. */
async function again(seconds: number, callers: number, ask: () => Promise<Response>): Promise<void> {
  const until = Date.now() + seconds * 1000
  const caller = async () => {
    while (Date.now() < until) await ask().then((answer) => answer.arrayBuffer())
  }
  await Promise.all(Array.from({ length: callers }, caller))
}

const programs: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
  async infected() {
    for (let count = 0; count < spike; count++) await expectProblem(upload(eicar()), 422, 'file.infected')
  },
  async unscannable([prometheus]) {
    const [scans] = prometheus ? await seriesOf(prometheus, 'sum(increase(slipway_scan_verdicts_total[1h]))') : []
    const count = spike + Number(scans?.value[1] ?? 0) / 3
    const locked = zip([{ name: 'locked.txt', content: Buffer.from('nobody knows') }], { encrypted: true })
    for (let sent = 0; sent < count; sent++) await expectProblem(upload(locked), 422, 'file.unscannable')
  },
  async fill() {
    const ids: string[] = []
    for (;;) {
      const answer = await upload(noise(filledBytes), { name: unique('fill') })
      if (answer.status === 413) {
        await expectProblem(answer, 413, 'quota.exceeded')
        break
      }
      ids.push((await expectStatus<{ id: string }>(answer, 202)).id)
    }
    for (const id of ids) await settled(id)
    process.stdout.write(`${ids.join(' ')}\n`)
  },
  async delete(ids) {
    for (const id of ids) await expectStatus(call('DELETE', `/api/v1/files/${id}?permanent=true`), 204)
  },
  async read([seconds, callers]) {
    await again(Number(seconds ?? 60), Number(callers ?? 4), () => call('GET', '/api/v1/files?limit=1'))
  },
  async write([seconds, callers]) {
    await again(Number(seconds ?? 60), Number(callers ?? 4), () => upload(noise(2048)))
  },
  async many([files, mebibytes, times]) {
    const content = noise(Number(mebibytes ?? 8) * 1_048_576)
    for (let time = 0; time < Number(times ?? 1); time++) {
      const uploads = Array.from({ length: Number(files ?? 24) }, () => upload(content, { name: unique('many') }))
      for (const answer of await Promise.all(uploads)) await answer.arrayBuffer()
    }
  },
  async purge([files, seconds]) {
    const count = Number(files ?? 130)
    const began = Date.now()
    for (let made = 0; made < count; made++) {
      await delay(Math.max(0, began + (made * Number(seconds ?? 150) * 1000) / count - Date.now()))
      const { id } = await expectStatus<{ id: string }>(upload(noise(1024)), 201)
      await programs['delete']?.([id])
    }
  },
  async mail() {
    await expectStatus(call('POST', '/api/v1/auth/magic-link', { as: null, json: { email: 'somebody@example.com' } }), 202)
  },
}

const [name = '', ...words] = process.argv.slice(2)
const program = programs[name]
if (!program) throw new Error(`one of ${Object.keys(programs).join(', ')}`)
await program(words)
