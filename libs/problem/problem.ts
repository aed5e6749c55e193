import { type ProblemCode, problems } from './table.ts'

/** One invalid field. `pointer` is an RFC 6901 JSON pointer into the request: `/body/name`, `/query/limit`, `/headers/if-match`. */
export interface FieldError {
  pointer: string
  detail: string
}

/** The body of `application/problem+json` (RFC 9457) with our extensions. */
export interface ProblemDetails {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail?: string
  instance?: string
  traceId?: string
  errors?: FieldError[]
  [extension: string]: unknown
}

interface ProblemOptions {
  /** For people: names the thing, the value received and the fix. Shown to clients below 500 and for 503. */
  detail?: string
  errors?: FieldError[]
  /** Seconds until a retry is worth it; becomes `Retry-After`. */
  retryAfter?: number
  headers?: Record<string, string>
  cause?: unknown
  [extension: string]: unknown
}

/** An error with a place in the error table. Every failure that a client may see is one of these. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly title: string
  readonly retryable: boolean
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly headers: Record<string, string>
  readonly extensions: Record<string, unknown>

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    const { detail, errors, retryAfter, headers = {}, cause, ...extensions } = options
    const definition = problems[code]
    super(detail ?? definition.title, { cause })
    this.name = 'Problem'
    this.code = code
    this.status = definition.status
    this.title = definition.title
    this.retryable = definition.retryable
    this.errors = errors
    this.retryAfter = retryAfter ?? (definition.status === 503 ? 5 : undefined)
    this.headers = headers
    this.extensions = extensions
  }

  /** The RFC 9457 body. A 500 says nothing but its title: the log and the trace carry the rest. */
  details(request: { instance?: string; traceId?: string; typeBase?: string } = {}): ProblemDetails {
    const { instance, traceId, typeBase = '/problems/' } = request
    const open = this.status !== 500
    const own = {
      type: `${typeBase}${this.code}`,
      title: this.title,
      status: this.status,
      code: this.code,
      ...(open && this.message !== this.title ? { detail: this.message } : {}),
      ...(instance ? { instance } : {}),
      ...(traceId ? { traceId } : {}),
      ...(open && this.errors ? { errors: this.errors } : {}),
    }
    // Last in the text, and yet unable to stand for a member of the standard.
    return { ...own, ...(open ? this.extensions : {}), ...own }
  }
}

/** `throw problem('file.too-large', { detail, limit })`: unknown options become extension members of the body. */
export function problem(code: ProblemCode, options?: ProblemOptions): Problem {
  return new Problem(code, options)
}

export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  return error instanceof Problem && (code === undefined || error.code === code)
}

/** Any thrown value as a problem: what is not one already becomes `internal.error` with the value as its cause. */
export function toProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('internal.error', { cause: error })
}
