import { type FieldError, type Problem, problem } from '@slipway/problem'
import { z } from 'zod'
import type { Contract } from './contract.ts'

type Place = 'path' | 'query' | 'headers' | 'body'
export type Check = (value: unknown) => unknown

/** What a contract says about one request, compiled once at start-up. */
export interface Validators {
  params: Check
  /** Takes the part of the URL after `?`. */
  query: (search: string) => unknown
  headers: Check
  body: Check | null
}

const empty = Object.freeze({})

export function compileContract(contract: Contract): Validators {
  const { params, query, headers, body } = contract
  const checkQuery = check('query', (query ?? z.object({})).strict())
  const arrays = new Set(Object.entries(query?.shape ?? {}).flatMap(([name, schema]) => (takesArray(schema) ? [name] : [])))
  const json = body instanceof z.ZodType ? check('body', body) : null
  return {
    params: params ? checkParams(check('path', params)) : () => empty,
    query: (search) => checkQuery(parseQuery(search, arrays)),
    headers: headers ? check('headers', headers) : () => empty,
    body: json,
  }
}

/** Parsing of parameters fails with 400, of a body with 422. Schemas must be synchronous. */
function check(place: Place, schema: z.ZodType): Check {
  const compiled = z.compile(schema)
  return (value) => {
    const result = compiled.safeParse(value)
    if (result.success) return result.data
    throw invalid(place, fieldErrors(`/${place}`, result.error))
  }
}

/** Decoding may bring NUL to light, which no Postgres text has. */
function checkParams(checked: Check): Check {
  return (params) => {
    const errors: FieldError[] = []
    for (const [name, value] of Object.entries(params as Record<string, string>)) {
      if (value.includes('\0')) errors.push({ pointer: pointerTo('/path', [name]), detail: 'must not contain NUL' })
    }
    if (errors.length > 0) throw invalid('path', errors)
    return checked(params)
  }
}

export function invalid(place: Place, errors: FieldError[]): Problem {
  return problem(place === 'body' ? 'request.invalid' : 'request.parameters-invalid', { detail: summary(errors), errors })
}

function summary(errors: readonly FieldError[]): string {
  return errors
    .slice(0, 3)
    .map(({ pointer, detail }) => `${pointer}: ${detail}`)
    .join('; ')
}

/** At most 50, so that a hostile body does not make a huge answer. */
export function fieldErrors(root: string, error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => issueErrors(root, issue)).slice(0, 50)
}

function issueErrors(root: string, issue: z.core.$ZodIssue): FieldError[] {
  const pointer = pointerTo(root, issue.path)
  if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }]
  return issue.keys.map((key) => ({ pointer: pointerTo(pointer, [key]), detail: 'is not known here' }))
}

/** RFC 6901: `~` and `/` inside of a name are escaped. */
export function pointerTo(root: string, path: readonly PropertyKey[]): string {
  return root + path.map((part) => `/${String(part).slice(0, 100).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function parseQuery(search: string, arrays: ReadonlySet<string>): object {
  if (search === '') return empty
  const values: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of new URLSearchParams(search)) {
    if (value.includes('\0')) throw invalid('query', [{ pointer: pointerTo('/query', [name]), detail: 'must not contain NUL' }])
    const before = values[name]
    if (Array.isArray(before)) before.push(value)
    else if (before !== undefined) throw invalid('query', [{ pointer: pointerTo('/query', [name]), detail: 'is given more than once' }])
    else values[name] = arrays.has(name) ? [value] : value
  }
  return values
}

function takesArray(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodArray) return true
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodPrefault
  ) {
    return takesArray(schema.unwrap())
  }
  return schema instanceof z.ZodPipe ? takesArray(schema.in) : false
}
