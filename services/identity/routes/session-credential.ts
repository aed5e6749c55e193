import { credentialsOf, credentialsRequired } from '@slipway/auth'
import type { RequestInfo } from '@slipway/http'
import { problem } from '@slipway/problem'
import type { IdentityContext } from '../context.ts'
import { type ActiveSession, findSession } from '../domain/sessions.ts'

type Site = Pick<IdentityContext, 'publicUrl' | 'baseDomain'>

/**
 * The session of a request: `Authorization: Bearer sls_…`, or the cookie. Sessions open these few routes only; everything else takes
 * the access tokens that they buy, so cookies are of no use to other sites beyond what is checked here.
 * @throws auth.required, auth.invalid, auth.expired, auth.forbidden
 */
export async function requireSession(context: IdentityContext, request: RequestInfo): Promise<ActiveSession> {
  const secret = sessionSecret(context, request)
  if (secret === null) throw credentialsRequired()
  return context.system.transaction((tx) => findSession(tx, secret, context.config.sessionDays))
}

/** Null when the request carries none. */
export function sessionSecret(site: Site, request: RequestInfo): string | null {
  const { authorization, cookie } = request.headers
  if (authorization !== undefined) {
    const bearer = credentialsOf(authorization, 'Bearer')
    if (bearer?.startsWith('sls_')) return bearer
    throw problem('auth.invalid', { detail: 'this route takes a session token (sls_…) or the session cookie' })
  }
  const value = cookieValue(cookie, cookieName(site))
  if (value === null) return null
  requireOwnOrigin(site, request)
  return value
}

/**
 * A cookie is sent by the browser whoever asks it to. Browsers name the asking site in every POST; the cookie is SameSite=Lax as well.
 * @throws auth.forbidden
 */
export function requireOwnOrigin(site: Site, { method, headers }: Pick<RequestInfo, 'method' | 'headers'>): void {
  if (method === 'GET') return
  const origin = headers.origin
  const own = origin === undefined ? headers['sec-fetch-site'] === 'same-origin' : isOwnOrigin(site, origin)
  if (!own)
    throw problem('auth.forbidden', {
      detail: `a request with the session cookie must come from this site, not from ${origin ?? 'nowhere'}`,
    })
}

/** Signing somebody in as somebody else is an attack too: a foreign page may not ask for a session cookie. */
export function refuseForeignOrigin(site: Site, { headers }: Pick<RequestInfo, 'headers'>): void {
  if (headers.origin === undefined || isOwnOrigin(site, headers.origin)) return
  throw problem('auth.forbidden', { detail: `sign-in with a cookie must come from this site, not from ${headers.origin}` })
}

function isOwnOrigin({ publicUrl, baseDomain }: Site, origin: string): boolean {
  if (origin === publicUrl) return true
  if (baseDomain === null || !URL.canParse(origin)) return false
  const [mine, theirs] = [new URL(publicUrl), new URL(origin)]
  const tenant = theirs.hostname.endsWith(`.${baseDomain}`) && !theirs.hostname.slice(0, -baseDomain.length - 1).includes('.')
  return tenant && theirs.protocol === mine.protocol && theirs.port === mine.port
}

/** With https the name has the prefix that browsers tie to one host (RFC 6265bis §4.1.3.2): no subdomain can plant it. */
function cookieName({ publicUrl }: Site): string {
  return publicUrl.startsWith('https:') ? '__Host-slipway-session' : 'slipway-session'
}

function cookieValue(header: string | undefined, name: string): string | null {
  const found = header
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}

export function sessionCookie(site: Site, secret: string, expiresAt: Date): string {
  return cookie(site, secret, `Expires=${expiresAt.toUTCString()}`)
}

/** A cookie lives as long as its session: whoever uses it gets it anew. Nothing for sessions that did not come as a cookie. */
export function renewedCookie(site: Site, request: RequestInfo, { expiresAt }: ActiveSession): { 'set-cookie'?: string } {
  const secret = request.headers.authorization === undefined ? cookieValue(request.headers.cookie, cookieName(site)) : null
  return secret === null ? {} : { 'set-cookie': sessionCookie(site, secret, expiresAt) }
}

export function clearedCookie(site: Site): string {
  return cookie(site, '', 'Max-Age=0')
}

function cookie(site: Site, value: string, life: string): string {
  const secure = site.publicUrl.startsWith('https:') ? '; Secure' : ''
  return `${cookieName(site)}=${value}; Path=/; HttpOnly; SameSite=Lax; ${life}${secure}`
}
