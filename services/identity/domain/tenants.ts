import { isSlug, reservedSlugs } from '@slipway/auth'
import { isUniqueViolation, newId, type Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { member, organization } from '../schema.ts'
import { type Actor, audited } from './actor.ts'
import { translated } from './auth-error.ts'
import { withAuth } from './auth-scope.ts'

export const tenantColumns = {
  id: organization.id,
  slug: organization.slug,
  name: organization.name,
  version: organization.version,
  createdAt: organization.createdAt,
  updatedAt: organization.updatedAt,
}

export interface NewTenant {
  readonly slug: string
  readonly name: string
  readonly ownerId: string
}

interface Making {
  readonly actor: Actor
  /** Last in the transaction that makes it. */
  readonly finish: (tx: Transaction, tenant: Tenant) => Promise<void>
}

/** Makes a tenant with its first owner. The slug is for good: it is in host names, links and tokens. */
export async function createTenant({ auth, database }: IdentityContext, { slug, name, ownerId }: NewTenant, { actor, finish }: Making) {
  requireUsableSlug(slug)
  const tenantId = newId()
  try {
    return await database.tenantTransaction(tenantId, async (tx) => {
      await requireFreeSlug(tx, slug)
      const call = () => auth.api.createOrganization({ body: { name, slug, userId: ownerId } })
      await translated(withAuth(auth.options, { tx, tenantId }, call))
      await audited(tx, actor, { action: 'tenant.created', tenantId, subject: { type: 'tenant', id: tenantId }, after: { slug, name } })
      const tenant = await findTenant(tx, tenantId)
      await finish(tx, tenant)
      return tenant
    })
  } catch (error) {
    throw isUniqueViolation(error, 'organization_slug') ? slugTaken(slug) : error
  }
}

function requireUsableSlug(slug: string): void {
  const fault = !isSlug(slug)
    ? 'must be 3 to 63 lower-case letters, digits and dashes, and begin and end with a letter or digit'
    : reservedSlugs.has(slug)
      ? 'is reserved'
      : null
  if (fault !== null) throw problem('request.invalid', { errors: [{ pointer: '/body/slug', detail: fault }] })
}

async function requireFreeSlug(tx: Transaction, slug: string): Promise<void> {
  if ((await findTenantBySlug(tx, slug)) !== null) throw slugTaken(slug)
}

function slugTaken(slug: string): Error {
  return problem('tenant.slug-taken', {
    detail: `"${slug}" belongs to another tenant`,
    errors: [{ pointer: '/body/slug', detail: 'is taken' }],
  })
}

export async function findTenant(tx: Transaction, id: string) {
  const [found] = await tx.select(tenantColumns).from(organization).where(eq(organization.id, id))
  if (found === undefined) throw problem('resource.not-found')
  return found
}

/** Two changes at the same time come one after the other. */
export async function lockTenant(tx: Transaction, id: string): Promise<Tenant> {
  await tx.select({ id: organization.id }).from(organization).where(eq(organization.id, id)).for('no key update')
  return findTenant(tx, id)
}

export type Tenant = Awaited<ReturnType<typeof findTenant>>

export async function findTenantBySlug(tx: Transaction, slug: string): Promise<{ id: string; slug: string; name: string } | null> {
  const [found] = await tx
    .select({ id: organization.id, slug: organization.slug, name: organization.name })
    .from(organization)
    .where(eq(organization.slug, slug))
  return found ?? null
}

/** Those that a person is a member of, with their role. Looks across tenants: for the system role. */
export async function tenantsOf(tx: Transaction, userId: string, { after, limit }: { after: string | null; limit: number }) {
  return tx
    .select({ ...tenantColumns, role: member.role })
    .from(member)
    .innerJoin(organization, eq(organization.id, member.organizationId))
    .where(and(eq(member.userId, userId), after === null ? undefined : gt(organization.id, after)))
    .orderBy(asc(organization.id))
    .limit(limit)
}

/** All tenants of the installation, for operators. */
export async function allTenants(tx: Transaction, { after, limit }: { after: string | null; limit: number }) {
  return tx
    .select(tenantColumns)
    .from(organization)
    .where(after === null ? undefined : gt(organization.id, after))
    .orderBy(asc(organization.id))
    .limit(limit)
}

export async function renameTenant(tx: Transaction, before: Tenant, { name, actor }: { name: string; actor: Actor }): Promise<Tenant> {
  const [after] = await tx
    .update(organization)
    .set({ name, version: sql`${organization.version} + 1`, updatedAt: sql`now()` })
    .where(eq(organization.id, before.id))
    .returning(tenantColumns)
  if (after === undefined) throw problem('resource.not-found')
  const subject = { type: 'tenant', id: before.id }
  await audited(tx, actor, { action: 'tenant.renamed', tenantId: before.id, subject, before: { name: before.name }, after: { name } })
  return after
}
