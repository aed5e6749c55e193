import { ApiProblem } from '@slipway/client'

interface BodyRequest {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly token: string
  /** A form with a file, or the file itself. */
  readonly body: FormData | File
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Part of the bytes that are sent, 0 to 1. */
  readonly onProgress: (part: number) => void
}

/**
 * Sends a file. `fetch` tells nothing of what is sent; XMLHttpRequest does.
 * @throws ApiProblem; an `AbortError`; a TypeError when the connection broke
 */
export function sendBody({ method, path, token, body, headers, signal, onProgress }: BodyRequest): Promise<unknown> {
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
    // What is still to be scanned has no verdict, whatever that of the content before it was.
    if (request.status === 202) resolve({ ...answer, verdict: 'pending' })
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
