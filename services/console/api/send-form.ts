import { ApiProblem } from '@slipway/client'

interface FormRequest {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly token: string
  readonly form: FormData
  readonly signal: AbortSignal
  /** Part of the bytes that are sent, 0 to 1. */
  readonly onProgress: (part: number) => void
}

/**
 * Sends a form with a file. `fetch` tells nothing of what is sent; XMLHttpRequest does.
 * @throws ApiProblem; an `AbortError`; a TypeError when the connection broke
 */
export function sendForm({ method, path, token, form, signal, onProgress }: FormRequest): Promise<unknown> {
  const request = new XMLHttpRequest()
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  request.open(method, path)
  request.setRequestHeader('authorization', `Bearer ${token}`)
  request.setRequestHeader('idempotency-key', `"${crypto.randomUUID()}"`)
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total))
  request.addEventListener('abort', () => reject(new DOMException('cancelled', 'AbortError')))
  request.addEventListener('error', () => reject(new TypeError('the connection broke')))
  request.addEventListener('load', () => {
    const body = parsed(request.responseText)
    if (request.status < 300) resolve(body)
    else reject(new ApiProblem(request.status, body ?? {}))
  })
  signal.addEventListener('abort', () => request.abort(), { once: true })
  request.send(form)
  return promise
}

function parsed(text: string): object | null {
  try {
    return JSON.parse(text) as object
  } catch {
    return null
  }
}
