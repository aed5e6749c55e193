import { timingSafeEqual } from 'node:crypto'
import { isScope, type KeyVerdict, type Principal, roleReaches, type Scope, scopes, type TenantRole } from '@slipway/auth'
import { newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm'
import { apiKey, organization } from '../schema.ts'
import { type Actor, audited } from './actor.ts'
import { lockRank, lockRole, requireRank } from './members.ts'
import { holderOf, requirePerson } from './people.ts'
import { databaseNow, revoke } from './revocations.ts'
import { randomSecret, secretHash } from './secrets.ts'

const columns = {
  id: apiKey.id,
  name: apiKey.name,
  scopes: apiKey.scopes,
  createdBy: apiKey.createdBy,
  createdAt: apiKey.createdAt,
  expiresAt: apiKey.expiresAt,
  lastUsedAt: apiKey.lastUsedAt,
}

export interface NewKey {
  readonly tenantId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
}

/**
 * Makes a key of the tenant. The key itself is returned this once and kept as a hash. A key acts with the role that its maker has at
 * the time of use, within its scopes, and ends when its maker is no member any more.
 */
export async function createKey(tx: Transaction, given: NewKey, { principal, actor }: { principal: Principal; actor: Actor }) {
  const { tenantId, name, expiresAt } = given
  const createdBy = await makerOf(tx, principal)
  const role = await lockRank(tx, { principal, tenantId })
  requireRank(role)
  requireGivable(given.scopes, { role, held: principal.scopes })
  await requireEndWithin(tx, principal, expiresAt)
  const id = newId()
  const secret = randomSecret()
  const fields = { name, scopes: [...given.scopes], expiresAt, createdBy, secretHash: secretHash(secret) }
  const [made] = await tx
    .insert(apiKey)
    .values({ id, tenantId, ...fields })
    .returning(columns)
  if (made === undefined) throw new Error('the key was not stored')
  await audited(tx, actor, {
    action: 'api-key.created',
    tenantId,
    subject: { type: 'api-key', id },
    after: { name, scopes: given.scopes, expiresAt },
  })
  return { ...made, key: `slp_${id.replaceAll('-', '')}_${secret}` }
}

/** Nobody gives away what they cannot do themselves. */
function requireGivable(wanted: readonly string[], { role, held }: { role: TenantRole; held: readonly string[] }): void {
  const errors = wanted.flatMap((scope, index) => {
    const pointer = `/body/scopes/${index}`
    if (!isScope(scope)) return [{ pointer, detail: `is none of ${Object.keys(scopes).join(', ')}` }]
    return givable(scope, role, held) ? [] : [{ pointer, detail: 'is more than you may do yourself' }]
  })
  if (errors.length > 0) throw problem('request.invalid', { errors })
}

function givable(scope: Scope, role: TenantRole, held: readonly string[]): boolean {
  return roleReaches(role, scopes[scope].role) && (held.includes('*') || held.includes(scope))
}

async function makerOf(tx: Transaction, principal: Principal): Promise<string> {
  if (principal.kind === 'user') return (await requirePerson(tx, principal)).id
  const maker = await holderOf(tx, principal)
  if (maker === null) throw problem('auth.forbidden', { detail: 'keys are made by members and by their keys' })
  return maker
}

/** A key that ends makes none that live longer: it would outlive itself. */
async function requireEndWithin(tx: Transaction, { kind, id }: Principal, expiresAt: Date | null): Promise<void> {
  if (kind !== 'key') return
  const [parent] = await tx.select({ end: apiKey.expiresAt }).from(apiKey).where(eq(apiKey.id, id))
  const end = parent?.end ?? null
  if (end === null || (expiresAt !== null && expiresAt <= end)) return
  const detail = `must not be after ${end.toISOString()}, when the key that makes it ends`
  throw problem('request.invalid', { errors: [{ pointer: '/body/expiresAt', detail }] })
}

export async function listKeys(tx: Transaction, { after, limit }: { after: string | null; limit: number }) {
  return tx
    .select(columns)
    .from(apiKey)
    .where(and(isNull(apiKey.revokedAt), after === null ? undefined : gt(apiKey.id, after)))
    .orderBy(asc(apiKey.id))
    .limit(limit)
}

export async function revokeKey(tx: Transaction, { id, tenantId, actor }: { id: string; tenantId: string; actor: Actor }): Promise<void> {
  const [gone] = await tx
    .update(apiKey)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(apiKey.id, id), isNull(apiKey.revokedAt)))
    .returning({ name: apiKey.name, scopes: apiKey.scopes })
  if (gone === undefined) throw problem('resource.not-found')
  await revoke(tx, 'key', id)
  await audited(tx, actor, { action: 'api-key.revoked', tenantId, subject: { type: 'api-key', id }, before: gone })
}

/** For verifiers: looks across tenants, so it needs the system role. Use is noted once a minute. */
export async function verifyKey(tx: Transaction, key: string): Promise<KeyVerdict> {
  const parsed = parseKey(key)
  const found = parsed === null ? undefined : await findKey(tx, parsed.id)
  if (parsed === null || found === undefined || !sameHash(found.secretHash, secretHash(parsed.secret)))
    return { valid: false, reason: 'unknown' }
  const role = await lockRole(tx, { tenantId: found.tenant.id, userId: found.createdBy })
  const verifiedAt = await databaseNow(tx)
  const expiresAt = found.expiresAt?.getTime() ?? null
  if (found.revokedAt !== null || role === null) return { valid: false, reason: 'revoked' }
  if (expiresAt !== null && expiresAt <= verifiedAt) return { valid: false, reason: 'expired' }
  await noteUse(tx, found)
  const { id, name, tenant, scopes: granted, createdBy } = found
  return { valid: true, id, name, tenant, role, scopes: granted, createdBy, expiresAt, verifiedAt }
}

function parseKey(key: string): { id: string; secret: string } | null {
  const match = /^slp_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([\w-]{43})$/.exec(key)
  return match === null ? null : { id: match.slice(1, 6).join('-'), secret: match[6] ?? '' }
}

async function findKey(tx: Transaction, id: string) {
  const [found] = await tx
    .select({
      ...columns,
      secretHash: apiKey.secretHash,
      revokedAt: apiKey.revokedAt,
      tenant: { id: organization.id, slug: organization.slug },
    })
    .from(apiKey)
    .innerJoin(organization, eq(organization.id, apiKey.tenantId))
    .where(eq(apiKey.id, id))
  return found
}

function sameHash(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'))
}

async function noteUse(tx: Transaction, { id, lastUsedAt }: { id: string; lastUsedAt: Date | null }): Promise<void> {
  if (lastUsedAt !== null && lastUsedAt.getTime() > Date.now() - 60_000) return
  await tx.update(apiKey).set({ lastUsedAt: sql`now()` }).where(eq(apiKey.id, id))
}
