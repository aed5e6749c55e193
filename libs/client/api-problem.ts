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
    this.code = typeof details.code === 'string' ? details.code : `http.${status}`
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

/** Far more than a problem of ours has; what is longer is not one. */
const longestProblem = 256 * 1024

export async function problemFrom(response: Response): Promise<ApiProblem> {
  const details = detailsIn(await textIn(response).catch(() => ''))
  return new ApiProblem(response.status, details, secondsIn(response.headers.get('retry-after')))
}

/** An answer that the contract does not have, although its status is a good one. */
export function notJson({ status, headers }: Response): ApiProblem {
  return new ApiProblem(status, { detail: `the answer is not JSON (${headers.get('content-type') ?? 'no content type'})` })
}

/** Empty for whatever is no problem of the platform: pages of proxies are not read, however long they are. */
async function textIn({ body, headers }: Response): Promise<string> {
  if (!/^application\/problem\+json *(;|$)/i.test(headers.get('content-type') ?? '')) {
    // Not waited for: a body that is looked at by somebody else as well is over only when they are done.
    body?.cancel().catch(() => undefined)
    return ''
  }
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > longestProblem) return ''
  }
  return text
}

function detailsIn(text: string): Partial<ProblemDetails> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : {}
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
