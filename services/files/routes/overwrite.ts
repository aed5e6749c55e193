import { newId } from '@slipway/db'
import { anyType, bytes, reply, requireIfMatch, routesFor } from '@slipway/http'
import type { FilesContext } from '../context.ts'
import { accept, keepArrival, requireSize } from '../domain/arrival.ts'
import { sniffContentType } from '../domain/content-type.ts'
import type { FileRow } from '../domain/listing.ts'
import { overwrite, previewOverwrite } from '../domain/overwrite.ts'
import { authorOf } from './author.ts'
import { etagOf, File, fileBody, fileExample, IdParams } from './representation.ts'

const route = routesFor<FilesContext>()

export const putContent = route(
  {
    method: 'PUT',
    path: '/api/v1/files/{id}/content',
    operation: 'files.overwrite',
    summary: 'Overwrite the content of a file',
    description:
      'The body is the content, whatever its Content-Type says. `If-Match` has to name the current ETag of the file. What was there stays as a version, also where the bytes are the same. The content is scanned while it arrives, as an upload is; until it is found clean, the file has what it had.',
    tags: ['files'],
    auth: { role: 'member', scope: 'files:write' },
    params: IdParams,
    body: bytes({ type: anyType }),
    idempotent: true,
    responses: {
      200: {
        description: 'Clean: it is the content of the file',
        schema: File,
        example: { ...fileExample, revision: 2, etag: '"3"' },
        headers: { etag: 'For If-Match' },
      },
      202: {
        description:
          'Received, the verdict is still to come: it is a version, and becomes the content if it is clean and nobody wrote later',
        schema: File,
        example: { ...fileExample, etag: '"3"' },
        headers: {
          etag: 'For If-Match',
          location: 'The version: ask there for the verdict',
          'retry-after': 'Seconds until asking is worth it',
        },
      },
    },
    problems: [
      'resource.not-found',
      'resource.conflict',
      'file.not-readable',
      'precondition.failed',
      'precondition.required',
      'file.too-large',
      'file.infected',
      'file.unscannable',
      'quota.exceeded',
      'scanner.unavailable',
      'storage.unavailable',
    ],
  },
  async (input, context) => {
    const { params, request, stream } = input
    const { limits, database } = context
    const author = authorOf(input)
    const target = { fileId: params.id, expect: (row: FileRow) => requireIfMatch(request, etagOf(row)) }
    const declared = Number(request.headers['content-length'] ?? 0)
    const { head, used, room } = await database.tenantTransaction(author.tenantId, async (tx) => {
      const preview = await previewOverwrite(tx, author, { ...target, declared, limits })
      requireSize(declared, limits.fileBytes)
      return preview
    })
    const id = newId(context.now)
    const accepted = await accept(context, stream, { author, id, used, room, files: 0, signal: request.signal })
    const { size, sha256, quarantine } = accepted
    const content = { id, size, sha256, contentType: await sniffContentType(accepted.head), quarantine }
    return await keepArrival(context, {
      author,
      file: { ...content, name: head.name, folderId: head.folderId },
      accepted,
      write: async (tx, scan) => {
        const now = context.now()
        const { head, version } = await overwrite(tx, author, { ...target, content, scan, limits, now })
        const answer = scan ? replaced(head, now) : received(head, { version, now })
        await input.idempotency.complete(tx, answer)
        return { row: version, answer }
      },
    })
  },
)

function replaced(head: FileRow, now: number) {
  return reply(200, fileBody(head, new Date(now)), { headers: { etag: etagOf(head) } })
}

function received(head: FileRow, { version, now }: { version: FileRow; now: number }) {
  const location = `/api/v1/files/${head.id}/versions/${version.revision}`
  return reply(202, fileBody(head, new Date(now)), { headers: { etag: etagOf(head), location, 'retry-after': 2 } })
}
