export type Scalar = string | number | boolean | bigint | Date | null | undefined

/** What a call may carry, whatever its contract says: the types have checked it. */
export interface LooseInput {
  readonly params?: Readonly<Record<string, Scalar>>
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly headers?: Readonly<Record<string, Scalar>>
  readonly body?: unknown
  readonly fields?: Readonly<Record<string, Scalar>>
  readonly file?: Blob
  readonly fileName?: string
  readonly idempotencyKey?: string
  readonly once?: boolean
  readonly stream?: boolean
  readonly signal?: AbortSignal
  readonly timeoutSeconds?: number
}

export interface Target {
  readonly method: string
  readonly path: string
}

export function targetOf(key: string): Target {
  const space = key.indexOf(' ')
  return { method: key.slice(0, space), path: key.slice(space + 1) }
}

export function urlOf(baseUrl: string, { path }: Target, { params = {}, query = {} }: LooseInput): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, params[name]))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of isList(value) ? value : [value]) if (isSet(one)) search.append(name, textOf(one))
  }
  const text = search.toString()
  return `${baseUrl.replace(/\/+$/, '')}${filled}${text === '' ? '' : `?${text}`}`
}

/** `.` and `..` survive encoding and would lead to another route. */
function segment(name: string, value: Scalar): string {
  const text = isSet(value) ? textOf(value) : ''
  if (text === '' || text === '.' || text === '..') throw new TypeError(`"${text}" cannot be the path parameter "${name}"`)
  return encodeURIComponent(text)
}

function isList(value: Scalar | readonly Scalar[]): value is readonly Scalar[] {
  return Array.isArray(value)
}

function isSet(value: Scalar): value is NonNullable<Scalar> {
  return value !== undefined && value !== null
}

function textOf(value: NonNullable<Scalar>): string {
  return value instanceof Date ? value.toISOString() : String(value)
}

export interface Caller {
  readonly authorization: string | null
  readonly tenant: string | undefined
  readonly idempotencyKey: string | null
}

export function headersOf({ headers = {}, body }: LooseInput, { authorization, tenant, idempotencyKey }: Caller): Headers {
  const all = new Headers({ accept: 'application/json, application/problem+json, */*' })
  for (const [name, value] of Object.entries(headers)) if (isSet(value)) all.set(name, textOf(value))
  if (authorization !== null) all.set('authorization', authorization)
  if (tenant !== undefined) all.set('x-tenant-slug', tenant)
  if (body !== undefined) all.set('content-type', 'application/json')
  if (idempotencyKey !== null) all.set('idempotency-key', `"${idempotencyKey.replace(/["\\]/g, '\\$&')}"`)
  return all
}

/** Fields first: the server refuses those that come after the file. */
export function bodyOf({ body, file, fileName, fields = {} }: LooseInput): string | FormData | undefined {
  if (file === undefined) return body === undefined ? undefined : JSON.stringify(body)
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) if (isSet(value)) form.set(name, textOf(value))
  form.set('file', file, fileName)
  return form
}
