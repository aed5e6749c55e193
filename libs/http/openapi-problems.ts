import { type ProblemCode, problems } from '@slipway/problem'
import { z } from 'zod'
import { isBytes } from './bytes.ts'
import type { Contract } from './contract.ts'
import { isMultipart } from './multipart.ts'
import type { Json, SchemaBook } from './openapi-schema.ts'
import { takesKey } from './takes-key.ts'

/** RFC 9457 with our extensions, for the document and for clients that validate. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Where this kind of problem is described'),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.string().describe('Stable; tell problems apart by it'),
    detail: z.string().optional().describe('For people'),
    instance: z.string().optional().describe('Path of the request'),
    traceId: z.string().optional().describe('Finds the request in logs and traces'),
    errors: z
      .array(z.object({ pointer: z.string().describe('RFC 6901, such as /body/name or /query/limit'), detail: z.string() }))
      .optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457)' })

/** Every problem that a route can answer with: what its contract names, and what follows from the rest of the contract. */
export function problemCodes(contract: Contract): ProblemCode[] {
  const codes = new Set<ProblemCode>([...(contract.problems ?? []), ...impliedCodes(contract)])
  return [...codes].sort((a, b) => problems[a].status - problems[b].status || (a < b ? -1 : 1))
}

function impliedCodes(contract: Contract): ProblemCode[] {
  return [
    'internal.error',
    'database.unavailable',
    'service.timeout',
    'request.parameters-invalid',
    'request.header-fields-too-large',
    ...authCodes(contract),
    ...bodyCodes(contract),
    ...rateCodes(contract),
    ...(takesKey(contract) ? idempotencyCodes : []),
  ]
}

const idempotencyCodes: ProblemCode[] = ['idempotency.key-invalid', 'idempotency.key-reused', 'idempotency.in-progress']

function authCodes({ auth }: Contract): ProblemCode[] {
  if (auth === 'none') return []
  const always: ProblemCode[] = ['auth.required', 'auth.invalid', 'auth.forbidden']
  if (auth === 'service') return always
  const person: ProblemCode[] = [...always, 'auth.expired', 'auth.revoked', 'identity.unavailable', 'tenant.mismatch', 'request.invalid']
  return typeof auth === 'object' ? [...person, 'auth.scope-missing', 'tenant.required'] : person
}

function bodyCodes({ body }: Contract): ProblemCode[] {
  if (body === undefined) return []
  if (isBytes(body)) return ['request.unsupported-media-type', 'request.timeout']
  const always: ProblemCode[] = ['request.malformed', 'request.invalid', 'request.unsupported-media-type', 'request.timeout']
  return isMultipart(body) ? always : [...always, 'request.too-large']
}

function rateCodes({ rate }: Contract): ProblemCode[] {
  if (!rate) return []
  return rate.failClosed ? ['rate.limited', 'redis.unavailable'] : ['rate.limited']
}

/** One response per status, with an example per code. */
export function problemResponses(contract: Contract, book: SchemaBook): Record<string, Json> {
  const reference = book.add('Problem', problemComponent(book))
  const byStatus = Map.groupBy(problemCodes(contract), (code) => problems[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [String(status), problemResponse(codes, { status, reference, contract })]),
  )
}

function problemComponent(book: SchemaBook): Json {
  const { id: _id, ...schema } = book.describe(problemSchema, 'output')
  return schema
}

interface ResponseParts {
  status: number
  reference: Json
  contract: Contract
}

function problemResponse(codes: readonly ProblemCode[], { status, reference, contract }: ResponseParts): Json {
  const examples = codes.map((code) => [code, { value: exampleOf(code, contract) }])
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}`).join('\n\n'),
    ...(status === 429 || status === 503 ? { headers: { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } } : {}),
    content: {
      'application/problem+json': {
        schema: { allOf: [reference, { type: 'object', properties: { code: { enum: codes } } }] },
        examples: Object.fromEntries(examples),
      },
    },
  }
}

function exampleOf(code: ProblemCode, { path }: Contract): Json {
  const { status, title } = problems[code]
  return { type: `/problems/${code}`, title, status, code, instance: path, traceId: '0af7651916cd43dd8448eb211c80319c' }
}
