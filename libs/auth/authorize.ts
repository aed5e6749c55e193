import { problem } from '@slipway/problem'
import { anyScope, type Principal, roleReaches, type TenantRole } from './principal.ts'

/**
 * What a route asks of its caller.
 * - `none`: nothing, also no credentials
 * - `principal`: any valid credentials of a person, a key or an operator; no tenant needed
 * - `operator`: the platform operator
 * - `service`: another service, on the internal listener
 * - role and scope: at least this role in the tenant of the credentials, and the scope if they are limited to scopes
 */
export type Requirement = 'none' | 'principal' | 'operator' | 'service' | { readonly role: TenantRole; readonly scope: string }

/**
 * Lets the caller pass or throws.
 *
 * @param tenantHint slug that the request names by its host or `X-Tenant-Slug`; must equal the one of the credentials
 * @throws auth.required, auth.forbidden, auth.scope-missing, tenant.required, tenant.mismatch
 */
export function authorize(principal: Principal | null, requirement: Requirement, tenantHint: string | null): void {
  if (requirement === 'none') return
  if (principal === null) throw credentialsRequired()
  if (typeof requirement === 'string') authorizeKind(principal, requirement)
  requireSameTenant(principal, tenantHint)
  if (typeof requirement === 'object') authorizeInTenant(principal, requirement)
}

/** The 401 for a request without credentials, with the challenge that RFC 9110 §11.6.1 asks for. */
export function credentialsRequired(): Error {
  return problem('auth.required', {
    detail: 'send Authorization: Bearer with an access token or an API key',
    headers: { 'www-authenticate': 'Bearer realm="slipway"' },
  })
}

function authorizeKind(principal: Principal, requirement: 'principal' | 'operator' | 'service'): void {
  if (requirement === 'operator' && principal.kind === 'operator' && !principal.scopes.includes(anyScope))
    throw problem('auth.scope-missing', { detail: 'operators need a token that is not limited to scopes' })
  const fits = requirement === 'principal' ? principal.kind !== 'service' : principal.kind === requirement
  if (!fits)
    throw problem('auth.forbidden', {
      detail: `this route is for ${requirement === 'principal' ? 'people and keys' : `${requirement}s`} only`,
    })
}

function requireSameTenant(principal: Principal, hint: string | null): void {
  if (hint === null || principal.tenant === undefined || principal.tenant.slug === hint) return
  throw problem('tenant.mismatch', { detail: `the request names tenant "${hint}", the credentials belong to another one` })
}

function authorizeInTenant(principal: Principal, { role, scope }: { role: TenantRole; scope: string }): void {
  if (principal.kind === 'service') throw problem('auth.forbidden', { detail: 'services call the internal listener only' })
  if (principal.tenant === undefined) {
    throw problem('tenant.required', {
      detail: 'the access token names no tenant: ask POST /api/v1/auth/token for one with {"tenant": "<slug>"}',
    })
  }
  if (principal.role === undefined || !roleReaches(principal.role, role)) {
    throw problem('auth.forbidden', {
      detail: `this needs the role ${role}, the credentials have ${principal.role ?? 'none'}`,
      needs: role,
    })
  }
  if (!principal.scopes.includes(anyScope) && !principal.scopes.includes(scope)) {
    throw problem('auth.scope-missing', { detail: `this needs the scope ${scope}`, scope })
  }
}
