import { randomUUID } from 'node:crypto'
import { type Answer, jsonOf, type ProblemBody } from './call.ts'
import type { Content } from './content.ts'
import { type Client, insist } from './insist.ts'
import type { Entry } from './ledger.ts'
import type { FileBody } from './operations.ts'

/** New content for a file that is there. What is infected leaves it as it was. */
export async function overwrite(client: Client, entry: Entry, content: Content): Promise<void> {
  entry.state = 'changing'
  const etag = await etagOf(client, entry)
  if (etag === null) return
  if (!content.isInfected) client.ledger.knowClean(content.sha256)
  const answer = await insist(client, {
    method: 'PUT',
    path: `/api/v1/files/${entry.id}/content`,
    headers: { 'if-match': etag, 'idempotency-key': randomUUID(), 'content-type': 'application/octet-stream' },
    body: content.bytes,
  })
  if (!answer) return
  record(client, { entry, content, answer })
  entry.state = 'clean'
}

interface Overwritten {
  readonly entry: Entry
  readonly content: Content
  readonly answer: Answer
}

function record({ ledger }: Client, { entry, content: { bytes, sha256, isInfected }, answer }: Overwritten): void {
  const what = told(entry, 'overwritten', answer)
  const isRefused = answer.status === 422 && jsonOf<ProblemBody>(answer).code === 'file.infected'
  if (isInfected && isRefused) return
  if (answer.status !== 200) return ledger.violate('unexpected-answer', what)
  if (isInfected) return ledger.violate('infected-accepted', what)
  if (jsonOf<FileBody>(answer).sha256 !== sha256) ledger.violate('wrong-bytes', what)
  entry.earlier.push(entry.sha256)
  Object.assign(entry, { sha256, size: bytes.length })
}

async function etagOf(client: Client, entry: Entry): Promise<string | null> {
  const answer = await insist(client, { method: 'GET', path: `/api/v1/files/${entry.id}` })
  if (!answer) return null
  const { etag } = answer.headers
  if (answer.status === 200 && typeof etag === 'string') return etag
  client.ledger.violate('unexpected-answer', told(entry, 'looked at', answer))
  return null
}

/** Asks for a new look, of which nothing may come: the content is what it was. Whoever asks too often is told so, and lets it be. */
export async function rescan(client: Client, entry: Entry): Promise<void> {
  entry.state = 'changing'
  const headers = { 'idempotency-key': randomUUID() }
  const answer = await insist(client, { method: 'POST', path: `/api/v1/files/${entry.id}/rescan`, headers, isLimited: true })
  if (!answer) return
  if (answer.status !== 202 && answer.status !== 429) client.ledger.violate('unexpected-answer', told(entry, 'to be rescanned', answer))
  entry.state = 'clean'
}

function told({ name }: Entry, what: string, { status, body }: Answer): string {
  return `${name} ${what}: ${status} ${body.toString('utf8').slice(0, 300)}`
}

/** Digests of all clean content of a file, that of now first. Null when the run is over. */
export async function versionsOf(client: Client, entry: Entry): Promise<string[] | null> {
  const answer = await insist(client, { method: 'GET', path: `/api/v1/files/${entry.id}/versions?limit=100` })
  if (!answer) return null
  const { items = [] } = jsonOf<{ items: FileBody[] }>(answer)
  return items.filter(({ verdict }) => verdict === 'clean').map(({ sha256 }) => sha256)
}
