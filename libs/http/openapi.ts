import type { z } from 'zod'
import { isBytes } from './bytes.ts'
import type { AuthRequirement, Contract, ResponseContract, Route } from './contract.ts'
import { isMultipart, type Multipart } from './multipart.ts'
import { problemResponses } from './openapi-problems.ts'
import { type Json, SchemaBook } from './openapi-schema.ts'
import { takesKey } from './takes-key.ts'

export interface ApiInfo {
  readonly title: string
  readonly version: string
  readonly description?: string | undefined
}

/** OpenAPI 3.1 of a set of routes. The same routes give the same document, whatever their order. */
export function openApiDocument<Context>(routes: readonly Route<Context>[], info: ApiInfo): Json {
  const book = new SchemaBook()
  const shown = routes.map(({ contract }) => contract).filter(({ hidden }) => !hidden)
  shown.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
  const paths: Record<string, Record<string, Json>> = {}
  for (const contract of shown) {
    const path = (paths[contract.path] ??= {})
    path[contract.method.toLowerCase()] = operation(contract, book)
  }
  const tags = [...new Set(shown.flatMap(tagsOf))].sort()
  return {
    openapi: '3.1.1',
    info: { title: info.title, version: info.version, ...(info.description ? { description: info.description } : {}) },
    servers: [{ url: '/' }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: { schemas: book.toJSON(), headers: sharedHeaders, parameters: sharedParameters, securitySchemes },
  }
}

const methodOrder = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function sortKey({ path, method }: Contract): string {
  return `${path} ${methodOrder.indexOf(method)}`
}

function tagsOf({ tags, operation }: Contract): readonly string[] {
  return tags ?? [operation.split('.')[0] ?? operation]
}

function operation(contract: Contract, book: SchemaBook): Json {
  const description = [contract.description, accessNote(contract.auth)].filter(Boolean).join('\n\n')
  const body = requestBody(contract, book)
  return {
    operationId: contract.operation,
    summary: contract.summary,
    ...(description ? { description } : {}),
    tags: tagsOf(contract),
    parameters: parameters(contract, book),
    ...(body ? { requestBody: body } : {}),
    responses: { ...successResponses(contract, book), ...problemResponses(contract, book) },
    security: security(contract.auth),
  }
}

function accessNote(auth: AuthRequirement): string {
  if (auth === 'none') return ''
  if (auth === 'principal') return 'For everybody who has signed in.'
  if (auth === 'operator') return 'For the platform operator.'
  if (auth === 'service') return 'For other services of the platform.'
  const operator = 'operator' in auth ? ' The platform operator may call it too.' : ''
  return `Needs the role \`${auth.role}\` and the scope \`${auth.scope}\`.${operator}`
}

function security(auth: AuthRequirement): Json[] {
  if (auth === 'none') return []
  if (auth === 'service') return [{ service: [] }]
  return [{ bearer: typeof auth === 'object' ? [auth.scope] : [] }]
}

function parameters(contract: Contract, book: SchemaBook): Json[] {
  const shared = [
    ...(contract.auth === 'none' || contract.auth === 'service' ? [] : [{ $ref: '#/components/parameters/X-Tenant-Slug' }]),
    ...(takesKey(contract) ? [{ $ref: '#/components/parameters/Idempotency-Key' }] : []),
  ]
  return [
    ...described(contract.params, 'path', book),
    ...described(contract.query, 'query', book),
    ...described(contract.headers, 'header', book),
    ...shared,
  ]
}

function described(schema: z.ZodObject | undefined, place: 'path' | 'query' | 'header', book: SchemaBook): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = book.describe(schema, 'input') as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, { description, ...member }]) => ({
    name,
    in: place,
    ...(description ? { description } : {}),
    required: place === 'path' || required.includes(name),
    schema: member,
  }))
}

function requestBody({ body, bodyExample }: Contract, book: SchemaBook): Json | undefined {
  if (body === undefined) return undefined
  if (isMultipart(body)) return { required: true, content: { 'multipart/form-data': { schema: multipartSchema(body, book) } } }
  if (isBytes(body)) return { required: !body.optional, content: { [body.type]: {} } }
  const example = bodyExample === undefined ? {} : { example: bodyExample }
  return { required: true, content: { 'application/json': { schema: book.describe(body, 'input'), ...example } } }
}

/** The file comes last, as fields after it are refused. */
function multipartSchema({ file, fields, description }: Multipart, book: SchemaBook): Json {
  const { properties = {}, required = [] } = book.describe(fields, 'input') as { properties?: Record<string, Json>; required?: string[] }
  return {
    type: 'object',
    ...(description ? { description } : {}),
    properties: { ...properties, [file]: { type: 'string', contentMediaType: 'application/octet-stream', description: 'The last part' } },
    required: [...required, file],
    additionalProperties: false,
  }
}

function successResponses({ responses }: Contract, book: SchemaBook): Record<string, Json> {
  const entries = Object.entries(responses).map(([status, response]) => [status, successResponse(response, book)] as const)
  return Object.fromEntries(entries)
}

function successResponse({ description, schema, content, example, headers }: ResponseContract, book: SchemaBook): Json {
  const shown = example === undefined ? {} : { example }
  const named = Object.entries(headers ?? {}).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }] as const)
  return {
    description,
    headers: { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' }, ...Object.fromEntries(named) },
    ...(schema ? { content: { 'application/json': { schema: book.describe(schema, 'output'), ...shown } } } : {}),
    // In 3.1 bytes are a media type without a schema; text has one.
    ...(content ? { content: { [content]: content.startsWith('text/') ? { schema: { type: 'string' }, ...shown } : {} } } : {}),
  }
}

const sharedHeaders = {
  'Retry-After': { description: 'Seconds until another try is worth it', schema: { type: 'integer', minimum: 1 } },
  'X-Request-Id': { description: 'Of the request if it sent one, else made here', schema: { type: 'string' } },
}

const sharedParameters = {
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Makes a repeated request safe: the first answer is given again for 24 hours, with `Idempotency-Replayed: true`. Use a new key, such as a UUID, per request.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
  },
  'X-Tenant-Slug': {
    name: 'X-Tenant-Slug',
    in: 'header',
    description: 'The tenant, where its subdomain does not say it. Must be the one of the credentials.',
    schema: { type: 'string' },
  },
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An access token or an API key' },
  service: { type: 'apiKey', in: 'header', name: 'Authorization', description: '`Service <name>.<secret>`, on the internal listener' },
}
