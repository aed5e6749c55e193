import { newId } from '@slipway/db'
import { multipart, reply, routesFor } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { accept, keepArrival, requireSize } from '../domain/arrival.ts'
import type { Author } from '../domain/author.ts'
import { sniffContentType } from '../domain/content-type.ts'
import { requireFreeFileName } from '../domain/files.ts'
import { requireDestination } from '../domain/folders.ts'
import type { FileRow } from '../domain/listing.ts'
import { readName } from '../domain/names.ts'
import { assertRoom, type Quota, readUsage } from '../domain/quota.ts'
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
    const room = context.limits.quota.bytes - used.bytes
    const accepted = await accept(context, file.stream, { author, id, used, room, files: 1, signal: input.request.signal })
    const { size, sha256, quarantine } = accepted
    const contentType = await sniffContentType(accepted.head)
    const upload = { id, ...target, size, sha256, contentType, quarantine }
    return await keepArrival(context, {
      author,
      file: upload,
      accepted,
      write: async (tx, scan) => {
        const now = context.now()
        const file = scan ? { ...upload, scan } : upload
        const row = await registerFile(tx, author, { file, quota: context.limits.quota, now })
        const answer = scan ? created(row, now) : received(row, now)
        await input.idempotency.complete(tx, answer)
        return { row, answer }
      },
    })
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
  requireSize(declared, limits.fileBytes)
  const used = await database.tenantTransaction(author.tenantId, async (tx) => {
    await requireDestination(tx, target.folderId, '/body/folderId')
    if (target.onConflict === 'fail') await requireFreeFileName(tx, target)
    return readUsage(tx, author.tenantId)
  })
  assertRoom(used, limits.quota, { bytes: Math.max(0, declared), files: 1 })
  return used
}

function created(row: FileRow, now: number) {
  return reply(201, fileBody(row, new Date(now)), { headers: { location: `/api/v1/files/${row.id}`, etag: etagOf(row) } })
}

function received(row: FileRow, now: number) {
  return reply(202, fileBody(row, new Date(now)), { headers: { location: `/api/v1/files/${row.id}`, 'retry-after': 2 } })
}
