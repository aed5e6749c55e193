import type { Readable } from 'node:stream'
import { newId } from '@slipway/db'
import { type IdempotencyHandle, multipart, reply, routesFor } from '@slipway/http'
import { isProblem, problem } from '@slipway/problem'
import type { Accepted, Clean, Pending, Refused } from '@slipway/storage'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { type Author, nameOf } from '../domain/author.ts'
import { sniffContentType } from '../domain/content-type.ts'
import { requireFreeFileName } from '../domain/files.ts'
import { requireDestination } from '../domain/folders.ts'
import type { FileRow } from '../domain/listing.ts'
import { readName } from '../domain/names.ts'
import { objectOf } from '../domain/object.ts'
import { assertRoom, type Quota, quotaExceeded, readUsage } from '../domain/quota.ts'
import { recordRefusal, refusalProblem } from '../domain/refusal.ts'
import { type NewFile, registerFile } from '../domain/register.ts'
import { authorOf } from './author.ts'
import { etagOf, File, fileBody, fileExample, Id, Name } from './representation.ts'

const route = routesFor<FilesContext>()

/** What a multipart body has around its file, at most: fields, headers of parts, boundaries. */
const envelopeBytes = 65_536

const Fields = z.object({
  folderId: Id.optional().describe('Where to put it; the root without it'),
  name: Name.optional().describe('Instead of the name in the part of the file'),
  onConflict: z.enum(['rename', 'fail']).default('rename').describe('What to do if the name is taken: `photo (2).jpg`, or 409 name.taken'),
})

export const uploadFile = route(
  {
    method: 'POST',
    path: '/api/v1/files',
    operation: 'files.upload',
    summary: 'Upload a file',
    description:
      'Fields come before the file. The file is scanned while it arrives; 201 means that it is clean and can be read. Large files are answered with 202 as soon as their bytes are in: ask at `Location` for the verdict.',
    tags: ['files'],
    auth: { role: 'member', scope: 'files:write' },
    body: multipart({ file: 'file', fields: Fields }),
    responses: {
      201: {
        description: 'Clean and readable',
        schema: File,
        example: fileExample,
        headers: { etag: 'For If-Match', location: 'The file' },
      },
      202: {
        description: 'Received, the verdict is still to come',
        schema: File,
        example: {
          ...fileExample,
          verdict: 'pending',
          scan: null,
          progress: { phase: 'scanning', attempts: 1, since: fileExample.createdAt },
        },
        headers: { location: 'Where to ask for the verdict', 'retry-after': 'Seconds until asking is worth it' },
      },
    },
    problems: [
      'file.too-large',
      'file.infected',
      'file.unscannable',
      'quota.exceeded',
      'name.taken',
      'scanner.unavailable',
      'storage.unavailable',
    ],
  },
  async (input, context) => {
    const author = authorOf(input)
    const { fields, file } = input.parts
    const target = { folderId: fields.folderId ?? null, name: fields.name ?? requireName(file.name), onConflict: fields.onConflict }
    const declared = Number(input.request.headers['content-length'] ?? 0) - envelopeBytes
    const used = await requireSpace(context, author, { target, declared })
    const id = newId(context.now)
    const accepted = await accept(context, file.stream, { author, id, used, signal: input.request.signal })
    const { size, sha256, quarantine } = accepted
    const contentType = await sniffContentType(accepted.head)
    const upload = { id, ...target, size, sha256, contentType, quarantine }
    if (accepted.pending) return await answerPending(context, { author, upload, accepted, idempotency: input.idempotency })
    if (!accepted.promote) return await refuse(context, { author, upload, accepted })
    return await answerClean(context, { author, upload, accepted, idempotency: input.idempotency })
  },
)

function requireName(raw: string): string {
  const reading = readName(raw)
  if (reading.ok) return reading.name
  throw problem('request.invalid', {
    detail: `the file name ${reading.fault}`,
    errors: [{ pointer: '/body/file/name', detail: reading.fault }],
  })
}

interface Wish {
  target: Pick<NewFile, 'folderId' | 'name' | 'onConflict'>
  /** Bytes that the file has at least, as far as the client says. */
  declared: number
}

/** Refuses before the first byte what could only be refused after the last. Decides nothing: the row does. */
async function requireSpace({ database, limits }: FilesContext, author: Author, { target, declared }: Wish): Promise<Quota> {
  if (declared > limits.fileBytes) throw tooLarge(limits.fileBytes)
  const used = await database.tenantTransaction(author.tenantId, async (tx) => {
    await requireDestination(tx, target.folderId, '/body/folderId')
    if (target.onConflict === 'fail') await requireFreeFileName(tx, target)
    return readUsage(tx, author.tenantId)
  })
  assertRoom(used, limits.quota, Math.max(0, declared))
  return used
}

function tooLarge(limit: number): Error {
  return problem('file.too-large', { detail: `the file has more than ${limit} bytes, the most that is accepted`, limit })
}

interface Passage {
  author: Author
  id: string
  used: Quota
  signal: AbortSignal
}

/** @throws file.too-large, quota.exceeded, scanner.unavailable, storage.unavailable */
async function accept({ gate, limits }: FilesContext, stream: Readable, passage: Passage): Promise<Accepted | Pending> {
  const { author, id, used, signal } = passage
  const maxBytes = Math.min(limits.fileBytes, limits.quota.bytes - used.bytes)
  const { tenantId } = author
  const options = { ...objectOf({ tenantId, id }), tenantId, maxBytes, syncBytes: limits.syncBytes, signal }
  return await gate.accept(stream, options).catch((error: unknown) => {
    const outOfQuota = isProblem(error, 'file.too-large') && maxBytes < limits.fileBytes
    throw outOfQuota ? quotaExceeded(used, limits.quota) : error
  })
}

interface Arrival<Outcome> {
  author: Author
  upload: NewFile & { sha256: string }
  accepted: Outcome
  idempotency: IdempotencyHandle
}

/**
 * What a crash leaves behind at each line, and who clears it up:
 * - before the copy: a quarantine object that no row knows, for `quarantine-sweep`.
 * - before the commit: an object in the readable bucket that no row knows; nobody can ask for it, and `quarantine-sweep` removes it.
 * - after the commit: nothing. The answer is kept in the same transaction, so a repeat of the request makes no second file.
 */
async function answerClean(context: FilesContext, { author, upload, accepted, idempotency }: Arrival<Clean>) {
  await accepted.promote({ contentType: upload.contentType })
  try {
    const now = context.now()
    return await context.database.tenantTransaction(author.tenantId, async (tx) => {
      const file = { ...upload, scan: accepted.verdict }
      const row = await registerFile(tx, author, { file, quota: context.limits.quota, now })
      const answer = created(row, now)
      await idempotency.complete(tx, answer)
      return answer
    })
  } catch (error) {
    // Refused before the commit, so there is surely no row. Otherwise the commit may have come through, and only the sweep can tell.
    if (isProblem(error) && error.status < 500) await context.storage.remove(objectOf({ ...author, id: upload.id })).catch(() => undefined)
    throw error
  }
}

/**
 * From the commit on the upload cannot be lost: the row has a lease and the queue has a request for the time when that runs out.
 * Before it, there is a quarantine object that no row knows, for `quarantine-sweep`.
 */
async function answerPending(context: FilesContext, { author, upload, accepted, idempotency }: Arrival<Pending>) {
  const now = context.now()
  const { row, answer } = await context.database
    .tenantTransaction(author.tenantId, async (tx) => {
      const row = await registerFile(tx, author, { file: upload, quota: context.limits.quota, now })
      const answer = received(row, now)
      await idempotency.complete(tx, answer)
      return { row, answer }
    })
    .catch((error: unknown) => discard(context, accepted, error))
  context.settler.start({ author, row, leaseToken: row.leaseToken ?? '' }, accepted.accepted)
  return answer
}

/** The scan that still goes on has nobody to tell its verdict to. */
async function discard({ gate }: FilesContext, pending: Pending, error: unknown): Promise<never> {
  const refused = isProblem(error) && error.status < 500
  const scanned = pending.accepted.then(
    () => undefined,
    () => undefined,
  )
  if (refused) void scanned.then(() => gate.discard(pending.quarantine)).catch(() => undefined)
  throw error
}

async function refuse(context: FilesContext, arrival: Omit<Arrival<Refused>, 'idempotency'>): Promise<never> {
  const { author, upload, accepted } = arrival
  const { verdict, ...result } = accepted.verdict
  if (verdict === 'error') {
    await context.gate.discard(accepted.quarantine).catch(() => undefined)
    throw problem('scanner.unavailable', { detail: 'the scanner gave no verdict: try again' })
  }
  const { id, name, folderId, size, contentType, sha256 } = upload
  const file = { id, name, folderId, size, contentType, sha256, uploadedBy: nameOf(author.principal), uploadedFrom: author.from }
  const refusal = { ...file, objectKey: accepted.quarantine.key, at: new Date(context.now()), result: { ...result, verdict } }
  await context.database.tenantTransaction(author.tenantId, (tx) => recordRefusal(tx, author, refusal))
  throw refusalProblem(id, refusal.result)
}

function created(row: FileRow, now: number) {
  return reply(201, fileBody(row, new Date(now)), { headers: { location: `/api/v1/files/${row.id}`, etag: etagOf(row) } })
}

function received(row: FileRow, now: number) {
  return reply(202, fileBody(row, new Date(now)), { headers: { location: `/api/v1/files/${row.id}`, 'retry-after': 2 } })
}
