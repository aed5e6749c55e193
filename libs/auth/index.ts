export {
  type AuthenticateRequest,
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type ExternalIssuer,
} from './authenticator.ts'
export { authorize, credentialsRequired, type Requirement } from './authorize.ts'
export { credentialsOf } from './credentials.ts'
export {
  type IdentitySource,
  identityClient,
  type KeySetDocument,
  type KeyVerdict,
  keySetDocument,
  keyVerdict,
  type Revocation,
  type RevocationPage,
  revocationPage,
} from './identity-source.ts'
export { createNotices, type NoticeRequest, type Notices, noticeRequest } from './notices.ts'
export { anyScope, isTenantRole, type Principal, roleReaches, type TenantRole, tenantRoles } from './principal.ts'
export { isScope, type Scope, scopes } from './scopes.ts'
export { serviceCaller, serviceCallers } from './service-callers.ts'
export { createTenantDirectory, type PublicTenant, type TenantDirectory } from './tenant-directory.ts'
export { type HintSource, isSlug, reservedSlugs, resolveTenantHint } from './tenant-hint.ts'
