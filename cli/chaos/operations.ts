import { randomUUID } from 'node:crypto'
import { type Answer, jsonOf, type ProblemBody } from './call.ts'
import { type Content, sha256Of } from './content.ts'
import { type Client, insist } from './insist.ts'
import type { Entry } from './ledger.ts'

export interface FileBody {
  readonly id: string
  readonly name: string
  readonly sha256: string
  readonly size: number
  readonly verdict: 'pending' | 'clean' | 'infected' | 'unscannable'
}

interface UploadOptions {
  readonly name?: string
  readonly key?: string
}

/** One upload, until it is told what became of it. */
export async function upload(client: Client, content: Content, { name = randomUUID(), key = name }: UploadOptions = {}): Promise<void> {
  const { ledger } = client
  const { bytes, sha256, isInfected } = content
  const entry = ledger.open({ name, sha256, size: bytes.length, isInfected })
  const answer = await insist(client, uploadCall(name, key, bytes))
  if (answer) record(client, entry, answer)
}

export function uploadCall(name: string, key: string, bytes: Buffer) {
  const boundary = `chaos-${name}`
  const part = (disposition: string) => `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n`
  const before = `${part('name="name"')}\r\n${name}\r\n${part(`name="file"; filename="${name}"`)}content-type: application/octet-stream\r\n\r\n`
  return {
    method: 'POST',
    path: '/api/v1/files',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'idempotency-key': key },
    body: Buffer.concat([Buffer.from(before), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

function record({ ledger }: Client, entry: Entry, answer: Answer): void {
  const { status } = answer
  const what = `${entry.name} (${entry.size} bytes): ${status} ${answer.body.toString('utf8').slice(0, 300)}`
  if (status === 201 || status === 202) {
    const { id, sha256 } = jsonOf<FileBody>(answer)
    Object.assign(entry, { id, state: status === 201 ? 'clean' : 'pending' })
    if (sha256 !== entry.sha256) ledger.violate('wrong-bytes', what)
    if (status === 201 && entry.isInfected) ledger.violate('infected-accepted', what)
    return
  }
  const { code, quarantineId } = jsonOf<ProblemBody>(answer)
  const isRefused = status === 422 && (code === 'file.infected' || code === 'file.unscannable')
  if (!isRefused || !entry.isInfected) ledger.violate('unexpected-answer', what)
  Object.assign(entry, { id: quarantineId, state: 'refused' })
}

/** Reads a file that was acknowledged, and compares it with what was sent. */
export async function read(client: Client, entry: Entry): Promise<void> {
  const before = entry.earlier.length
  const answer = await insist(client, { method: 'GET', path: `/api/v1/files/${entry.id}/content` })
  // Somebody has begun to delete or to change it meanwhile.
  if (!answer || entry.state !== 'clean') return
  const known = [...entry.earlier.slice(before), entry.sha256]
  if (answer.status !== 200) client.ledger.violate('unexpected-answer', `content of ${entry.name}: ${answer.status}`)
  else if (!known.includes(sha256Of(answer.body))) client.ledger.violate('wrong-bytes', `content of ${entry.name}`)
}

/** @param permanent gone at once instead of into the trash */
export async function remove(client: Client, entry: Entry, permanent: boolean): Promise<void> {
  entry.state = 'leaving'
  const answer = await insist(client, {
    method: 'DELETE',
    path: `/api/v1/files/${entry.id}?permanent=${permanent}`,
    headers: { 'idempotency-key': randomUUID() },
  })
  if (!answer) return
  if (answer.status === 204) entry.state = permanent ? 'purged' : 'trashed'
  else
    client.ledger.violate('unexpected-answer', `deletion of ${entry.name}: ${answer.status} ${answer.body.toString('utf8').slice(0, 300)}`)
}

/** Whether a pending upload has come to its end. */
export async function settled(client: Client, entry: Entry): Promise<boolean> {
  const answer = await insist(client, { method: 'GET', path: `/api/v1/files/${entry.id}` })
  if (!answer) return false
  const { verdict } = jsonOf<FileBody>(answer)
  if (answer.status === 200 && verdict === 'pending') return false
  const isClean = answer.status === 200 && verdict === 'clean'
  entry.state = isClean ? 'clean' : 'refused'
  if (isClean && entry.isInfected) client.ledger.violate('infected-accepted', `${entry.name} was found clean`)
  if (!isClean && !entry.isInfected)
    client.ledger.violate(
      'lost',
      `${entry.name} was received and is not clean now: ${answer.status} ${answer.body.toString('utf8').slice(0, 300)}`,
    )
  return true
}
