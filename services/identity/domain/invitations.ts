import type { Principal, TenantRole } from '@slipway/auth'
import { newId, type Transaction } from '@slipway/db'
import type { RequestInfo } from '@slipway/http'
import { problem } from '@slipway/problem'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { IdentityContext } from '../context.ts'
import { invitation, member, organization, user } from '../schema.ts'
import { type Actor, audited, person } from './actor.ts'
import { invitationSeconds } from './limits.ts'
import { requestMail } from './mail-request.ts'
import { lockRank, requireRank } from './members.ts'
import { randomSecret, secretHash } from './secrets.ts'

export interface NewInvitation {
  readonly tenant: { readonly id: string; readonly slug: string }
  readonly email: string
  readonly role: TenantRole
  readonly inviterId: string
}

const columns = {
  id: invitation.id,
  email: invitation.email,
  role: invitation.role,
  inviterId: invitation.inviterId,
  expiresAt: invitation.expiresAt,
  createdAt: invitation.createdAt,
}

/** A second invitation of the same address replaces the first, whose link then stops to work. */
export async function invite(
  context: Pick<IdentityContext, 'sealer'>,
  tx: Transaction,
  given: NewInvitation & { principal: Principal; actor: Actor },
) {
  const { tenant, role, inviterId, principal, actor } = given
  requireRank(await lockRank(tx, { principal, tenantId: tenant.id }), role)
  const email = given.email.toLowerCase()
  const token = randomSecret()
  const expiresAt = new Date(Date.now() + invitationSeconds * 1000)
  const fields = { role, inviterId, expiresAt, tokenHash: secretHash(token) }
  const [made] = await tx
    .insert(invitation)
    .values({ id: newId(), organizationId: tenant.id, email, ...fields })
    .onConflictDoUpdate({ target: [invitation.organizationId, invitation.email], targetWhere: sql`status = 'pending'`, set: fields })
    .returning(columns)
  if (made === undefined) throw new Error('the invitation was not stored')
  // Not before: whoever is accepting an earlier invitation of this address has been waited for now.
  await requireStranger(tx, tenant.id, email)
  const [named] = await tx.select({ name: organization.name }).from(organization).where(eq(organization.id, tenant.id))
  await requestMail(tx, context.sealer, {
    kind: 'invitation',
    to: email,
    link: { token, seconds: invitationSeconds },
    tenantId: tenant.id,
    facts: { tenant: named?.name ?? tenant.slug, role },
  })
  await audited(tx, actor, {
    action: 'invitation.created',
    tenantId: tenant.id,
    subject: { type: 'invitation', id: made.id },
    after: { email, role },
  })
  return made
}

async function requireStranger(tx: Transaction, tenantId: string, email: string): Promise<void> {
  const found = await tx
    .select({ id: member.id })
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(and(eq(member.organizationId, tenantId), eq(user.email, email)))
  if (found.length > 0) throw problem('resource.conflict', { detail: `${email} is a member already` })
}

export async function listInvitations(tx: Transaction, { after, limit }: { after: string | null; limit: number }) {
  const later = after === null ? undefined : gt(invitation.id, after)
  return tx
    .select(columns)
    .from(invitation)
    .where(and(eq(invitation.status, 'pending'), gt(invitation.expiresAt, sql`now()`), later))
    .orderBy(asc(invitation.id))
    .limit(limit)
}

export async function cancelInvitation(tx: Transaction, actor: Actor, { tenantId, id }: { tenantId: string; id: string }): Promise<void> {
  const [gone] = await tx
    .update(invitation)
    .set({ status: 'canceled' })
    .where(and(eq(invitation.id, id), eq(invitation.status, 'pending')))
    .returning({ email: invitation.email })
  if (gone === undefined) throw problem('resource.not-found')
  await audited(tx, actor, { action: 'invitation.canceled', tenantId, subject: { type: 'invitation', id }, before: gone })
}

/**
 * By its token, of whatever tenant: for the system role.
 * @throws auth.link-invalid
 */
export async function findInvitation(tx: Transaction, token: string) {
  const [found] = await tx
    .select({ id: invitation.id, tenantId: invitation.organizationId, email: invitation.email, role: invitation.role })
    .from(invitation)
    .where(and(eq(invitation.tokenHash, secretHash(token)), eq(invitation.status, 'pending'), gt(invitation.expiresAt, sql`now()`)))
    .for('update')
  if (found === undefined) throw problem('auth.link-invalid', { detail: 'invitations work once and for a week: ask for a new one' })
  return found
}

interface Acceptance {
  readonly token: string
  readonly user: { readonly id: string; readonly email: string; readonly name: string }
  readonly request: RequestInfo
}

/** Only the address that was invited can accept: a forwarded link is of no use to others. */
export async function acceptInvitation(tx: Transaction, { token, user: guest, request }: Acceptance) {
  const found = await findInvitation(tx, token)
  if (found.email !== guest.email) throw problem('auth.link-invalid', { detail: 'the invitation is for another address' })
  await tx.update(invitation).set({ status: 'accepted' }).where(eq(invitation.id, found.id))
  const { tenantId, role } = found
  await tx.insert(member).values({ id: newId(), organizationId: tenantId, userId: guest.id, role }).onConflictDoNothing()
  await tx.update(user).set({ emailVerified: true }).where(eq(user.id, guest.id))
  await audited(tx, person(guest, request), { action: 'member.joined', tenantId, subject: { type: 'user', id: guest.id }, after: { role } })
  const [tenant] = await tx
    .select({ id: organization.id, slug: organization.slug, name: organization.name })
    .from(organization)
    .where(eq(organization.id, tenantId))
  if (tenant === undefined) throw problem('resource.not-found')
  return { ...tenant, role }
}
