import type { TenantRole } from './principal.ts'

/**
 * Everything that an API key can be limited to, and the weakest role whose owner may give it away.
 * Scopes are part of the API: add, never rename.
 */
export const scopes = {
  'files:read': { role: 'viewer', description: 'Read files, folders and usage' },
  'files:write': { role: 'member', description: 'Upload, change and delete files and folders' },
  'files:admin': { role: 'admin', description: 'Read and purge the quarantine' },
  'menu:read': { role: 'viewer', description: 'Read dishes, menus, photos and models' },
  'menu:write': { role: 'member', description: 'Change dishes and menus, upload photos and have models made' },
  'jobs:read': { role: 'admin', description: 'See the jobs of the tenant' },
  'jobs:write': { role: 'admin', description: 'Retry, replay and cancel jobs of the tenant' },
  'tenant:read': { role: 'viewer', description: 'Read the tenant, its members and its settings' },
  'tenant:write': { role: 'admin', description: 'Change the tenant, its members, invitations and settings' },
  'keys:read': { role: 'admin', description: 'List API keys' },
  'keys:write': { role: 'admin', description: 'Make and revoke API keys' },
  'audit:read': { role: 'admin', description: 'Read the audit trail' },
} as const satisfies Record<string, { role: TenantRole; description: string }>

export type Scope = keyof typeof scopes

export function isScope(value: string): value is Scope {
  return Object.hasOwn(scopes, value)
}
