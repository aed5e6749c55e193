import { type Check, fault, type Outcome, well } from './checks.ts'
import type { Facts, Subject } from './facts.ts'

/** What is no store: identity, the edge as clients see it, the collector. Each as far as it is configured. */
export function surroundingsChecks({ facts }: Subject): Check[] {
  const { identityUrl, publicUrl, collector } = facts
  return [
    ...(identityUrl ? [{ name: 'identity', part: 'identity' as const, run: () => identity(identityUrl, facts) }] : []),
    ...(publicUrl ? [{ name: 'public URL', run: () => edge(publicUrl, facts) }] : []),
    ...(collector ? [{ name: 'collector', run: () => telemetry(collector) }] : []),
  ]
}

const patience = 5000

function ask(url: URL, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(patience) })
}

async function identity(url: URL, { credential }: Facts): Promise<Outcome> {
  const authorization = credential === null ? {} : { headers: { authorization: `Service ${credential}` } }
  const response = await ask(new URL('/internal/v1/jwks', url), authorization)
  const body = await response.text()
  if (response.status === 401 || response.status === 403) {
    if (credential === null) return well(`answers at ${url.origin}; its keys cannot be seen without SLIPWAY_SERVICE_CREDENTIAL`)
    return fault('identity.credential', `${url.origin} answers ${response.status}`)
  }
  const keys = keysIn(body)
  if (!response.ok || keys === null) return fault('identity.keys', `${url.origin} answers ${response.status} and no JWKS`)
  return well(`${keys.length === 0 ? 'no keys yet, as nobody has signed in' : `${keys.length} keys`}, at ${url.origin}`)
}

/** The ids of the keys in a JWK Set (RFC 7517 §5), which identity makes with the first token; null when it is something else. */
function keysIn(text: string): string[] | null {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    return Array.isArray(keys) ? keys.map((key: { kid?: unknown }) => String(key.kid)) : null
  } catch {
    return null
  }
}

/** Behind the right address are the keys of our tokens, which only this installation has. */
async function edge(url: URL, facts: Facts): Promise<Outcome> {
  if (url.pathname !== '/' || url.search !== '') return fault('public-url.wrong', `${url.href} has a path`)
  if (facts.isProduction && url.protocol !== 'https:') return fault('public-url.wrong', `${url.href} is not https, and this is production`)
  const address = new URL('/.well-known/jwks.json', url)
  let response: Response
  try {
    response = await ask(address)
  } catch (error) {
    return fault('public-url.unreachable', `${address.href}: ${reasonOf(error)}`)
  }
  const seen = keysIn(await response.text())
  if (!response.ok || seen === null) return fault('public-url.wrong', `${address.href} answers ${response.status} and no JWKS`)
  const own = await ownKeys(facts)
  if (own !== null && own.length + seen.length > 0 && !seen.some((key) => own.includes(key))) {
    return fault('public-url.wrong', `${address.href} has the keys of another installation`)
  }
  return well(`${url.origin} leads here`)
}

/** Null when they cannot be asked for; that is told by another check. */
async function ownKeys({ identityUrl, credential }: Facts): Promise<string[] | null> {
  if (identityUrl === null || credential === null) return null
  try {
    const response = await ask(new URL('/internal/v1/jwks', identityUrl), { headers: { authorization: `Service ${credential}` } })
    return keysIn(await response.text())
  } catch {
    return null
  }
}

const protobuf = 'application/x-protobuf'

/** An export of nothing: every OTLP/HTTP receiver answers it with 200, in the encoding of the request (OTLP 1.x, "OTLP/HTTP Response"). */
async function telemetry(endpoint: URL): Promise<Outcome> {
  const address = new URL(`${endpoint.href.replace(/\/$/, '')}/v1/traces`)
  let response: Response
  try {
    response = await ask(address, { method: 'POST', body: new Uint8Array(), headers: { 'content-type': protobuf } })
    await response.arrayBuffer()
  } catch (error) {
    const reason = reasonOf(error)
    // gRPC and other protocols answer with what is no HTTP.
    const isOther = /parse|HPE_|expected|socket hang up|other side closed/i.test(reason)
    return fault(isOther ? 'collector.conflict' : 'collector.unreachable', `${address.href}: ${reason}`)
  }
  const kind = response.headers.get('content-type') ?? 'no content type'
  if (response.ok && kind.startsWith(protobuf)) return well(`takes OTLP at ${endpoint.origin}`)
  return fault('collector.conflict', `${address.href} answers ${response.status} with ${kind}: that is no OTLP receiver`)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof AggregateError) return cause.errors.map(String).join(', ')
  return cause instanceof Error ? cause.message : String(cause)
}
