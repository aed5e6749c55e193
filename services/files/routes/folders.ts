import { decodeCursor, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { changeFolder, createFolder, removeFolder } from '../domain/folder-changes.ts'
import { type FolderRow, requireFolder, selectFolders } from '../domain/folders.ts'
import { authorOf } from './author.ts'
import { expectation } from './files.ts'
import { etagOf, Flag, Folder, folderBody, folderExample, Id, IdParams, Name } from './representation.ts'

const route = routesFor<FilesContext>()
const read = { role: 'viewer', scope: 'files:read' } as const
const write = { role: 'member', scope: 'files:write' } as const
const found = { description: 'The folder', schema: Folder, example: folderExample, headers: { etag: 'For If-Match' } }

export const createFolderRoute = route(
  {
    method: 'POST',
    path: '/api/v1/folders',
    operation: 'folders.create',
    summary: 'Create a folder',
    tags: ['folders'],
    auth: write,
    body: z.strictObject({ name: Name, parentId: Id.nullable().default(null).describe('null = the root') }),
    bodyExample: { name: 'Invoices', parentId: null },
    responses: { 201: { ...found, headers: { etag: 'For If-Match', location: 'The folder' } } },
    problems: ['name.taken'],
  },
  async (input, context) => {
    const { body, tenant } = input
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const row = await createFolder(tx, authorOf(input), { ...body, now: new Date(context.now()) })
      const created = reply(201, folderBody(row), { headers: { location: `/api/v1/folders/${row.id}`, etag: etagOf(row) } })
      await input.idempotency.complete(tx, created)
      return created
    })
  },
)

export const listFolders = route(
  {
    method: 'GET',
    path: '/api/v1/folders',
    operation: 'folders.list',
    summary: 'List folders',
    description: 'By name. Of one parent with `parentId`, else all.',
    tags: ['folders'],
    auth: read,
    query: z.object({
      ...pageQuery,
      parentId: z
        .union([Id, z.literal('root')])
        .optional()
        .describe('`root` = those at the top'),
    }),
    responses: { 200: { description: 'A page', schema: pageOf(Folder), example: { items: [folderExample], nextCursor: null } } },
  },
  async ({ query, tenant }, context) => {
    const { limit, cursor, parentId } = query
    const after = decodeCursor(cursor, z.object({ nameKey: z.string(), id: Id })) ?? undefined
    const wanted = { parentId: parentId === 'root' ? null : parentId, after, limit }
    const rows = await context.database.tenantTransaction(tenant.id, (tx) => selectFolders(tx, wanted), { readOnly: true })
    const { items, nextCursor } = page({ items: rows, limit, cursorOf: ({ nameKey, id }) => ({ nameKey, id }) })
    return reply(200, { items: items.map(folderBody), nextCursor })
  },
)

export const getFolder = route(
  {
    method: 'GET',
    path: '/api/v1/folders/{id}',
    operation: 'folders.get',
    summary: 'Get a folder',
    tags: ['folders'],
    auth: read,
    params: IdParams,
    responses: { 200: found },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, context) =>
    answer(await context.database.tenantTransaction(tenant.id, (tx) => requireFolder(tx, params.id), { readOnly: true })),
)

export const patchFolder = route(
  {
    method: 'PATCH',
    path: '/api/v1/folders/{id}',
    operation: 'folders.update',
    summary: 'Rename or move a folder',
    tags: ['folders'],
    auth: write,
    params: IdParams,
    body: z.strictObject({ name: Name.optional(), parentId: Id.nullable().optional().describe('null = the root') }),
    bodyExample: { parentId: null },
    responses: { 200: found },
    problems: ['resource.not-found', 'name.taken', 'folder.cycle', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, body, tenant, request } = input
    const change = { ...body, id: params.id, now: new Date(context.now()), expect: expectation(request) }
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const changed = answer(await changeFolder(tx, authorOf(input), change))
      await input.idempotency.complete(tx, changed)
      return changed
    })
  },
)

export const deleteFolder = route(
  {
    method: 'DELETE',
    path: '/api/v1/folders/{id}',
    operation: 'folders.delete',
    summary: 'Remove a folder',
    description: 'An empty one; with `recursive=true` the files in it and below go to the trash, from where they return to the root.',
    tags: ['folders'],
    auth: write,
    params: IdParams,
    query: z.object({ recursive: Flag }),
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found', 'resource.conflict', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, query, tenant, request } = input
    const target = { id: params.id, recursive: query.recursive, now: new Date(context.now()), expect: expectation(request) }
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await removeFolder(tx, authorOf(input), target)
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

function answer(row: FolderRow) {
  return reply(200, folderBody(row), { headers: { etag: etagOf(row) } })
}
