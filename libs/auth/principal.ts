/** What somebody may do inside a tenant, strongest first: each role may do what those after it may. */
export const tenantRoles = ['owner', 'admin', 'member', 'viewer'] as const

export type TenantRole = (typeof tenantRoles)[number]

/** Who makes a request, as verified credentials say it. */
export interface Principal {
  readonly kind: 'user' | 'key' | 'service' | 'operator'
  /** User id, API key id, or the name of the calling service. */
  readonly id: string
  /** The tenant that the credentials were made for; absent until a person has picked one. */
  readonly tenant?: { readonly id: string; readonly slug: string }
  readonly role?: TenantRole
  /** What the credentials are limited to; `*` = whatever the role allows. */
  readonly scopes: readonly string[]
  readonly sessionId?: string
  readonly keyId?: string
  /** Of a key: who made it, and whose rights it carries. */
  readonly person?: string
  /** For people who read audit records and logs. */
  readonly name?: string
}

/** Credentials that are not limited to named scopes. */
export const anyScope = '*'

export function isTenantRole(value: unknown): value is TenantRole {
  return tenantRoles.some((role) => role === value)
}

/** Whether `role` may do what `needed` may. */
export function roleReaches(role: TenantRole, needed: TenantRole): boolean {
  return tenantRoles.indexOf(role) <= tenantRoles.indexOf(needed)
}
