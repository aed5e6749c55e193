import { randomUUID } from 'node:crypto'
import { pause } from '../supervisor/poll.ts'
import { type Answer, jsonOf } from './call.ts'
import type { Content } from './content.ts'
import { type Client, insist } from './insist.ts'
import type { Entry } from './ledger.ts'

const path = '/api/v1/files/resumable'
const version = { 'tus-resumable': '1.0.0' }
const pieces = 3
const lockedMilliseconds = 500

interface Progress {
  readonly offset: number
  /** Once all bytes are in. */
  readonly fileId: string | null
}

/** One upload by tus 1.0 in three requests, each to the next replica; after each that failed it goes on where the platform says it is. */
export async function uploadInPieces(client: Client, content: Content, name: string = randomUUID()): Promise<void> {
  const { ledger, signal } = client
  const { bytes, sha256, isInfected } = content
  const entry = ledger.open({ name, sha256, size: bytes.length, isInfected })
  const place = await begin(client, entry)
  if (place === null) return
  let progress: Progress | null = { offset: 0, fileId: null }
  while (progress && progress.fileId === null && !signal.aborted) progress = await append(client, { entry, place, bytes, progress })
  if (progress?.fileId === null) ledger.violate('not-settled', `${name} is at ${progress.offset} of ${bytes.length} bytes`)
  if (progress?.fileId) Object.assign(entry, { id: progress.fileId, state: 'pending' })
}

async function begin(client: Client, entry: Entry): Promise<string | null> {
  const metadata = `filename ${Buffer.from(entry.name).toString('base64')}`
  const headers = { ...version, 'upload-length': String(entry.size), 'upload-metadata': metadata, 'idempotency-key': entry.name }
  const answer = await insist(client, { method: 'POST', path, headers })
  if (!answer) return null
  const { location } = answer.headers
  if (answer.status === 201 && typeof location === 'string') return location
  return refused(client, entry, answer)
}

interface Append {
  readonly entry: Entry
  readonly place: string
  readonly bytes: Buffer
  readonly progress: Progress
}

/** @returns how far it is now; null when it cannot go on */
async function append(client: Client, { entry, place, bytes, progress: { offset } }: Append): Promise<Progress | null> {
  const next = Math.min(bytes.length, offset + Math.ceil(bytes.length / pieces))
  const headers = { ...version, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }
  const answer = await insist(client, { method: 'PATCH', path: place, headers, body: bytes.subarray(offset, next) })
  if (!answer) return null
  // A try before this one was taken, and its answer lost; or it is being taken.
  if (answer.status !== 409 && answer.status !== 423 && answer.status !== 204) return refused(client, entry, answer)
  const now = await look(client, entry, place)
  const acknowledged = answer.status === 204 ? Number(answer.headers['upload-offset']) : offset
  if (now && !(now.offset >= acknowledged))
    client.ledger.violate('lost', `${entry.name}: ${now.offset} of ${acknowledged} bytes that were acknowledged`)
  if (now?.fileId === null && now.offset <= offset) await pause(lockedMilliseconds, client.signal).catch(() => undefined)
  return now
}

async function look(client: Client, entry: Entry, place: string): Promise<Progress | null> {
  for (;;) {
    const answer = await insist(client, { method: 'GET', path: place, headers: version })
    if (!answer) return null
    const { offset, fileId } = jsonOf<Progress>(answer)
    if (answer.status === 200 && offset !== undefined) return { offset, fileId: fileId ?? null }
    if (answer.status !== 423) return refused(client, entry, answer)
    await pause(lockedMilliseconds, client.signal).catch(() => undefined)
  }
}

function refused({ ledger }: Client, { name, size }: Entry, { status, body }: Answer): null {
  ledger.violate('unexpected-answer', `${name} (${size} bytes, in pieces): ${status} ${body.toString('utf8').slice(0, 300)}`)
  return null
}
