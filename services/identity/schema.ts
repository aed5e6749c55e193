import { tenantColumns } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { bigint, boolean, customType, integer, jsonb, pgSchema, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const identity = pgSchema('identity')

const moment = (name: string) => timestamp(name, { withTimezone: true })
const createdAt = () => moment('created_at').notNull().defaultNow()
const updatedAt = () => moment('updated_at').notNull().defaultNow()
const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/*
 * The tables of better-auth. Their members have the names that it looks for. People, sessions and keys belong to no tenant, so row
 * level security by tenant cannot apply to them: the domain functions of this service are the only way to them, and no route reads
 * them by anything but the caller's own id.
 */

export const user = identity.table('user', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  email: text('email').notNull(),
  emailVerified: boolean('email_verified').notNull().default(false),
  image: text('image'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

export const session = identity.table('session', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  /** SHA-256 of what the client holds. */
  token: text('token').notNull(),
  method: text('method'),
  expiresAt: moment('expires_at').notNull(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  activeOrganizationId: uuid('active_organization_id'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

export const account = identity.table('account', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: moment('access_token_expires_at'),
  refreshTokenExpiresAt: moment('refresh_token_expires_at'),
  scope: text('scope'),
  /** scrypt, as better-auth makes it. */
  password: text('password'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

export const verification = identity.table('verification', {
  id: text('id').primaryKey(),
  /** Ends in the SHA-256 of the token that was mailed. */
  identifier: text('identifier').notNull(),
  value: text('value').notNull(),
  expiresAt: moment('expires_at').notNull(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

export const jwks = identity.table('jwks', {
  id: uuid('id').primaryKey(),
  publicKey: text('public_key').notNull(),
  /** Encrypted with the first secret of IDENTITY_SECRET, whose version it names. */
  privateKey: text('private_key').notNull(),
  alg: text('alg'),
  crv: text('crv'),
  createdAt: createdAt(),
  expiresAt: moment('expires_at'),
})

/** A tenant. */
export const organization = identity.table('organization', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  slug: text('slug').notNull(),
  logo: text('logo'),
  metadata: text('metadata'),
  version: integer('version').notNull().default(1),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

export const member = identity.table('member', {
  id: uuid('id').primaryKey(),
  organizationId: tenantColumns.tenantId,
  userId: uuid('user_id').notNull(),
  role: text('role', { enum: ['owner', 'admin', 'member', 'viewer'] }).notNull(),
  createdAt: createdAt(),
})

export const invitation = identity.table('invitation', {
  id: uuid('id').primaryKey(),
  organizationId: tenantColumns.tenantId,
  email: text('email').notNull(),
  role: text('role', { enum: ['owner', 'admin', 'member', 'viewer'] }).notNull(),
  status: text('status', { enum: ['pending', 'accepted', 'canceled'] })
    .notNull()
    .default('pending'),
  /** SHA-256 of the token that was mailed. */
  tokenHash: text('token_hash').notNull(),
  inviterId: uuid('inviter_id').notNull(),
  expiresAt: moment('expires_at').notNull(),
  createdAt: createdAt(),
})

/* Tables of our own. */

export const apiKey = identity.table('api_key', {
  id: uuid('id').primaryKey(),
  ...tenantColumns,
  name: text('name').notNull(),
  /** SHA-256 of 256 random bits: nothing to guess, so no slow hash is needed. */
  secretHash: text('secret_hash').notNull(),
  scopes: text('scopes').array().notNull(),
  createdBy: uuid('created_by').notNull(),
  createdAt: createdAt(),
  expiresAt: moment('expires_at'),
  lastUsedAt: moment('last_used_at'),
  revokedAt: moment('revoked_at'),
})

export const setting = identity.table('setting', {
  ...tenantColumns,
  key: text('key').notNull(),
  type: text('type', { enum: ['string', 'number', 'boolean', 'json', 'secret'] }).notNull(),
  value: jsonb('value'),
  sealed: bytes('sealed'),
  version: integer('version').notNull().default(1),
  updatedAt: updatedAt(),
  updatedBy: text('updated_by').notNull(),
})

/** Access that has ended, for verifiers that remember it as valid. Times are those of the database, like `iat_ms` in tokens. */
export const revocation = identity.table('revocation', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  kind: text('kind', { enum: ['session', 'key', 'member', 'user'] }).notNull(),
  subject: text('subject').notNull(),
  at: moment('at').notNull().default(sql`clock_timestamp()`),
})

export const operator = identity.table('operator', {
  userId: uuid('user_id').primaryKey(),
  createdAt: createdAt(),
  createdBy: text('created_by').notNull(),
})

/** Mails that the mail server has accepted: a job that runs again sends nothing. */
export const sentMail = identity.table('sent_mail', {
  id: uuid('id').primaryKey(),
  sentAt: moment('sent_at').notNull().defaultNow(),
})

/** Notices that other services have asked for: one that is asked for again is not sent again. */
export const notice = identity.table('notice', {
  key: text('key').primaryKey(),
  at: moment('at').notNull().defaultNow(),
})

/** What better-auth's adapter is given: its names for its tables. */
export const authSchema = { user, session, account, verification, jwks, organization, member, invitation }
