/** An answer that is no success, with the code of its problem. */
export class ApiFailure extends Error {
  readonly status: number
  readonly code: string | undefined

  constructor(request: string, status: number, body: { code?: string; title?: string; detail?: string }) {
    super(`${request}: ${status} ${body.code ?? ''} ${body.detail ?? body.title ?? ''}`.trim())
    this.name = 'ApiFailure'
    this.status = status
    this.code = body.code
  }
}

/** Calls an API as any client does: JSON in and out. The answers' shapes are the callers' to name. */
export class ApiClient {
  readonly #url: string
  readonly #authorization: string | undefined

  /** @param credential sent as Bearer, or as it is when it names its own scheme (`Service …`) */
  constructor(url: string, credential?: string) {
    this.#url = url
    this.#authorization = credential === undefined || credential.includes(' ') ? credential : `Bearer ${credential}`
  }

  /** The same API with another credential. */
  as(credential: string): ApiClient {
    return new ApiClient(this.#url, credential)
  }

  get<T>(path: string): Promise<T> {
    return this.#request<T>('GET', path)
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#request<T>('POST', path, body)
  }

  async #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (this.#authorization !== undefined) headers['authorization'] = this.#authorization
    if (body !== undefined) headers['content-type'] = 'application/json'
    const answer = await fetch(new URL(path, this.#url), {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const parsed = text === '' ? undefined : parse(text)
    if (!answer.ok) throw new ApiFailure(`${method} ${path}`, answer.status, parsed ?? {})
    return parsed as T
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { detail: text.slice(0, 200) }
  }
}
