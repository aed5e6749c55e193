import { Readable } from 'node:stream'
import { isNotModified, notModified, type RequestInfo, replyStream, requireIfMatch, routesFor, strongEtag } from '@slipway/http'
import { problem } from '@slipway/problem'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { contentDisposition } from '../domain/content-disposition.ts'
import { contentTypeHeader, mayBeInline } from '../domain/content-type.ts'
import { requireFile } from '../domain/files.ts'
import type { FileRow } from '../domain/listing.ts'
import { contentIdOf, objectOf } from '../domain/object.ts'
import { type ByteRange, parseRange, rangeApplies } from '../domain/ranges.ts'
import { IdParams } from './representation.ts'

const route = routesFor<FilesContext>()
const contentHeaders = {
  'content-disposition': 'RFC 6266, with the name of the file',
  etag: 'Of the bytes; the same as long as they are',
  'accept-ranges': 'bytes',
}

/** Also of a 304, from which caches renew what they have kept (RFC 9110 §15.4.5). */
const cacheControl = { 'cache-control': 'private, no-cache' }

export const ContentQuery = z.object({ disposition: z.enum(['attachment', 'inline']).default('attachment') })
type Disposition = z.output<typeof ContentQuery>['disposition']

export const contentResponses = {
  200: { description: 'All of it', content: 'application/octet-stream', headers: contentHeaders },
  206: {
    description: 'The range',
    content: 'application/octet-stream',
    headers: { ...contentHeaders, 'content-range': 'RFC 9110 §14.4' },
  },
} as const

export const contentProblems = [
  'resource.not-found',
  'file.not-readable',
  'range.not-satisfiable',
  'precondition.failed',
  'storage.unavailable',
] as const

export const getContent = route(
  {
    method: 'GET',
    path: '/api/v1/files/{id}/content',
    operation: 'files.content',
    summary: 'Read the content of a file',
    description:
      'One range at a time; `If-None-Match`, `If-Match` and `If-Range` are honoured. Shown in place (`disposition=inline`) only if a browser runs nothing of its type.',
    tags: ['files'],
    auth: { role: 'viewer', scope: 'files:read' },
    params: IdParams,
    query: ContentQuery,
    responses: contentResponses,
    problems: contentProblems,
  },
  async ({ params, query, tenant, request }, context) => {
    const row = await context.database.tenantTransaction(tenant.id, (tx) => requireReadable(tx, params.id), { readOnly: true })
    return await answerContent(context, row, { request, disposition: query.disposition })
  },
)

type ReadableRow = FileRow & { sha256: string }

interface Asked {
  request: RequestInfo
  disposition: Disposition
}

/** The bytes of a row under its name: ranges and conditions are those of RFC 9110. */
export async function answerContent(context: FilesContext, row: ReadableRow, { request, disposition }: Asked) {
  const etag = strongEtag(row.sha256)
  requireIfMatch(request, etag, { optional: true })
  if (isNotModified(request, etag)) return { ...notModified(etag), headers: { etag, ...cacheControl } }
  // Ranges are defined for GET only (RFC 9110 §14.2).
  const range = request.method === 'HEAD' ? null : rangeOf(request, row, etag)
  const headers = { ...safeHeaders(row, disposition), etag }
  const stream = request.method === 'HEAD' ? Readable.from([]) : await open(context, row, { range, signal: request.signal })
  if (!range) return replyStream(200, stream, { headers: { ...headers, 'content-length': row.size } })
  const { start, end } = range
  const partial = { 'content-range': `bytes ${start}-${end}/${row.size}`, 'content-length': end - start + 1 }
  return replyStream(206, stream, { headers: { ...headers, ...partial } })
}

/** In the trash it is as good as gone; pending and refused content exists and is not shown. */
async function requireReadable(tx: Parameters<typeof requireFile>[0], id: string): Promise<ReadableRow> {
  const row = await requireFile(tx, id)
  const readable = requireContent(row)
  requireNotTrashed(row)
  return readable
}

/** @throws file.not-readable */
export function requireContent(row: FileRow): ReadableRow {
  const { sha256, verdict } = row
  if (verdict !== 'clean' || sha256 === null) throw problem('file.not-readable', { detail: `the verdict is ${verdict}`, verdict })
  return { ...row, sha256 }
}

export function requireNotTrashed({ id, trashedAt }: FileRow): void {
  if (trashedAt) throw problem('resource.not-found', { detail: `the file ${id} is in the trash` })
}

function rangeOf(
  { headers }: { headers: { range?: string | undefined; 'if-range'?: string | string[] | undefined } },
  row: FileRow,
  etag: string,
) {
  const ifRange = headers['if-range']
  if (!rangeApplies(ifRange === undefined ? undefined : String(ifRange), etag)) return null
  const range = parseRange(headers.range, row.size)
  if (range !== 'unsatisfiable') return range
  throw problem('range.not-satisfiable', {
    detail: `the content has ${row.size} bytes`,
    headers: { 'content-range': `bytes */${row.size}` },
  })
}

async function open(context: FilesContext, row: FileRow, options: { range: ByteRange | null; signal: AbortSignal }): Promise<Readable> {
  const { range, signal } = options
  const { storage, downloads, reads } = context
  const content = contentIdOf(row)
  reads.count(content)
  if (row.size === 0) return Readable.from([])
  const { stream } = await storage.read(objectOf(row), { ...(range ? { range } : {}), signal })
  downloads.watch(content, stream)
  return stream
}

/** Whatever the bytes are, a browser that gets them runs nothing in our origin. */
function safeHeaders(row: FileRow, wanted: Disposition) {
  const disposition = wanted === 'inline' && mayBeInline(row.contentType) ? 'inline' : 'attachment'
  return {
    'content-type': contentTypeHeader(row.contentType),
    'content-disposition': contentDisposition(disposition, row.name),
    'accept-ranges': 'bytes',
    ...cacheControl,
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
}
