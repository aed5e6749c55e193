import type { ProblemDetails } from '@slipway/problem'

/** A problem that the platform answered with (RFC 9457), or what looks most like one when something in between answered. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly status: number
  /** Of the error table; `http.<status>` when something else than the platform answered. */
  readonly code: string
  readonly traceId: string | undefined
  readonly errors: ProblemDetails['errors']
  readonly details: Readonly<Partial<ProblemDetails>>
  /** Seconds, when the answer names them. */
  readonly retryAfter: number | undefined

  constructor(status: number, details: Partial<ProblemDetails>, retryAfter?: number) {
    super(details.detail ?? details.title ?? `HTTP ${status}`)
    this.status = status
    this.code = details.code ?? `http.${status}`
    this.traceId = details.traceId
    this.errors = details.errors
    this.details = details
    this.retryAfter = retryAfter
  }

  /** Whether the very same request may succeed later. */
  get retryable(): boolean {
    return this.code === 'idempotency.in-progress' || passingStatuses.has(this.status)
  }
}

const passingStatuses = new Set([408, 425, 429, 502, 503, 504])

export async function problemFrom(response: Response): Promise<ApiProblem> {
  const text = await response.text().catch(() => '')
  return new ApiProblem(response.status, detailsIn(response, text), secondsIn(response.headers.get('retry-after')))
}

function detailsIn(response: Response, text: string): Partial<ProblemDetails> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return {}
  try {
    return JSON.parse(text) as ProblemDetails
  } catch {
    return {}
  }
}

/** `Retry-After` in both of its forms (RFC 9110 §10.2.3). */
function secondsIn(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000)
}
