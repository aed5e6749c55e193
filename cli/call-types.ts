import { keyOf, type Schema, typeOf } from './schema-types.ts'

interface Parameter {
  readonly $ref?: string
  readonly name?: string
  readonly in?: string
  readonly required?: boolean
  readonly schema?: Schema
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

/** The part of an OpenAPI document that the types of a client need. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/**
 * The calls of several services as one module of types, for clients that may not import the services: `Calls['GET /api/v1/files']` has
 * `params`, `query` and `body` as they are sent and `answer` as it comes. Documents are sorted, so the same contracts give the same text.
 * @throws when two services call different things by one name
 */
export function callTypes(documents: readonly ApiDocument[]): string {
  const calls = documents.flatMap((document) => Object.entries(document.paths).flatMap(([path, operations]) => callsOf(path, operations)))
  return [
    '// Written by `slipway generate` from the contracts of the services: do not edit.',
    '',
    ...[...components(documents)].map(([name, type]) => `export type ${name} = ${type}\n`),
    'export interface Calls {',
    ...calls,
    '}',
    '',
  ].join('\n')
}

function components(documents: readonly ApiDocument[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, schema] of documents.flatMap(({ components }) => Object.entries(components.schemas))) {
    const type = typeOf(schema)
    // Of problems the client has its own type; their component only refers to itself.
    if (type === name) continue
    const known = found.get(name)
    if (known !== undefined && known !== type)
      throw new Error(`two services describe different things as ${name}: rename one in its .meta({ id })`)
    found.set(name, type)
  }
  return found
}

function callsOf(path: string, operations: Readonly<Record<string, Operation>>): string[] {
  return Object.entries(operations).map(([method, operation]) => {
    const members = [
      ...parameterMember(operation, 'path', 'params'),
      ...parameterMember(operation, 'query', 'query'),
      ...parameterMember(operation, 'header', 'headers'),
      ...bodyMember(operation),
      `readonly answer: ${answerOf(operation)}`,
    ]
    return `  '${method.toUpperCase()} ${path}': {\n${members.map((member) => `    ${member}`).join('\n')}\n  }`
  })
}

function parameterMember({ parameters = [] }: Operation, place: string, name: string): string[] {
  const own = parameters.filter((parameter) => parameter.in === place)
  if (own.length === 0) return []
  const members = own.map(({ name, required, schema }) => `readonly ${keyOf(name ?? '')}${required ? '' : '?'}: ${typeOf(schema)}`)
  return [`readonly ${name}${own.some(({ required }) => required) ? '' : '?'}: { ${members.join('; ')} }`]
}

/** Forms with a file are sent by other means than a JSON call. */
function bodyMember({ requestBody }: Operation): string[] {
  const json = requestBody?.content['application/json']
  return json ? [`readonly body: ${typeOf(json.schema)}`] : []
}

/** What comes with success: JSON of every such status, or bytes. */
function answerOf({ responses }: Operation): string {
  const contents = Object.entries(responses).flatMap(([status, { content }]) => (status.startsWith('2') ? [content] : []))
  const types = contents.map((content) => {
    if (content === undefined) return 'undefined'
    return content['application/json'] ? typeOf(content['application/json'].schema) : 'ReadableStream<Uint8Array>'
  })
  return [...new Set(types)].join(' | ')
}
