import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { multipart, openApiDocument, pageOf, pageQuery, reply, routesFor } from './index.ts'

/**
 * The rules of OpenAPI 3.1.1 (§4.8) for everything that our documents use, each object closed: a member that the specification does not
 * have is as much a fault as one that it requires.
 */
const reference = z.strictObject({ $ref: z.string().startsWith('#/components/') })
const componentName = z.string().regex(/^[a-zA-Z0-9._-]+$/)
const components = <T extends z.ZodType>(type: T) => z.record(componentName, z.union([type, reference]))

/** JSON Schema 2020-12: the keywords of its vocabularies, with the shapes that they prescribe. */
const types = z.enum(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'])
const size = z.int().min(0)
const schema: z.ZodType = z.lazy(() => z.union([z.boolean(), schemaObject]))
const schemas = z.array(schema).min(1)
const named = z.record(z.string(), schema)
const schemaObject = z.strictObject({
  $ref: z.string().startsWith('#/components/schemas/').optional(),
  $comment: z.string().optional(),
  type: z.union([types, z.array(types).min(1)]).optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  const: z.unknown().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  example: z.unknown().optional(),
  deprecated: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  writeOnly: z.boolean().optional(),
  format: z.string().optional(),
  contentMediaType: z.string().optional(),
  contentEncoding: z.string().optional(),
  multipleOf: z.number().positive().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  minLength: size.optional(),
  maxLength: size.optional(),
  pattern: z.string().optional(),
  minItems: size.optional(),
  maxItems: size.optional(),
  uniqueItems: z.boolean().optional(),
  items: schema.optional(),
  prefixItems: schemas.optional(),
  contains: schema.optional(),
  minProperties: size.optional(),
  maxProperties: size.optional(),
  required: z.array(z.string()).optional(),
  properties: named.optional(),
  patternProperties: named.optional(),
  propertyNames: schema.optional(),
  additionalProperties: schema.optional(),
  unevaluatedProperties: schema.optional(),
  allOf: schemas.optional(),
  anyOf: schemas.optional(),
  oneOf: schemas.optional(),
  not: schema.optional(),
})

const example = z.union([
  z.strictObject({ summary: z.string().optional(), description: z.string().optional(), value: z.unknown() }),
  reference,
])
const mediaType = z
  .strictObject({ schema: schema.optional(), example: z.unknown().optional(), examples: z.record(z.string(), example).optional() })
  .refine(({ example: one, examples }) => one === undefined || examples === undefined, 'example and examples exclude each other')
const content = z.record(z.string().regex(/^[\w.+*-]+\/[\w.+*-]+(;.*)?$/), mediaType)
const header = z.strictObject({
  description: z.string().optional(),
  required: z.boolean().optional(),
  schema,
  example: z.unknown().optional(),
})
const parameter = z
  .strictObject({
    name: z.string().min(1),
    in: z.enum(['query', 'header', 'path', 'cookie']),
    description: z.string().optional(),
    required: z.boolean().optional(),
    deprecated: z.boolean().optional(),
    schema,
    example: z.unknown().optional(),
  })
  .refine((one) => one.in !== 'path' || one.required === true, 'a path parameter is required')
  .refine((one) => one.in !== 'header' || !/^(accept|content-type|authorization)$/i.test(one.name), 'is ignored as a parameter')
const parameterOrReference = z.union([parameter, reference])
const response = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.union([header, reference])).optional(),
  content: content.optional(),
})
const operation = z.strictObject({
  operationId: z.string().min(1),
  summary: z.string().min(1),
  description: z.string().optional(),
  tags: z.array(z.string()),
  parameters: z.array(parameterOrReference),
  requestBody: z.strictObject({ description: z.string().optional(), required: z.boolean().optional(), content }).optional(),
  responses: z.record(z.string().regex(/^([1-5]\d\d|[1-5]XX|default)$/), z.union([response, reference])),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  deprecated: z.boolean().optional(),
})
const scheme = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('http'), scheme: z.string(), bearerFormat: z.string().optional(), description: z.string().optional() }),
  z.strictObject({
    type: z.literal('apiKey'),
    in: z.enum(['query', 'header', 'cookie']),
    name: z.string(),
    description: z.string().optional(),
  }),
])
const document = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string().optional() }),
  servers: z.array(z.strictObject({ url: z.string(), description: z.string().optional() })),
  tags: z.array(z.strictObject({ name: z.string(), description: z.string().optional() })),
  paths: z.record(
    z.string().startsWith('/'),
    z.partialRecord(z.enum(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']), operation),
  ),
  components: z.strictObject({
    schemas: components(schema),
    headers: components(header),
    parameters: components(parameter),
    securitySchemes: components(scheme),
  }),
})
type Document = z.output<typeof document>

const route = routesFor<unknown>()
const summary = 'For tests'
const member = { role: 'member', scope: 'x:write' } as const
const Leaf = z.object({ id: z.uuid(), at: z.iso.datetime(), kind: z.enum(['a', 'b']) }).meta({ id: 'Leaf', description: 'A leaf' })
const Branch = z.object({
  leaf: Leaf,
  leaves: z.array(Leaf).max(3),
  note: z.string().nullable(),
  any: z.unknown(),
  map: z.record(z.string(), z.number().positive()),
  pair: z.tuple([z.string(), z.int()]),
  either: z.discriminatedUnion('type', [z.object({ type: z.literal('x') }), z.object({ type: z.literal('y'), n: z.int() })]),
  both: z.object({ a: z.string() }).and(z.object({ b: z.string() })),
  flag: z.stringbool().default(true),
  when: z.string().transform((text) => text.length),
  big: z.number().multipleOf(5).gt(0).lt(100),
  pattern: z.string().regex(/^a+$/),
})
const Tree: z.ZodType = z.object({
  get children() {
    return z.array(Tree)
  },
})
const done = async () => reply(200, undefined as never)

/** One of each kind of route that a contract can describe. */
const routes = [
  route(
    {
      method: 'POST',
      path: '/a/{id}',
      operation: 'a.make',
      summary,
      auth: member,
      params: z.object({ id: z.uuid() }),
      body: Branch,
      responses: { 200: { description: 'x', schema: Branch } },
    },
    done,
  ),
  route(
    {
      method: 'GET',
      path: '/a/{id}',
      operation: 'a.get',
      summary,
      description: 'Long',
      tags: ['t'],
      auth: { ...member, operator: true },
      params: z.object({ id: z.uuid() }),
      headers: z.object({ 'if-none-match': z.string().optional() }),
      responses: { 200: { description: 'x', schema: Leaf, headers: { ETag: 'Version' } }, 304: { description: 'Same' } },
    },
    done,
  ),
  route(
    {
      method: 'GET',
      path: '/a',
      operation: 'a.list',
      summary,
      auth: 'principal',
      query: z.object({ ...pageQuery, kind: z.array(z.enum(['a', 'b'])).optional() }),
      responses: { 200: { description: 'x', schema: pageOf(Leaf), example: { items: [], nextCursor: null } } },
      rate: { name: 'r', limit: 1, seconds: 1, by: 'ip', failClosed: true },
    },
    done,
  ),
  route(
    {
      method: 'POST',
      path: '/upload',
      operation: 'upload',
      summary,
      auth: member,
      body: multipart({ fields: z.object({ note: z.string().optional(), leaf: z.string() }) }),
      responses: { 201: { description: 'x', schema: Leaf }, 202: { description: 'y', schema: Leaf } },
      problems: ['file.infected', 'quota.exceeded'],
    },
    async () => reply(201, { id: '', at: '', kind: 'a' as const }),
  ),
  route(
    {
      method: 'PUT',
      path: '/tree',
      operation: 'tree',
      summary,
      auth: 'none',
      body: Tree,
      bodyExample: { children: [] },
      responses: { 204: { description: 'x' } },
    },
    async () => reply(204),
  ),
  route(
    {
      method: 'DELETE',
      path: '/a/{id}/b/{other}',
      operation: 'b.delete',
      summary,
      auth: 'operator',
      params: z.object({ other: z.string(), id: z.string() }),
      responses: { 204: { description: 'x' } },
    },
    async () => reply(204),
  ),
  route(
    {
      method: 'PATCH',
      path: '/service',
      operation: 'service',
      summary,
      auth: 'service',
      internal: true,
      body: Leaf.partial(),
      responses: { 200: { description: 'x', content: 'text/plain' } },
    },
    async () => reply(200, ''),
  ),
]
const info = { title: 'All', version: '1', description: 'Everything' }
const made = JSON.parse(JSON.stringify(openApiDocument(routes, info))) as Document
const operations = Object.entries(made.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, one]) => ({ path, method, one })),
)

describe('the rules of OpenAPI 3.1', () => {
  it('hold for every kind of route', () => {
    const result = document.safeParse(made)
    expect(result.error ? z.prettifyError(result.error) : null).toBeNull()
  })

  it.each<[string, (broken: Document) => void]>([
    ['a keyword of OpenAPI 3.0', (broken) => void Object.assign(broken.components.schemas.Leaf as object, { nullable: true })],
    [
      'an exclusiveMinimum as it was before',
      (broken) => void Object.assign(broken.components.schemas.Leaf as object, { exclusiveMinimum: true }),
    ],
    [
      'a response without a description',
      (broken) => void Reflect.deleteProperty(broken.paths['/tree']?.put?.responses['204'] as object, 'description'),
    ],
    ['a member that no operation has', (broken) => void Object.assign(broken.paths['/tree']?.put as object, { consumes: [] })],
  ])('are strict enough to see %s', (_name, breakIt) => {
    const broken = structuredClone(made)
    breakIt(broken)
    expect(document.safeParse(broken).success).toBe(false)
  })

  it('leave no route out', () => {
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(
      routes.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort(),
    )
    expect(new Set(operations.map(({ one }) => one.operationId)).size).toBe(routes.length)
  })

  it('let no parameter stand twice, and declare those of the path', () => {
    for (const { path, one } of operations) {
      const ids = one.parameters.map((each) => ('$ref' in each ? each.$ref : `${each.in} ${each.name}`))
      expect(new Set(ids).size).toBe(ids.length)
      const inPath = one.parameters.flatMap((each) => ('in' in each && each.in === 'path' ? [each.name] : []))
      expect(new Set(inPath)).toEqual(new Set([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])))
    }
  })

  it('know every tag, every scheme and every reference', () => {
    const tags = new Set(made.tags.map(({ name }) => name))
    const known = made.components as Record<string, Record<string, unknown>>
    for (const { one } of operations) {
      expect(one.tags.filter((tag) => !tags.has(tag))).toEqual([])
      expect(one.security.flatMap(Object.keys).filter((name) => !(name in made.components.securitySchemes))).toEqual([])
    }
    const references = [...JSON.stringify(made).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)]
    expect(references.length).toBeGreaterThan(20)
    expect(references.filter(([, kind = '', name = '']) => !(name in (known[kind] ?? {}))).map(([all]) => all)).toEqual([])
  })

  it('give every operation what its kind can answer', () => {
    const statuses = (path: string, method: 'get' | 'post' | 'put' | 'patch' | 'delete') =>
      Object.keys(made.paths[path]?.[method]?.responses ?? {})
    expect(statuses('/a/{id}', 'get')).toEqual(expect.arrayContaining(['200', '304', '400', '401', '403', '500', '503']))
    expect(statuses('/a', 'get')).toContain('429')
    expect(statuses('/tree', 'put')).toEqual(expect.arrayContaining(['204', '400', '408', '413', '415', '422']))
    expect(statuses('/tree', 'put')).not.toContain('401')
    expect(statuses('/upload', 'post')).toEqual(expect.arrayContaining(['201', '202', '409', '413', '415', '422']))
  })

  it('say that a body is required, and its example satisfies its schema', () => {
    for (const { one } of operations) if (one.requestBody) expect(one.requestBody.required).toBe(true)
    expect(made.paths['/tree']?.put?.requestBody?.content['application/json']?.example).toEqual({ children: [] })
  })
})
