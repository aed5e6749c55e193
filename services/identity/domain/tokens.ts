import { randomUUID } from 'node:crypto'
import { isScope, type TenantRole } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import { problem } from '@slipway/problem'
import type { IdentityContext } from '../context.ts'
import { audited, person } from './actor.ts'
import { withAuth } from './auth-scope.ts'
import { accessTokenSeconds } from './limits.ts'
import { lockRole } from './members.ts'
import { isOperator } from './operators.ts'
import { databaseNow } from './revocations.ts'
import type { ActiveSession } from './sessions.ts'
import { findTenantBySlug } from './tenants.ts'

export interface TokenRequest {
  /** Slug. */
  readonly tenant: string | null
  readonly operator: boolean
  /** Limits the token to some of what the role allows. */
  readonly scopes?: readonly string[] | undefined
  readonly request: RequestInfo
}

export interface IssuedToken {
  readonly accessToken: string
  readonly expiresIn: number
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string } | null
  readonly role: TenantRole | null
}

/** Operators look into every tenant as its admins do; each of their tokens for a tenant is in its audit trail. */
const operatorRole: TenantRole = 'admin'

/** @throws resource.not-found for a tenant that does not exist or that the person is no member of: both look alike */
export async function issueToken(context: IdentityContext, opened: ActiveSession, wanted: TokenRequest): Promise<IssuedToken> {
  requireKnownScopes(wanted.scopes)
  const found = wanted.tenant === null ? null : await context.database.transaction((tx) => findTenantBySlug(tx, wanted.tenant ?? ''))
  if (wanted.tenant !== null && found === null) throw problem('resource.not-found', { detail: 'no such tenant' })
  if (wanted.operator) await requireOperator(context, opened)
  const issue = async (tx: Transaction) => {
    const role = found === null ? null : wanted.operator ? operatorRole : await requireRole(tx, found.id, opened.user.id)
    if (found !== null && wanted.operator) await recordLook(tx, opened, { tenantId: found.id, request: wanted.request })
    const accessToken = await sign(context, tx, claims(opened, { ...wanted, found, role }))
    return { accessToken, expiresIn: accessTokenSeconds, tenant: found, role }
  }
  return found === null ? context.database.transaction(issue) : context.database.tenantTransaction(found.id, issue)
}

function requireKnownScopes(wanted: readonly string[] | undefined): void {
  const errors = (wanted ?? []).flatMap((scope, index) =>
    isScope(scope) ? [] : [{ pointer: `/body/scopes/${index}`, detail: 'is not a scope' }],
  )
  if (errors.length > 0) throw problem('request.invalid', { errors })
}

async function requireRole(tx: Transaction, tenantId: string, userId: string): Promise<TenantRole> {
  const role = await lockRole(tx, { tenantId, userId })
  if (role === null) throw problem('resource.not-found', { detail: 'no such tenant' })
  return role
}

async function requireOperator({ system }: IdentityContext, { user }: ActiveSession): Promise<void> {
  if (!(await system.transaction((tx) => isOperator(tx, user.id)))) throw problem('auth.forbidden', { detail: 'you are no operator' })
}

async function recordLook(
  tx: Transaction,
  { user }: ActiveSession,
  { tenantId, request }: { tenantId: string; request: RequestInfo },
): Promise<void> {
  const actor = { ...person(user, request), kind: 'operator' } as const
  await audited(tx, actor, { action: 'operator.entered', tenantId, subject: { type: 'tenant', id: tenantId } })
}

interface Grant extends TokenRequest {
  readonly found: { readonly id: string; readonly slug: string } | null
  readonly role: TenantRole | null
}

function claims({ id, user }: ActiveSession, { found, role, operator, scopes }: Grant): Record<string, unknown> {
  return {
    sub: user.id,
    sid: id,
    jti: randomUUID(),
    name: user.email,
    ...(found === null || role === null ? {} : { tenant: found.id, tenant_slug: found.slug, role }),
    ...(operator ? { operator: true } : {}),
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
  }
}

async function sign({ auth }: IdentityContext, tx: Transaction, payload: Record<string, unknown>): Promise<string> {
  const now = await databaseNow(tx)
  const iat = Math.floor(now / 1000)
  const body = { payload: { ...payload, iat, iat_ms: now, exp: iat + accessTokenSeconds } }
  const { token } = await withAuth(auth.options, { tx }, () => auth.api.signJWT({ body }))
  return token
}
