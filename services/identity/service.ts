import { createRateLimiter } from '@slipway/http'
import { hours } from '@slipway/queue'
import { auditRoute, defineService, type Runtime } from '@slipway/service'
import { type IdentityConfig, identityVariables } from './config.ts'
import type { IdentityContext } from './context.ts'
import { createAuth } from './domain/auth.ts'
import { createMailer } from './domain/mailer.ts'
import { createSealer } from './domain/seal.ts'
import { identityMail } from './jobs/identity-mail.ts'
import { identityUpkeep } from './jobs/identity-upkeep.ts'
import { createKeyRoute, listKeysRoute, revokeKeyRoute } from './routes/api-keys.ts'
import {
  addOperatorRoute,
  noticeRoute,
  revealSettingRoute,
  revocationsRoute,
  tenantBySlugRoute,
  verifyKeyRoute,
} from './routes/internal.ts'
import { linkPageRoute } from './routes/link-page.ts'
import {
  acceptInvitationRoute,
  cancelInvitationRoute,
  createInvitationRoute,
  deleteMemberRoute,
  getMemberRoute,
  listInvitationsRoute,
  listMembersRoute,
  patchMemberRoute,
} from './routes/members.ts'
import { endSessionRoute, endSessionsRoute, listSessionsRoute, meRoute } from './routes/people.ts'
import { deleteSettingRoute, getSettingRoute, listSettingsRoute, putSettingRoute } from './routes/settings.ts'
import {
  changePasswordRoute,
  confirmEmailRoute,
  consumeLinkRoute,
  magicLinkRoute,
  signInRoute,
  signOutRoute,
  signUpRoute,
} from './routes/sign-in.ts'
import { createTenantRoute, getTenantRoute, listTenantsRoute, operatorTenantsRoute, patchTenantRoute } from './routes/tenants.ts'
import { internalKeySetRoute, issueTokenRoute, keySetRoute, wellKnownKeySetRoute } from './routes/tokens.ts'

const listAudit = auditRoute<IdentityContext>({
  path: '/api/v1/audit',
  operation: 'audit.list',
  description: 'Newest first: the tenant, members, invitations, API keys and settings. Other services have their own trails.',
  tags: ['audit'],
})
const signIn = [
  signUpRoute,
  confirmEmailRoute,
  signInRoute,
  magicLinkRoute,
  consumeLinkRoute,
  linkPageRoute,
  signOutRoute,
  changePasswordRoute,
]
const tokens = [issueTokenRoute, keySetRoute, wellKnownKeySetRoute]
const people = [meRoute, listSessionsRoute, endSessionsRoute, endSessionRoute]
const tenants = [createTenantRoute, listTenantsRoute, getTenantRoute, patchTenantRoute, operatorTenantsRoute, listAudit]
const members = [listMembersRoute, getMemberRoute, patchMemberRoute, deleteMemberRoute]
const invitations = [acceptInvitationRoute, createInvitationRoute, listInvitationsRoute, cancelInvitationRoute]
const keys = [createKeyRoute, listKeysRoute, revokeKeyRoute]
const settings = [listSettingsRoute, getSettingRoute, putSettingRoute, deleteSettingRoute]
const internal = [
  internalKeySetRoute,
  revocationsRoute,
  verifyKeyRoute,
  tenantBySlugRoute,
  revealSettingRoute,
  noticeRoute,
  addOperatorRoute,
]

export const identity = defineService({
  name: 'identity',
  title: 'Identity',
  description: 'People and tenants: sign-in, access tokens, members, invitations, API keys, settings.',
  config: identityVariables,
  migrations: new URL('./migrations/', import.meta.url),
  buckets: [],
  routes: [...signIn, ...tokens, ...people, ...tenants, ...members, ...invitations, ...keys, ...settings, ...internal],
  queues: [identityMail, identityUpkeep],
  schedules: [{ id: 'identity-upkeep', queue: identityUpkeep, every: hours(1), payload: { version: 1 } }],
  context: createContext,
})

/** @throws {ConfigError} if a secret is too weak to be one */
function createContext(runtime: Runtime<IdentityConfig>): IdentityContext {
  const { config, platform, database, system, log, kind } = runtime
  const publicUrl = platform.publicUrl.origin
  const mail = { url: config.mail.smtp.reveal(), from: config.mail.from, domain: platform.publicUrl.hostname }
  return {
    config,
    publicUrl,
    baseDomain: platform.baseDomain,
    log,
    database,
    system,
    auth: createAuth({ config, publicUrl, database: system }),
    sealer: createSealer(config.encryptionKeys.reveal()),
    limiter: createRateLimiter({ redis: runtime.redis('rateLimits'), keyPrefix: platform.redis.keyPrefix }),
    mailer: kind === 'worker' ? runtime.own(createMailer(mail)) : null,
  }
}
