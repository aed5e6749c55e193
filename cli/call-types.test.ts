import { describe, expect, test } from 'vitest'
import { type ApiDocument, callTypes } from './call-types.ts'
import { typeOf } from './schema-types.ts'

describe('a schema as a type', () => {
  test.each([
    [{ type: 'string', format: 'uuid' }, 'string'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: 'integer' }, 'number'],
    [{ enum: ['a', 'b'] }, '"a" | "b"'],
    [{ const: true }, 'true'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ anyOf: [{ type: 'string' }, {}] }, 'unknown'],
    [{ allOf: [{ $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/B' }] }, 'A & B'],
    [{ type: 'array', items: { type: 'string' } }, 'ReadonlyArray<string>'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ readonly [name: string]: number }'],
    [{}, 'unknown'],
  ])('%j is %s', (schema, type) => {
    expect(typeOf(schema)).toBe(type)
  })

  test('objects tell what may be missing, and quote names that are no identifiers', () => {
    const schema = { type: 'object', properties: { id: { type: 'string' }, 'if-match': { type: 'string' } }, required: ['id'] }
    expect(typeOf(schema)).toBe("{ readonly id: string; readonly 'if-match'?: string }")
  })
})

const json = (schema: object) => ({ content: { 'application/json': { schema } } })

function document(paths: ApiDocument['paths'], schemas: ApiDocument['components']['schemas'] = {}): ApiDocument {
  return { paths, components: { schemas } }
}

describe('the calls of services', () => {
  test('have what is sent and what comes with success; problems are no answers', () => {
    const text = callTypes([
      document({
        '/api/v1/things/{id}': {
          patch: {
            parameters: [
              { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
              { $ref: '#/components/parameters/Idempotency-Key' },
            ],
            requestBody: json({ type: 'object', properties: { name: { type: 'string' } } }),
            responses: { 200: json({ type: 'string' }), 202: {}, 404: json({ type: 'number' }) },
          },
        },
      }),
    ])
    expect(text).toContain("'PATCH /api/v1/things/{id}': {")
    expect(text).toContain('readonly params: { readonly id: string }')
    expect(text).toContain('readonly body: { readonly name?: string }')
    expect(text).toContain('readonly answer: string | undefined')
  })

  test('bytes come as a stream', () => {
    const responses = { 200: { content: { 'image/jpeg': {} } } }
    expect(callTypes([document({ '/photo': { get: { responses } } })])).toContain('readonly answer: ReadableStream<Uint8Array>')
  })

  test('two services may share a component, but not name two things alike', () => {
    const shared = document({}, { Entry: { type: 'string' } })
    expect(callTypes([shared, shared]).match(/export type Entry/g)).toHaveLength(1)
    expect(() => callTypes([shared, document({}, { Entry: { type: 'number' } })])).toThrow('Entry')
  })
})
