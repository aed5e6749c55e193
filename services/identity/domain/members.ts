import { type Principal, roleReaches, type TenantRole } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, eq, gt, or } from 'drizzle-orm'
import { member, user } from '../schema.ts'
import { type Actor, audited } from './actor.ts'
import { holderOf, lockKey } from './people.ts'
import { memberSubject, revoke } from './revocations.ts'
import { cancelInvitationsOf, revokeKeysOf } from './withdrawal.ts'

const columns = { id: member.id, userId: member.userId, role: member.role, createdAt: member.createdAt, email: user.email, name: user.name }

export async function listMembers(tx: Transaction, { after, limit }: { after: string | null; limit: number }) {
  return tx
    .select(columns)
    .from(member)
    .innerJoin(user, eq(user.id, member.userId))
    .where(after === null ? undefined : gt(member.id, after))
    .orderBy(asc(member.id))
    .limit(limit)
}

export async function findMember(tx: Transaction, userId: string) {
  const [found] = await tx.select(columns).from(member).innerJoin(user, eq(user.id, member.userId)).where(eq(member.userId, userId))
  if (found === undefined) throw problem('resource.not-found')
  return found
}

/**
 * The role, locked until what is made from it has its time: whoever changes the role waits for us and revokes afterwards, so what
 * was made with an old role is always older than its revocation. Null = no member.
 */
export async function lockRole(tx: Transaction, { tenantId, userId }: { tenantId: string; userId: string }): Promise<TenantRole | null> {
  const [found] = await tx
    .select({ role: member.role })
    .from(member)
    .where(and(eq(member.organizationId, tenantId), eq(member.userId, userId)))
    .for('share')
  return found?.role ?? null
}

/**
 * What the caller may do now, whatever the credentials said some seconds ago, locked as in `lockRole()`. For what outlives those
 * seconds: keys and invitations.
 * @throws auth.forbidden, auth.revoked
 */
export async function lockRank(
  tx: Transaction,
  { principal, tenantId }: Pick<MemberChange, 'principal' | 'tenantId'>,
): Promise<TenantRole> {
  const userId = await holderOf(tx, principal)
  const member = userId === null ? null : await lockRole(tx, { tenantId, userId })
  const rank = principal.kind === 'operator' ? principal.role : member
  if (!rank) throw notAMember()
  await lockKey(tx, principal)
  return rank
}

function notAMember(): Error {
  return problem('auth.forbidden', { detail: 'you are not a member any more' })
}

export interface MemberChange {
  readonly tenantId: string
  /** Whom it is about. */
  readonly userId: string
  readonly principal: Principal
  readonly actor: Actor
}

/**
 * Roles change by rank: nobody touches who stands above them or gives away more than they have, and the last owner stays.
 * Tokens with the old role are dead within 5 s.
 */
export async function changeRole(tx: Transaction, change: MemberChange, role: TenantRole) {
  const { target, rank, owners } = await lockMembers(tx, change)
  requireRank(rank, target.role, role)
  if (target.role === 'owner' && role !== 'owner') requireAnotherOwner(owners)
  if (target.role !== role) {
    await tx.update(member).set({ role }).where(eq(member.id, target.id))
    await cancelInvitationsOf(tx, change, role)
    await accessChanged(tx, change, { action: 'member.role-changed', before: { role: target.role }, after: { role } })
  }
  return findMember(tx, change.userId)
}

/** Anybody may leave; removing others needs rank. API keys that the member made end with the membership. */
export async function removeMember(tx: Transaction, change: MemberChange): Promise<void> {
  const { target, rank, owners } = await lockMembers(tx, change)
  const leaves = change.principal.kind === 'user' && change.principal.id === change.userId
  if (!leaves) requireRank(rank, target.role, 'admin')
  if (target.role === 'owner') requireAnotherOwner(owners)
  await tx.delete(member).where(eq(member.id, target.id))
  await revokeKeysOf(tx, change)
  await cancelInvitationsOf(tx, change, null)
  await accessChanged(tx, change, { action: leaves ? 'member.left' : 'member.removed', before: { role: target.role } })
}

interface Locked {
  readonly target: { readonly id: string; readonly role: TenantRole }
  /** What the actor is now, whatever the token says. */
  readonly rank: TenantRole
  readonly owners: number
}

/** Locks actor, target and all owners in one order, so that two changes at the same time see each other's outcome. */
async function lockMembers(tx: Transaction, { userId, principal, tenantId }: MemberChange): Promise<Locked> {
  const holder = await holderOf(tx, principal)
  const rows = await tx
    .select({ id: member.id, userId: member.userId, role: member.role })
    .from(member)
    .where(and(eq(member.organizationId, tenantId), or(eq(member.role, 'owner'), eq(member.userId, userId), ownRow(holder))))
    .orderBy(asc(member.id))
    .for('update')
  await lockKey(tx, principal)
  const target = rows.find((row) => row.userId === userId)
  if (target === undefined) throw problem('resource.not-found')
  const rank = principal.kind === 'operator' ? principal.role : rows.find((row) => row.userId === holder)?.role
  if (rank === undefined) throw notAMember()
  return { target, rank, owners: rows.filter((row) => row.role === 'owner').length }
}

function ownRow(holder: string | null) {
  return holder === null ? undefined : eq(member.userId, holder)
}

export function requireRank(rank: TenantRole, ...touched: readonly TenantRole[]): void {
  const above = touched.find((role) => !roleReaches(rank, role))
  if (above === undefined && roleReaches(rank, 'admin')) return
  throw problem('auth.forbidden', {
    detail: above === undefined ? 'this needs the role admin' : `an ${rank} cannot give or take the role ${above}`,
  })
}

function requireAnotherOwner(owners: number): void {
  if (owners < 2) throw problem('tenant.last-owner', { detail: 'make somebody else an owner first' })
}

interface Outcome {
  readonly action: string
  readonly before: object
  readonly after?: object
}

async function accessChanged(tx: Transaction, { tenantId, userId, actor }: MemberChange, outcome: Outcome): Promise<void> {
  await revoke(tx, 'member', memberSubject(tenantId, userId))
  await audited(tx, actor, { ...outcome, tenantId, subject: { type: 'user', id: userId } })
}
