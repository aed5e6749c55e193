import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createHttpApp, listen, multipart, page, pageOf, pageQuery, reply, replyStream, routesFor } from '@slipway/http'
import { type ProblemCode, problem } from '@slipway/problem'
import { z } from 'zod'
import { type ApiProblem, type ClientOptions, createClient } from './index.ts'

/** What the handlers saw, and what they are to fail with before they answer. */
export interface Context {
  seen: { headers: Record<string, unknown>; body?: unknown; params?: unknown; query?: unknown }[]
  failures: (ProblemCode | 'hang up')[]
}

const route = routesFor<Context>()
const Thing = z.object({ id: z.string(), name: z.string() })

const getThing = route(
  {
    method: 'GET',
    path: '/api/v1/things/{id}',
    operation: 'things.get',
    summary: 'One',
    auth: 'none',
    params: z.object({ id: z.string() }),
    query: z.object({ tag: z.array(z.string()).optional(), deep: z.coerce.number().optional() }),
    responses: { 200: { description: 'Thing', schema: Thing } },
  },
  async ({ params, query, request }, { seen, failures }) => {
    seen.push({ headers: request.headers, params, query })
    fail(failures)
    return reply(200, { id: params.id, name: 'n' })
  },
)

const listThings = route(
  {
    method: 'GET',
    path: '/api/v1/things',
    operation: 'things.list',
    summary: 'All',
    auth: 'none',
    query: z.object(pageQuery),
    responses: { 200: { description: 'Page', schema: pageOf(Thing) } },
  },
  async ({ query }) => {
    const from = query.cursor === undefined ? 0 : Number(Buffer.from(query.cursor, 'base64url').toString())
    const items = Array.from({ length: 7 }, (_, index) => ({ id: String(index + 1), name: 'n' })).slice(from, from + query.limit + 1)
    return reply(200, page({ items, limit: query.limit, cursorOf: ({ id }) => Number(id) }))
  },
)

const createThing = route(
  {
    method: 'POST',
    path: '/api/v1/things',
    operation: 'things.create',
    summary: 'Make',
    auth: 'principal',
    body: z.object({ name: z.string().min(2) }),
    responses: { 201: { description: 'Made', schema: Thing }, 202: { description: 'Being made' } },
  },
  async ({ body, request }, { seen, failures }) => {
    seen.push({ headers: request.headers, body })
    fail(failures)
    return body.name === 'later' ? reply(202) : reply(201, { id: '1', name: body.name })
  },
)

const signIn = route(
  { ...createThing.contract, path: '/api/v1/sign-in', operation: 'sign-in', auth: 'none', responses: { 204: { description: 'In' } } },
  async ({ request }, { seen, failures }) => {
    seen.push({ headers: request.headers })
    fail(failures)
    return reply(204)
  },
)

const uploadFile = route(
  {
    method: 'POST',
    path: '/api/v1/files',
    operation: 'files.create',
    summary: 'Upload',
    auth: 'principal',
    body: multipart({ fields: z.object({ folder: z.string().optional() }) }),
    responses: {
      201: { description: 'Stored', schema: z.object({ name: z.string(), folder: z.string().nullable(), sha256: z.string() }) },
    },
  },
  async ({ parts }, { failures }) => {
    const hash = createHash('sha256')
    for await (const chunk of parts.file.stream) hash.update(chunk as Buffer)
    fail(failures)
    return reply(201, { name: parts.file.name, folder: parts.fields.folder ?? null, sha256: hash.digest('hex') })
  },
)

const content = route(
  {
    method: 'GET',
    path: '/api/v1/content',
    operation: 'content',
    summary: 'Bytes',
    auth: 'none',
    responses: { 200: { description: 'Bytes', content: 'application/octet-stream' } },
  },
  async () => replyStream(200, Readable.from([Buffer.from('by'), Buffer.from('tes')]), { headers: { 'content-type': 'image/png' } }),
)

const routes = [getThing, listThings, createThing, signIn, uploadFile, content] as const
export type Routes = typeof routes

function fail(failures: Context['failures']): void {
  const next = failures.shift()
  if (next === 'hang up') throw new HangUp()
  if (next) throw problem(next, next === 'rate.limited' ? { retryAfter: 40 } : { retryAfter: 3 })
}

class HangUp extends Error {}

export async function start(failures: Context['failures'] = [], options: Partial<ClientOptions> = {}) {
  const context: Context = { seen: [], failures }
  const waits: number[] = []
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const auth = {
    authenticate: async ({ headers }: { headers: { authorization?: string } }) => {
      if (headers.authorization === 'Bearer stale') throw problem('auth.expired')
      return headers.authorization ? ({ kind: 'user', id: 'u', scopes: ['*'] } as const) : null
    },
  }
  const app = createHttpApp({ routes, context, auth, log })
  const server = await listen(
    (request, response) => {
      if (context.failures[0] === 'hang up' && context.failures.shift()) request.socket.destroy()
      else app(request, response)
    },
    { host: '127.0.0.1', port: 0 },
  )
  const wait = async (milliseconds: number) => void waits.push(milliseconds)
  const client = createClient<Routes>({ baseUrl: server.url, token: 'good', wait, ...options })
  return { client, context, waits, [Symbol.asyncDispose]: () => server.close(0) }
}

export const caught = (promise: Promise<unknown>): Promise<ApiProblem> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: ApiProblem) => error,
  )
