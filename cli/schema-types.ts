/** JSON Schema 2020-12 as our OpenAPI documents use it: what zod makes of contracts. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema | boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

const scalars: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
}

/** A type of TypeScript for a schema, on one line. References become the names of their components. */
export function typeOf(schema: Schema | boolean | undefined): string {
  if (typeof schema !== 'object') return 'unknown'
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? 'unknown'
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)))
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return union(choices.map(typeOf))
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ')
  return union([schema.type ?? []].flat().map((type) => typeNamed(type, schema)))
}

function union(types: readonly string[]): string {
  const distinct = [...new Set(types)]
  return distinct.length === 0 || distinct.includes('unknown') ? 'unknown' : distinct.join(' | ')
}

function typeNamed(type: string, schema: Schema): string {
  if (type === 'array') return `ReadonlyArray<${typeOf(schema.items)}>`
  if (type === 'object') return objectType(schema)
  return scalars[type] ?? 'unknown'
}

function objectType({ properties = {}, required = [], additionalProperties }: Schema): string {
  const members = Object.entries(properties).map(
    ([name, member]) => `readonly ${keyOf(name)}${required.includes(name) ? '' : '?'}: ${typeOf(member)}`,
  )
  if (members.length > 0) return `{ ${members.join('; ')} }`
  // Unlike Record, an index signature may hold the type that it is part of.
  return `{ readonly [name: string]: ${typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown'} }`
}

/** A member's name, in quotes where it is no identifier. */
export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`
}
