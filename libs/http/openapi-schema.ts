import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

export type Json = Readonly<Record<string, unknown>>

/** The named schemas of one document: whatever has `.meta({ id })` is described once and referred to. */
export class SchemaBook {
  readonly schemas = new Map<string, Json>()

  /** JSON Schema 2020-12, the dialect of OpenAPI 3.1, with references into `components`. */
  describe(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { definitions, root } = toJson(schema, io)
    const names = io === 'output' ? new Map(Object.keys(definitions).map((id) => [id, id])) : inputNames(schema, definitions)
    for (const [id, name] of names) this.schemas.set(name, relocate(definitions[id], names) as Json)
    return this.#withoutSelfReference(relocate(root, names) as Json)
  }

  add(id: string, schema: Json): Json {
    this.schemas.set(id, schema)
    return { $ref: `#/components/schemas/${id}` }
  }

  toJSON(): Json {
    return Object.fromEntries([...this.schemas].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** A schema that contains itself refers to the root of its own document, which is another one here. */
  #withoutSelfReference(root: Json): Json {
    if (!JSON.stringify(root).includes('"$ref":"#"')) return root
    const name = `Recursive${this.schemas.size + 1}`
    return this.add(name, relocate(root, new Map([['#', name]])) as Json)
  }
}

interface Described {
  root: Json
  definitions: Readonly<Record<string, Json>>
}

function toJson(schema: z.ZodType, io: 'input' | 'output'): Described {
  const described = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any', cycles: 'ref', override: keepOpen })
  // A copy of the plain data: the result also carries a validator.
  const { $schema: _dialect, $defs = {}, ...root } = JSON.parse(JSON.stringify(described)) as Json
  return { root, definitions: $defs as Record<string, Json> }
}

/** Answers may get members in a later release: only objects that are declared strict are closed. */
function keepOpen({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
}

/** What a client sends and what it gets may differ under one id (defaults, transforms): the former is then called `…Input`. */
function inputNames(schema: z.ZodType, sent: Described['definitions']): Map<string, string> {
  const { definitions: received } = toJson(schema, 'output')
  const differs = (id: string) => !isDeepStrictEqual(sent[id], received[id])
  return new Map(Object.keys(sent).map((id) => [id, differs(id) ? `${id}Input` : id]))
}

function relocate(node: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(node)) return node.map((member) => relocate(member, names))
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).flatMap(([key, value]) => {
    if (key === '$ref' && typeof value === 'string') return [[key, relocateReference(value, names)]]
    // The id names the component; as a JSON Schema keyword it would not be valid.
    if (key === 'id' && typeof value === 'string' && names.has(value)) return []
    return [[key, relocate(value, names)]]
  })
  return Object.fromEntries(entries)
}

function relocateReference(reference: string, names: ReadonlyMap<string, string>): string {
  const id = reference === '#' ? '#' : reference.replace('#/$defs/', '')
  const name = names.get(id)
  return name === undefined ? reference : `#/components/schemas/${name}`
}
