import { type Authenticator, authorize, type Principal, resolveTenantHint } from '@slipway/auth'
import { problem } from '@slipway/problem'
import type { AuthRequirement } from './contract.ts'
import type { Exchange } from './exchange.ts'

export interface AccessOptions {
  auth: Authenticator
  /** Tenants are subdomains of it. */
  baseDomain?: string | null | undefined
}

/**
 * Finds out who calls and lets them in or throws; afterwards the exchange knows principal and tenant. Routes without a requirement do
 * not look at credentials at all, so a stale token does not keep anybody from signing in.
 */
export async function admit(exchange: Exchange, requirement: AuthRequirement, { auth, baseDomain }: AccessOptions): Promise<void> {
  if (requirement === 'none') return
  const { headers, host } = exchange
  const principal = await auth.authenticate({ headers, host })
  const hint = resolveTenantHint({ host, header: single(headers['x-tenant-slug']), baseDomain })
  const operator = typeof requirement === 'object' && 'operator' in requirement && principal?.kind === 'operator'
  authorize(principal, operator ? 'operator' : requirement, hint)
  exchange.principal = principal
  exchange.tenant = principal?.tenant ?? null
}

function single(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'object') return header
  throw problem('request.parameters-invalid', { errors: [{ pointer: '/headers/x-tenant-slug', detail: 'is given more than once' }] })
}

/** One text for one caller: keys of rate limits and of idempotency records. */
export function callerOf(principal: Principal | null, ip: string): string {
  return principal ? `${principal.kind}:${principal.id}` : `ip:${ip}`
}
