import { roleReaches, type TenantRole, tenantRoles } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import { apiKey, invitation } from '../schema.ts'
import { type Actor, audited } from './actor.ts'

interface Leaver {
  readonly tenantId: string
  readonly userId: string
  readonly actor: Actor
}

/** Roles that somebody can no longer give: all of them unless they are admin, and whatever is above their own. */
export function rolesOutOfReach(role: TenantRole | null): TenantRole[] {
  return tenantRoles.filter((given) => role === null || !roleReaches(role, 'admin') || !roleReaches(role, given))
}

/** Ends the keys that a person has made: a member who comes back later has to make new ones. */
export async function revokeKeysOf(tx: Transaction, { tenantId, userId, actor }: Leaver): Promise<void> {
  const gone = await tx
    .update(apiKey)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(apiKey.tenantId, tenantId), eq(apiKey.createdBy, userId), isNull(apiKey.revokedAt)))
    .returning({ id: apiKey.id, name: apiKey.name, scopes: apiKey.scopes })
  for (const { id, ...before } of gone) {
    await audited(tx, actor, { action: 'api-key.revoked', tenantId, subject: { type: 'api-key', id }, before })
  }
}

/** Takes back the invitations whose role the person could not give any more: else they would be a way back in. */
export async function cancelInvitationsOf(tx: Transaction, { tenantId, userId, actor }: Leaver, role: TenantRole | null): Promise<void> {
  const gone = await tx
    .update(invitation)
    .set({ status: 'canceled' })
    .where(
      and(
        eq(invitation.organizationId, tenantId),
        eq(invitation.inviterId, userId),
        eq(invitation.status, 'pending'),
        inArray(invitation.role, rolesOutOfReach(role)),
      ),
    )
    .returning({ id: invitation.id, email: invitation.email })
  for (const { id, email } of gone) {
    await audited(tx, actor, { action: 'invitation.canceled', tenantId, subject: { type: 'invitation', id }, before: { email } })
  }
}
