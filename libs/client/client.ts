import { ApiProblem, notJson, problemFrom } from './api-problem.ts'
import type { CallAnswer, CallKey, ContractOf, InputArguments, PagedKey, PageItem } from './call.ts'
import { deadlineOf, sleep } from './deadline.ts'
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
   * A route whose answer is bytes is called with `stream: true` and gives a stream.
   * @throws ApiProblem; what `fetch` throws when nobody answered; a `TimeoutError` when that took too long
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
    cursor = nextCursor ?? null
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
  using deadline = deadlineOf(input)
  const { signal } = deadline
  const response = await (options.fetch ?? fetch)(urlOf(options.baseUrl, target, input), {
    method: target.method,
    headers: headersOf(input, caller),
    ...(body === undefined ? {} : { body }),
    ...(signal ? { signal } : {}),
  })
  if (response.ok || response.status === 304) return await read(response, input.stream === true)
  throw await problemFrom(response)
}

async function authorization({ token, service }: ClientOptions, fresh: boolean): Promise<string | null> {
  if (service !== undefined) return `Service ${service}`
  if (token === undefined) return null
  return `Bearer ${typeof token === 'string' ? token : await token({ fresh })}`
}

async function read(response: Response, inBytes: boolean): Promise<RawAnswer> {
  const { status, headers } = response
  if (inBytes && (status === 200 || status === 206)) return { status, headers, body: response.body ?? new Blob([]).stream() }
  const text = await response.text()
  return { status, headers, body: text === '' ? undefined : jsonOf(response, text) }
}

/** A page of HTML with status 200 comes from something in between: a portal, or a proxy's fallback. */
function jsonOf(response: Response, text: string): unknown {
  if (!/^application\/json *(;|$)/i.test(response.headers.get('content-type') ?? '')) throw notJson(response)
  try {
    return JSON.parse(text)
  } catch {
    throw notJson(response)
  }
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

/**
 * After a broken connection nobody knows whether the request had its effect: only what carries a key, or has none, is sent again.
 * What carries none is sent again when the platform says that it did not begin; a 503 of a proxy does not say it.
 */
function mayRepeat(error: unknown, { once }: LooseInput): boolean {
  if (!(error instanceof ApiProblem)) return error instanceof TypeError && error.cause !== undefined && !once
  return once ? error.status === 429 || notBegun.has(error.code) : error.retryable
}

/** Said before the handler of a route runs. `database.unavailable` can also mean that a commit was not answered. */
const notBegun: ReadonlySet<string> = new Set([
  'service.draining',
  'service.not-ready',
  'service.overloaded',
  'redis.unavailable',
  'identity.unavailable',
])

function backoff(tries: number): number {
  return 0.2 * 2 ** tries * (0.5 + Math.random() / 2)
}
