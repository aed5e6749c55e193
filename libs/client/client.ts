import { ApiProblem, problemFrom } from './api-problem.ts'
import type { CallAnswer, CallKey, ContractOf, InputArguments, PagedKey, PageItem } from './call.ts'
import { bodyOf, headersOf, type LooseInput, type Target, targetOf, urlOf } from './request.ts'

/** Gives the access token; asked for a fresh one when the last was refused as expired. */
export type TokenSource = (options: { fresh: boolean }) => string | Promise<string>

export interface ClientOptions {
  /** Where the platform is: `https://slipway.example`. */
  readonly baseUrl: string
  /** Access token or API key. */
  readonly token?: string | TokenSource
  /** `<service>.<secret>`, for the internal listeners of other services; instead of a token. */
  readonly service?: string
  /** Slug, where the host does not say it. */
  readonly tenant?: string
  readonly fetch?: typeof fetch
  /** Tries after the first one, 2 by default. */
  readonly retries?: number
  /** A `Retry-After` beyond it is thrown instead of waited for. */
  readonly longestWaitSeconds?: number
  /** Waits between tries. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

export interface ApiClient<Routes> {
  /**
   * `await client.call('GET /api/v1/files/{id}', { params: { id } })`
   * @throws ApiProblem; what `fetch` throws when nobody answered
   */
  call<Key extends CallKey<Routes>>(
    key: Key,
    ...input: InputArguments<ContractOf<Routes, Key>>
  ): Promise<CallAnswer<ContractOf<Routes, Key>>>
  /** Every item of a list, page after page. */
  paginate<Key extends PagedKey<Routes>>(
    key: Key,
    ...input: InputArguments<ContractOf<Routes, Key>>
  ): AsyncGenerator<PageItem<Routes, Key>, void>
}

interface RawAnswer {
  status: number
  headers: Headers
  body: unknown
}

/**
 * A client from contracts, by their types only: `createClient<typeof import('./routes.ts')>({ baseUrl, token })`.
 *
 * Unsafe calls carry an `Idempotency-Key`, so that another try cannot be another effect; calls whose route takes none are made
 * with `once: true` and tried again only when the server says that it has not begun.
 */
export function createClient<Routes>(options: ClientOptions): ApiClient<Routes> {
  const call = (key: string, input: LooseInput = {}) => send(options, targetOf(key), input)
  const client = { call, paginate: (key: string, input?: LooseInput) => pages(call, key, input) }
  // The types say which key goes with which input; at run time a key is a method and a path.
  return client as unknown as ApiClient<Routes>
}

async function* pages(
  call: (key: string, input: LooseInput) => Promise<RawAnswer>,
  key: string,
  input: LooseInput = {},
): AsyncGenerator<unknown, void> {
  let cursor = input.query?.cursor
  do {
    const query = cursor === undefined ? input.query : { ...input.query, cursor }
    const { body } = await call(key, { ...input, ...(query ? { query } : {}) })
    const { items, nextCursor } = body as { items: unknown[]; nextCursor: string | null }
    yield* items
    cursor = nextCursor
  } while (cursor !== null)
}

interface Attempt {
  readonly target: Target
  readonly input: LooseInput
  readonly idempotencyKey: string | null
}

async function send(options: ClientOptions, target: Target, input: LooseInput): Promise<RawAnswer> {
  const unsafe = target.method !== 'GET'
  const attempt = { target, input, idempotencyKey: unsafe && !input.once ? (input.idempotencyKey ?? crypto.randomUUID()) : null }
  let fresh: boolean = false
  for (let tries = 0; ; tries++) {
    try {
      return await once(options, attempt, fresh)
    } catch (error) {
      const renewable: boolean =
        !fresh && typeof options.token === 'function' && error instanceof ApiProblem && error.code === 'auth.expired'
      if (!renewable) await waitForAnother(options, { error, tries, input })
      fresh ||= renewable
    }
  }
}

async function once(options: ClientOptions, { target, input, idempotencyKey }: Attempt, fresh: boolean): Promise<RawAnswer> {
  const caller = { authorization: await authorization(options, fresh), tenant: options.tenant, idempotencyKey }
  const body = bodyOf(input)
  const signal = signalOf(input)
  const response = await (options.fetch ?? fetch)(urlOf(options.baseUrl, target, input), {
    method: target.method,
    headers: headersOf(input, caller),
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
  })
  if (response.ok || response.status === 304) return read(response)
  throw await problemFrom(response)
}

async function authorization({ token, service }: ClientOptions, fresh: boolean): Promise<string | null> {
  if (service !== undefined) return `Service ${service}`
  if (token === undefined) return null
  return `Bearer ${typeof token === 'string' ? token : await token({ fresh })}`
}

function signalOf({ signal, timeoutSeconds, file }: LooseInput): AbortSignal | undefined {
  const seconds = timeoutSeconds ?? (file ? undefined : 30)
  const signals = [...(signal ? [signal] : []), ...(seconds === undefined ? [] : [AbortSignal.timeout(seconds * 1000)])]
  return signals.length > 1 ? AbortSignal.any(signals) : signals[0]
}

async function read(response: Response): Promise<RawAnswer> {
  const { status, headers } = response
  const type = headers.get('content-type') ?? ''
  if (/^application\/json\b/.test(type)) return { status, headers, body: await response.json() }
  const empty = status === 204 || status === 304 || headers.get('content-length') === '0'
  return { status, headers, body: empty ? undefined : response.body }
}

interface Failed {
  error: unknown
  tries: number
  input: LooseInput
}

/** Returns when another try is allowed and its time has come; throws the error otherwise. */
async function waitForAnother(options: ClientOptions, { error, tries, input }: Failed): Promise<void> {
  const { retries = 2, longestWaitSeconds = 30, wait = sleep } = options
  if (tries >= retries || input.signal?.aborted || !mayRepeat(error, input)) throw error
  const seconds = error instanceof ApiProblem && error.retryAfter !== undefined ? error.retryAfter : backoff(tries)
  if (seconds > longestWaitSeconds) throw error
  await wait(seconds * 1000, input.signal)
}

/** After a broken connection nobody knows whether the request had its effect: only what carries a key, or has none, is sent again. */
function mayRepeat(error: unknown, { once }: LooseInput): boolean {
  if (error instanceof ApiProblem) return error.retryable && (!once || error.status === 429 || error.status === 503)
  return error instanceof TypeError && error.cause !== undefined && !once
}

function backoff(tries: number): number {
  return 0.2 * 2 ** tries * (0.5 + Math.random() / 2)
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    setTimeout(resolve, milliseconds)
  })
}
