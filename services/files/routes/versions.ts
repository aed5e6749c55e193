import { decodeCursor, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { requireFile } from '../domain/files.ts'
import type { FileRow } from '../domain/listing.ts'
import { purgeVersion, restoreVersion } from '../domain/overwrite.ts'
import { madeAt, makerOf, requireVersion, selectVersions } from '../domain/versions.ts'
import { verdicts } from '../schema.ts'
import { authorOf } from './author.ts'
import { answerContent, ContentQuery, contentProblems, contentResponses, requireContent, requireNotTrashed } from './content.ts'
import { expectation } from './files.ts'
import { etagOf, File, fileBody, fileExample, Id, IdParams, Revision, Scan, scanBody } from './representation.ts'

const route = routesFor<FilesContext>()
const read = { role: 'viewer', scope: 'files:read' } as const
const write = { role: 'member', scope: 'files:write' } as const
const params = z.object({ id: Id, revision: Revision })
const path = '/api/v1/files/{id}/versions'
const onePath = `${path}/{revision}` as const

const Version = z.object({
  revision: z.int().describe('The order of those who wrote; numbers of what was purged or restored are missing'),
  current: z.boolean().describe('Whether it is the content of the file'),
  size: z.int(),
  contentType: z.string(),
  sha256: z.string().nullable(),
  verdict: z.enum(verdicts),
  scan: Scan.nullable(),
  by: z.string().describe('Who brought the content'),
  at: z.iso.datetime(),
  supersededAt: z.iso.datetime().nullable().describe('When something else became the content of the file; null of what never was'),
})

const example: z.input<typeof Version> = {
  revision: 1,
  current: false,
  size: 48_213,
  contentType: 'image/jpeg',
  sha256: fileExample.sha256,
  verdict: 'clean',
  scan: fileExample.scan,
  by: 'user:kT4mJc0q',
  at: '2026-11-21T09:30:00.000Z',
  supersededAt: '2026-11-22T09:30:00.000Z',
}

export const listVersions = route(
  {
    method: 'GET',
    path,
    operation: 'files.versions.list',
    summary: 'List the versions of a file',
    description:
      'Newest first, the current one among them. What waits for its verdict or was refused is listed too; only clean versions have content.',
    tags: ['files'],
    auth: read,
    params: IdParams,
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(Version), example: { items: [example], nextCursor: null } } },
    problems: ['resource.not-found'],
  },
  async ({ params, query, tenant }, context) => {
    const { limit, cursor } = query
    const before = decodeCursor(cursor, z.object({ revision: z.int32() }))?.revision
    const { head, rows } = await context.database.tenantTransaction(
      tenant.id,
      async (tx) => ({
        head: await requireFile(tx, params.id),
        rows: await selectVersions(tx, { headId: params.id, before, limit }),
      }),
      { readOnly: true },
    )
    const { items, nextCursor } = page({ items: rows, limit, cursorOf: ({ revision }) => ({ revision }) })
    return reply(200, { items: items.map((row) => versionBody(row, head)), nextCursor })
  },
)

export const getVersion = route(
  {
    method: 'GET',
    path: onePath,
    operation: 'files.versions.get',
    summary: 'Get a version of a file',
    tags: ['files'],
    auth: read,
    params,
    responses: { 200: { description: 'The version', schema: Version, example } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, context) => {
    const { head, row } = await find(context, tenant.id, params)
    return reply(200, versionBody(row, head))
  },
)

export const getVersionContent = route(
  {
    method: 'GET',
    path: `${onePath}/content`,
    operation: 'files.versions.content',
    summary: 'Read the content of a version',
    description: 'As the content of the file: ranges and conditions are honoured. Also of a file whose current content is not readable.',
    tags: ['files'],
    auth: read,
    params,
    query: ContentQuery,
    responses: contentResponses,
    problems: contentProblems,
  },
  async ({ params, query, tenant, request }, context) => {
    const { head, row } = await find(context, tenant.id, params)
    requireNotTrashed(head)
    return await answerContent(context, { ...requireContent(row), name: head.name }, { request, disposition: query.disposition })
  },
)

export const restoreVersionRoute = route(
  {
    method: 'POST',
    path: `${onePath}/restore`,
    operation: 'files.versions.restore',
    summary: 'Make a version the content of its file again',
    description: 'Under a new revision; the number that it had is gone. What was the content until then is a version.',
    tags: ['files'],
    auth: write,
    params,
    responses: {
      200: {
        description: 'The file',
        schema: File.extend({ restoredFrom: z.int() }),
        example: { ...fileExample, revision: 3, restoredFrom: 1 },
        headers: { etag: 'For If-Match' },
      },
    },
    problems: ['resource.not-found', 'resource.conflict', 'file.not-readable', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, tenant, request } = input
    const now = new Date(context.now())
    const wish = { fileId: params.id, revision: params.revision, expect: expectation(request), now }
    return await context.database.tenantTransaction(tenant.id, async (tx) => {
      const row = await restoreVersion(tx, authorOf(input), wish)
      const body = { ...fileBody(row, now), restoredFrom: params.revision }
      const restored = reply(200, body, { headers: { etag: etagOf(row) } })
      await input.idempotency.complete(tx, restored)
      return restored
    })
  },
)

export const deleteVersion = route(
  {
    method: 'DELETE',
    path: onePath,
    operation: 'files.versions.purge',
    summary: 'Purge a version',
    description: 'For good: for whoever brought it, and for admins. The current one is purged with its file only.',
    tags: ['files'],
    auth: write,
    params,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found', 'resource.conflict', 'file.not-readable', 'precondition.failed'],
  },
  async (input, context) => {
    const { params, tenant, request } = input
    const wish = { fileId: params.id, revision: params.revision, expect: expectation(request) }
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await purgeVersion(tx, authorOf(input), wish)
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

function find(context: FilesContext, tenantId: string, { id, revision }: { id: string; revision: number }) {
  return context.database.tenantTransaction(
    tenantId,
    async (tx) => {
      const head = await requireFile(tx, id)
      return { head, row: await requireVersion(tx, head, revision) }
    },
    { readOnly: true },
  )
}

function versionBody(row: FileRow, head: FileRow): z.input<typeof Version> {
  const { revision, size, contentType, sha256, verdict, supersededAt } = row
  return {
    revision,
    current: row.id === head.id,
    size,
    contentType,
    sha256,
    verdict,
    scan: scanBody(row),
    by: makerOf(row),
    at: madeAt(row).toISOString(),
    supersededAt: supersededAt?.toISOString() ?? null,
  }
}
