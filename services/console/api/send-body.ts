import { ApiProblem } from '@slipway/client'

interface BodyRequest {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly token: string
  /** A form with a file, or the file itself. */
  readonly body: FormData | File
  readonly headers: Readonly<Record<string, string>>
  /** The answer is about what was there before, and 202 means that the verdict is still to come. */
  readonly isPendingAt202: boolean
  readonly signal: AbortSignal
  /** Part of the bytes that are sent, 0 to 1. */
  readonly onProgress: (part: number) => void
}

/**
 * Sends a file. `fetch` tells nothing of what is sent; XMLHttpRequest does.
 * @throws ApiProblem; an `AbortError`; a TypeError when the connection broke
 */
export function sendBody({ method, path, token, body, headers, isPendingAt202, signal, onProgress }: BodyRequest): Promise<unknown> {
  const request = new XMLHttpRequest()
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  request.open(method, path)
  request.setRequestHeader('authorization', `Bearer ${token}`)
  request.setRequestHeader('idempotency-key', `"${crypto.randomUUID()}"`)
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total))
  request.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')))
  request.addEventListener('error', () => reject(new TypeError('the connection broke')))
  request.addEventListener('load', () => {
    const answer = parsed(request.responseText)
    if (request.status === 202 && isPendingAt202) resolve({ ...answer, verdict: 'pending' })
    else if (request.status < 300) resolve(answer)
    else reject(new ApiProblem(request.status, answer ?? {}))
  })
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(body)
  return promise
}

function parsed(text: string): object | null {
  try {
    return JSON.parse(text) as object
  } catch {
    return null
  }
}
