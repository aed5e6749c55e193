import { Readable } from 'node:stream'
import { problems } from '@slipway/problem'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { serve } from './http.fixtures.ts'
import {
  docsRoutes,
  multipart,
  openApiDocument,
  openApiRoute,
  pageOf,
  pageQuery,
  problemRoutes,
  reply,
  replyStream,
  routesFor,
} from './index.ts'

const route = routesFor<unknown>()
const File = z.object({ id: z.uuid(), name: z.string(), size: z.int().default(0) }).meta({ id: 'File', description: 'A stored file' })
const params = z.object({ id: z.uuid().describe('Id of the file') })
const auth = { role: 'viewer', scope: 'files:read' } as const

const Tree: z.ZodType = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree)
  },
})

const list = route(
  {
    method: 'GET',
    path: '/api/v1/files',
    operation: 'files.list',
    summary: 'List files',
    auth,
    query: z.object({ ...pageQuery, type: z.array(z.string()).optional() }),
    responses: { 200: { description: 'A page', schema: pageOf(File), example: { items: [], nextCursor: null } } },
  },
  async () => reply(200, { items: [], nextCursor: null }),
)

const create = route(
  {
    method: 'POST',
    path: '/api/v1/files',
    operation: 'files.create',
    summary: 'Upload a file',
    auth: { role: 'member', scope: 'files:write' },
    body: multipart({ fields: z.object({ folderId: z.uuid().optional() }), description: 'Fields, then the file' }),
    responses: { 201: { description: 'Stored', schema: File, headers: { Location: 'Where it is' } } },
    problems: ['file.infected', 'quota.exceeded'],
    rate: { name: 'uploads', limit: 10, seconds: 60, by: 'principal' },
  },
  async () => reply(201, { id: '', name: '' }),
)

const patch = route(
  {
    method: 'PATCH',
    path: '/api/v1/files/{id}',
    operation: 'files.update',
    summary: 'Rename a file',
    auth,
    params,
    headers: z.object({ 'if-match': z.string() }),
    body: File.partial(),
    bodyExample: { name: 'b.txt' },
    responses: { 200: { description: 'Changed', schema: File } },
    problems: ['precondition.failed'],
  },
  async () => reply(200, { id: '', name: '' }),
)

const content = route(
  {
    method: 'GET',
    path: '/api/v1/files/{id}/content',
    operation: 'files.content',
    summary: 'Bytes',
    auth,
    params,
    responses: {
      200: { description: 'Bytes', content: 'application/octet-stream' },
      206: { description: 'Part', content: 'application/octet-stream' },
    },
  },
  async () => replyStream(200, Readable.from([])),
)

const tree = route(
  {
    method: 'POST',
    path: '/api/v1/trees',
    operation: 'trees.create',
    summary: 'Plant',
    auth: 'none',
    body: Tree,
    responses: { 204: { description: 'Done' } },
  },
  async () => reply(204),
)

const routes = [content, patch, create, list, tree]
const info = { title: 'Files', version: '1.2.3' }

type Node = Record<string, unknown>
const document = openApiDocument(routes, info) as Node & { paths: Record<string, Record<string, Node>>; components: Record<string, Node> }

function operation(path: string, method: string): Node & { responses: Record<string, Node> } {
  return document.paths[path]?.[method] as Node & { responses: Record<string, Node> }
}

function* nodes(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value as Node
  for (const member of Object.values(value)) yield* nodes(member)
}

function resolve(reference: string): unknown {
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Node)[part.replaceAll('~1', '/').replaceAll('~0', '~')], document)
}

describe('the document', () => {
  it('is OpenAPI 3.1 with all routes and no dangling reference', () => {
    expect(document).toMatchObject({ openapi: '3.1.1', info })
    expect(Object.keys(document.paths)).toEqual(['/api/v1/files', '/api/v1/files/{id}', '/api/v1/files/{id}/content', '/api/v1/trees'])
    const references = [...nodes(document)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
    expect(references.length).toBeGreaterThan(10)
    for (const reference of references) expect([reference, typeof resolve(reference)]).toEqual([reference, 'object'])
  })

  it('is the same whatever the order of the routes', () => {
    expect(JSON.stringify(openApiDocument(routes.toReversed(), info))).toBe(JSON.stringify(document))
  })

  it('has what every operation owes', () => {
    const ids = new Set<unknown>()
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const one of Object.values(methods)) {
        ids.add(one.operationId)
        expect(one.summary).toBeTypeOf('string')
        expect(one.security).toBeInstanceOf(Array)
        expect(Object.keys(one.responses as Node).some((status) => status.startsWith('2'))).toBe(true)
        const declared = (one.parameters as Node[]).filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)
        expect(declared).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))
        for (const parameter of one.parameters as Node[]) if (parameter.in === 'path') expect(parameter.required).toBe(true)
        for (const response of Object.values(one.responses as Record<string, Node>)) expect(response.description).toBeTypeOf('string')
      }
    }
    expect(ids.size).toBe(routes.length)
  })

  it('leaves no keyword behind that belongs to another document', () => {
    for (const node of nodes(document)) {
      expect(node).not.toHaveProperty('$schema')
      expect(node).not.toHaveProperty('$defs')
    }
  })

  it('names shared schemas once, and apart where input and output differ', () => {
    const { schemas } = document.components
    expect(Object.keys(schemas ?? {})).toEqual(['File', 'Problem', 'Recursive3'])
    expect(operation('/api/v1/files', 'post').responses['201']).toMatchObject({
      content: { 'application/json': { schema: { $ref: '#/components/schemas/File' } } },
    })
    const both = route(
      { ...tree.contract, path: '/api/v1/both', body: z.object({ file: File }), responses: { 200: { description: 'x', schema: File } } },
      async () => reply(200, { id: '', name: '' }),
    )
    const names = Object.keys((openApiDocument([both, list], info) as { components: { schemas: Node } }).components.schemas)
    expect(names).toEqual(['File', 'FileInput', 'Problem'])
  })

  it('describes uploads and bytes as 3.1 has it', () => {
    expect(operation('/api/v1/files', 'post').requestBody).toMatchObject({
      required: true,
      content: {
        'multipart/form-data': {
          schema: {
            properties: { folderId: { format: 'uuid' }, file: { type: 'string', contentMediaType: 'application/octet-stream' } },
            required: ['file'],
          },
        },
      },
    })
    expect(operation('/api/v1/files/{id}/content', 'get').responses['206']).toMatchObject({ content: { 'application/octet-stream': {} } })
  })

  it('describes parameters with their defaults and descriptions', () => {
    const parameters = operation('/api/v1/files', 'get').parameters as Node[]
    expect(parameters.find(({ name }) => name === 'limit')).toEqual({
      name: 'limit',
      in: 'query',
      description: 'Items on a page',
      required: false,
      schema: { default: 50, type: 'integer', minimum: 1, maximum: 100 },
    })
    expect(operation('/api/v1/files/{id}', 'patch').parameters).toContainEqual(
      expect.objectContaining({ name: 'if-match', in: 'header', required: true }),
    )
    expect(parameters).not.toContainEqual({ $ref: '#/components/parameters/Idempotency-Key' })
    expect(operation('/api/v1/files', 'post').parameters).toContainEqual({ $ref: '#/components/parameters/Idempotency-Key' })
  })

  it('documents problems under their statuses, those of the contract and those that follow from it', () => {
    const { responses } = operation('/api/v1/files', 'post')
    expect(Object.keys(responses)).toEqual(['201', '400', '401', '403', '408', '409', '413', '415', '422', '429', '431', '500', '503'])
    const codes = (status: string) =>
      Object.keys(
        (responses[status] as { content: Record<string, { examples: Node }> }).content['application/problem+json']?.examples ?? {},
      )
    expect(codes('422')).toEqual(['file.infected', 'idempotency.key-reused', 'request.invalid'])
    expect(codes('429')).toEqual(['rate.limited'])
    expect(responses['429']).toMatchObject({ headers: { 'Retry-After': {} } })
    expect(Object.keys(operation('/api/v1/trees', 'post').responses)).not.toContain('401')
  })

  it('says who may call', () => {
    expect(operation('/api/v1/files', 'get')).toMatchObject({
      security: [{ bearer: ['files:read'] }],
      description: 'Needs the role `viewer` and the scope `files:read`.',
    })
    expect(operation('/api/v1/trees', 'post').security).toEqual([])
  })

  it('keeps examples that satisfy their schemas', () => {
    expect(operation('/api/v1/files/{id}', 'patch').requestBody).toMatchObject({
      content: { 'application/json': { example: { name: 'b.txt' } } },
    })
    expect(pageOf(File).safeParse(list.contract.responses[200].example).success).toBe(true)
  })
})

describe('what is served', () => {
  const served = [
    openApiRoute('files', routes, info),
    ...problemRoutes,
    ...docsRoutes({ title: 'Slipway', sources: [{ title: 'Files', url: '/api/v1/files/openapi.json' }] }),
  ]

  it('the document, with an ETag', async () => {
    await using server = await serve({ routes: served })
    const response = await server.fetch('/api/v1/files/openapi.json')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(document)))
    const again = await server.fetch('/api/v1/files/openapi.json', { headers: { 'if-none-match': response.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  it('the page of all documents, which may load nothing from elsewhere', async () => {
    await using server = await serve({ routes: served })
    const page = await server.fetch('/docs')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toMatch(/script-src 'self'(;|$)/)
    expect(policy).not.toMatch(/https?:|unsafe-eval/)
    const scripts = [...(await page.text()).matchAll(/src="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(scripts).toEqual(['/docs/scalar.js', '/docs/start.js'])
    const [bundle, start] = await Promise.all(scripts.map(async (path) => server.fetch(path)))
    expect(await bundle?.text()).toContain('createApiReference')
    expect(await start?.text()).toContain('"url":"/api/v1/files/openapi.json"')
    expect(bundle?.headers.get('content-type')).toMatch(/^text\/javascript/)
  })

  it('every problem, for programs and for people', async () => {
    await using server = await serve({ routes: served })
    expect(await (await server.fetch('/problems/file.infected')).json()).toEqual({
      type: '/problems/file.infected',
      code: 'file.infected',
      ...problems['file.infected'],
    })
    const page = await server.fetch('/problems/file.infected', { headers: { accept: 'text/html,*/*' } })
    expect([page.headers.get('content-type'), await page.text()]).toEqual(['text/html; charset=utf-8', expect.stringContaining('HTTP 422')])
    expect(((await (await server.fetch('/problems')).json()) as unknown[]).length).toBe(Object.keys(problems).length)
    expect((await server.fetch('/problems/nothing.like-it')).status).toBe(404)
  })
})
