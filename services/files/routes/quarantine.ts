import { decodeCursor, Moment, page, pageOf, pageQuery, reply, routesFor } from '@slipway/http'
import { z } from 'zod'
import type { FilesContext } from '../context.ts'
import { purgeRefusals, type RefusalRow, requireRefusal, selectRefusals } from '../domain/quarantine.ts'
import { liveRequest, requestMilliseconds } from '../domain/release.ts'
import { authorOf } from './author.ts'
import { Id, IdParams } from './representation.ts'

const route = routesFor<FilesContext>()
const admin = { role: 'admin', scope: 'files:admin' } as const

export const Refusal = z.object({
  id: Id,
  name: z.string(),
  folderId: Id.nullable(),
  size: z.int(),
  contentType: z.string(),
  sha256: z.string(),
  verdict: z.enum(['infected', 'unscannable']),
  signature: z.string().nullable().describe('What the scanner calls it'),
  reason: z.string().nullable().describe('Why there was no full look'),
  raw: z.string().describe('What the scanner answered'),
  scan: z.object({ engine: z.string(), database: z.string(), milliseconds: z.int() }),
  uploadedBy: z.string(),
  uploadedFrom: z.object({
    ip: z.string().optional(),
    userAgent: z.string().optional(),
    requestId: z.string().optional(),
    traceId: z.string().optional(),
  }),
  createdAt: z.iso.datetime(),
  foundBy: z.enum(['upload', 'rescan']).describe('`rescan`: the content had been clean, and was readable until then'),
  earlier: z
    .object({ engine: z.string(), database: z.string(), at: z.iso.datetime().nullable() })
    .nullable()
    .describe('The verdict by which it was readable'),
  reads: z.int().describe('How often its content was given out; counted in batches, so a few may be missing'),
  readAt: z.iso.datetime().nullable(),
  release: z
    .object({ requestedBy: z.string(), reason: z.string(), at: z.iso.datetime(), expiresAt: z.iso.datetime() })
    .nullable()
    .describe('What a first admin has asked for, and a second one may approve'),
})

export const refusalExample: z.input<typeof Refusal> = {
  id: '019aa5f2-7c1e-7a10-9d61-3f0a5d2c9b13',
  name: 'invoice.zip',
  folderId: null,
  size: 184,
  contentType: 'application/zip',
  sha256: '2546dcffc5ad854d4ddc64fbf056871cd5a00f2471cb7a5bfd4ac23b6e9eedad',
  verdict: 'infected',
  signature: 'Win.Test.EICAR_HDB-1',
  reason: null,
  raw: 'stream: Win.Test.EICAR_HDB-1 FOUND',
  scan: { engine: 'ClamAV 1.4.3', database: '27791/Thu Oct 16 09:44:12 2026', milliseconds: 12 },
  uploadedBy: 'user:kT4mJc0q',
  uploadedFrom: { ip: '192.0.2.17', traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
  createdAt: '2026-11-21T09:30:00.000Z',
  foundBy: 'upload',
  earlier: null,
  reads: 0,
  readAt: null,
  release: null,
}

export const listQuarantine = route(
  {
    method: 'GET',
    path: '/api/v1/quarantine',
    operation: 'quarantine.list',
    summary: 'List what was refused',
    description: 'Newest first. The bytes are kept as evidence and are never given out.',
    tags: ['quarantine'],
    auth: admin,
    query: z.object(pageQuery),
    responses: { 200: { description: 'A page', schema: pageOf(Refusal), example: { items: [refusalExample], nextCursor: null } } },
  },
  async ({ query, tenant }, context) => {
    const { limit, cursor } = query
    const after = decodeCursor(cursor, z.object({ createdAt: Moment, id: Id })) ?? undefined
    const rows = await context.database.tenantTransaction(tenant.id, (tx) => selectRefusals(tx, { after, limit }), { readOnly: true })
    const cursorOf = (row: RefusalRow) => ({ createdAt: row.createdAt.toISOString(), id: row.id })
    const { items, nextCursor } = page({ items: rows, limit, cursorOf })
    return reply(200, { items: items.map((row) => refusalBody(row, context.now())), nextCursor })
  },
)

export const getQuarantine = route(
  {
    method: 'GET',
    path: '/api/v1/quarantine/{id}',
    operation: 'quarantine.get',
    summary: 'Get a refusal',
    tags: ['quarantine'],
    auth: admin,
    params: IdParams,
    responses: { 200: { description: 'The refusal', schema: Refusal, example: refusalExample } },
    problems: ['resource.not-found'],
  },
  async ({ params, tenant }, context) => {
    const row = await context.database.tenantTransaction(tenant.id, (tx) => requireRefusal(tx, params.id), { readOnly: true })
    return reply(200, refusalBody(row, context.now()))
  },
)

export const purgeQuarantine = route(
  {
    method: 'DELETE',
    path: '/api/v1/quarantine/{id}',
    operation: 'quarantine.purge',
    summary: 'Purge a refusal and its evidence',
    tags: ['quarantine'],
    auth: admin,
    params: IdParams,
    responses: { 204: { description: 'Gone' } },
    problems: ['resource.not-found'],
  },
  async (input, context) => {
    const { params, tenant } = input
    const done = reply(204)
    await context.database.tenantTransaction(tenant.id, async (tx) => {
      await requireRefusal(tx, params.id)
      await purgeRefusals(tx, authorOf(input), [params.id])
      await input.idempotency.complete(tx, done)
    })
    return done
  },
)

export function refusalBody(row: RefusalRow, now: number): z.input<typeof Refusal> {
  const { engine, database, milliseconds, createdAt, readAt, ...rest } = row
  return {
    ...rest,
    scan: { engine, database, milliseconds },
    createdAt: createdAt.toISOString(),
    readAt: readAt?.toISOString() ?? null,
    release: requestBody(row, now),
  }
}

function requestBody(row: RefusalRow, now: number): z.input<typeof Refusal>['release'] {
  const request = liveRequest(row, now)
  if (!request) return null
  const { by, reason, at } = request
  return { requestedBy: by, reason, at, expiresAt: new Date(Date.parse(at) + requestMilliseconds).toISOString() }
}
