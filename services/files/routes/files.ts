import { decodeCursor, Moment, page, pageOf, pageQuery, reply, requireIfMatch, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { changeFile, requireFile, restoreFile, trashFile } from '../domain/files.ts'
import { type FileRow, type FileSort, fileSorts, positionOf, selectFiles } from '../domain/listing.ts'
import { purgeFile } from '../domain/purge.ts'
import { authorOf } from './author.ts'
import { etagOf, File, Flag, fileBody, fileExample, Id, IdParams, Name } from './representation.ts'

const route = routesFor<FilesContext>()
const read = { role: 'viewer', scope: 'files:read' } as const
const write = { role: 'member', scope: 'files:write' } as const
const found = { description: 'The file', schema: File, example: fileExample, headers: { etag: 'For If-Match' } }

const positionValues = { name: z.string(), createdAt: Moment, size: z.int() } satisfies Record<FileSort, z.ZodType>

export const listFiles = route(
  {
    method: 'GET',
    path: '/api/v1/files',
    operation: 'files.list',
    summary: 'List files',
    description: 'In a stable order, page by page. What was refused is listed at /api/v1/quarantine only.',
    tags: ['files'],
    auth: read,
    query: z.object({
      ...pageQuery,
      folderId: z
        .union([Id, z.literal('root')])
        .optional()
        .describe('Files of this folder only, not of folders below it; `root` = of none'),
      name: z.string().min(1).max(255).optional().describe('Part of the name, whatever the case'),
      namePrefix: z.string().min(1).max(255).optional().describe('Beginning of the name, whatever the case'),
      type: z
        .string()
        .max(255)
        .regex(/^[a-z0-9.+-]+\/(\*|[a-z0-9.+-]+)$/, 'must be a media type like image/png or image/*')
        .optional(),
      trashed: Flag.describe('The trash instead of the files'),
      doubtful: Flag.describe('Only files whose latest rescan gave no verdict; see `rescan`'),
      sort: z.enum(fileSorts).default('createdAt'),
      order: z.enum(['asc', 'desc']).default('desc'),
    }),
    responses: { 200: { description: 'A page', schema: pageOf(File), example: { items: [fileExample], nextCursor: null } } },
  },
  async ({ query, tenant }, context) => {
    const { limit, cursor, folderId, name, namePrefix, type, trashed, doubtful, sort, order } = query
    const after = decodeCursor(cursor, z.object({ sort: z.literal(`${sort} ${order}`), value: positionValues[sort], id: Id }))
    const filter = { folderId: folderId === 'root' ? null : folderId, nameContains: name, namePrefix, type, trashed, doubtful }
    const wanted = { filter, sort, direction: order, limit, after: after ?? undefined }
    const rows = await context.database.tenantTransaction(tenant.id, (tx) => selectFiles(tx, wanted), { readOnly: true })
    const { items, nextCursor } = page({ items: rows, limit, cursorOf: (row) => ({ sort: `${sort} ${order}`, ...positionOf(row, sort) }) })
    return reply(200, { items: items.map((row) => fileBody(row, new Date(context.now()))), nextCursor })
  },
)

export const getFile = route(
  {
    method: 'GET',
    path: '/api/v1/files/{id}',
    operation: 'files.get',
    summary: 'Get a file',
    description: 'Also of what is in the trash or still pending; `progress` tells about the latter.',
    tags: ['files'],
    auth: read,
    params: IdParams,
    responses: { 200: found },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, context) => {
    const row = await context.database.tenantTransaction(tenant.id, (tx) => requireFile(tx, params.id), { readOnly: true })
    return answer(row, context)
  },
)

export const patchFile = route(
  {
    method: 'PATCH',
    path: '/api/v1/files/{id}',
    operation: 'files.update',
    summary: 'Rename or move a file',
    tags: ['files'],
    auth: write,
    params: IdParams,
    body: z.strictObject({ name: Name.optional(), folderId: Id.nullable().optional().describe('null = the root') }),
    bodyExample: { name: 'cover.jpg' },
    responses: { 200: found },
    problems: ['resource.not-found', 'name.taken', 'precondition.failed', 'resource.conflict', 'file.not-readable'],
  },
  async (input, context) => {
    const { params, body, tenant, request } = input
    const change = { ...body, id: params.id, now: new Date(context.now()), expect: expectation(request) }
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const changed = answer(await changeFile(tx, authorOf(input), change), context)
      await input.idempotency.complete(tx, changed)
      return changed
    })
  },
)

export const deleteFile = route(
  {
    method: 'DELETE',
    path: '/api/v1/files/{id}',
    operation: 'files.delete',
    summary: 'Move a file to the trash, or purge it',
    description:
      'The trash is emptied by itself after a while. `permanent=true` purges at once: for whoever uploaded the file, and for admins.',
    tags: ['files'],
    auth: write,
    params: IdParams,
    query: z.object({ permanent: Flag }),
    responses: { 204: { description: 'In the trash, or gone' } },
    problems: ['resource.not-found', 'precondition.failed', 'file.not-readable'],
  },
  async (input, context) => {
    const { params, query, tenant, request } = input
    const target = { id: params.id, now: new Date(context.now()), expect: expectation(request) }
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await (query.permanent ? purgeFile : trashFile)(tx, authorOf(input), target)
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

export const restoreFileRoute = route(
  {
    method: 'POST',
    path: '/api/v1/files/{id}/restore',
    operation: 'files.restore',
    summary: 'Take a file out of the trash',
    description: 'Into its folder, or the root if that is gone; under a numbered name if its own is taken.',
    tags: ['files'],
    auth: write,
    params: IdParams,
    responses: { 200: found },
    problems: ['resource.not-found', 'file.not-readable'],
  },
  async (input, context) => {
    const { params, tenant } = input
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const restored = answer(await restoreFile(tx, authorOf(input), { id: params.id, now: new Date(context.now()) }), context)
      await input.idempotency.complete(tx, restored)
      return restored
    })
  },
)

function answer(row: FileRow, context: FilesContext) {
  return reply(200, fileBody(row, new Date(context.now())), { headers: { etag: etagOf(row) } })
}

/** `If-Match` is honoured where it is sent; who does not care for other writers leaves it out. */
export function expectation(request: Parameters<typeof requireIfMatch>[0]) {
  return (row: { version: number }) => requireIfMatch(request, etagOf(row), { optional: true })
}
