import { drizzleAdapter } from '@better-auth/drizzle-adapter'
import { type Database, newId } from '@slipway/db'
import { betterAuth } from 'better-auth'
import { jwt, magicLink, organization } from 'better-auth/plugins'
import type { IdentityConfig } from '../config.ts'
import { adapterConfig, currentScope } from './auth-scope.ts'
import { parseAuthSecrets } from './auth-secrets.ts'
import { accessTokenSeconds, audience, keyGraceSeconds, linkSeconds, passwordLength } from './limits.ts'
import { revoke } from './revocations.ts'
import { secretHash } from './secrets.ts'
import { signingKeys } from './signing-keys.ts'

export interface AuthSettings {
  readonly config: Pick<IdentityConfig, 'secret' | 'openSignUp' | 'verifyEmail' | 'sessionDays' | 'signingKeyDays'>
  readonly publicUrl: string
  /** For reads that happen outside of our transactions. */
  readonly database: Database
}

export type Auth = ReturnType<typeof createAuth>

/**
 * better-auth does what is easy to get wrong: passwords, sessions, one-time links, the keys of tokens. Its HTTP handler is not
 * mounted: our routes call `auth.api`, inside `withAuth()`. Generic OAuth and change of mail addresses stay off (advisories of 1.7).
 */
export function createAuth({ config, publicUrl, database }: AuthSettings) {
  return betterAuth({
    appName: 'Slipway',
    baseURL: publicUrl,
    basePath: '/api/v1/auth',
    ...parseAuthSecrets(config.secret.reveal()),
    database: drizzleAdapter(database.drizzle, adapterConfig),
    telemetry: { enabled: false },
    logger: { disabled: true },
    rateLimit: { enabled: false },
    advanced: { database: { generateId: () => newId() }, ipAddress: { ipAddressHeaders: [addressHeader] } },
    emailAndPassword: {
      enabled: true,
      // Also makes it answer alike for addresses that have an account already.
      autoSignIn: false,
      requireEmailVerification: config.verifyEmail,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
    },
    session: {
      expiresIn: config.sessionDays * 86_400,
      additionalFields: { method: { type: 'string', required: false, input: false } },
    },
    databaseHooks: {
      user: { create: { after: accountMade }, update: { after: accountChanged } },
      session: { create: { before: hideSessionSecret }, delete: { after: sessionDeleted } },
    },
    plugins: [
      organization({
        organizationHooks: { beforeCreateOrganization: nameOrganization },
        schema: { invitation: { additionalFields: { tokenHash: { type: 'string', required: true, input: false } } } },
      }),
      magicLink({
        expiresIn: linkSeconds,
        disableSignUp: !config.openSignUp,
        storeToken: { type: 'custom-hasher', hash: (token) => Promise.resolve(secretHash(token)) },
        sendMagicLink: ({ token }) => {
          currentScope().linkToken = token
        },
      }),
      jwt({
        disableSettingJwtHeader: true,
        jwks: {
          keyPairConfig: { alg: 'EdDSA', crv: 'Ed25519' },
          rotationInterval: config.signingKeyDays * 86_400,
          gracePeriod: keyGraceSeconds,
        },
        jwt: { issuer: publicUrl, audience, expirationTime: `${accessTokenSeconds}s` },
        adapter: { getJwks: keysToSignWith },
      }),
    ],
  })
}

/** Carries the client's address to the session row; set by us, never by clients. */
export const addressHeader = 'x-slipway-client-ip'

/** The database holds the hash of a session's token; the token itself goes to its client only, through the scope. */
function hideSessionSecret<S extends { token: string }>(session: S) {
  const scope = currentScope()
  scope.sessionSecret = `sls_${session.token}`
  return Promise.resolve({ data: { ...session, token: secretHash(scope.sessionSecret), method: scope.method ?? null } })
}

/** A link that proves an address ends the sessions of whoever had the account before: their access tokens end with them. */
async function sessionDeleted({ id }: { id: string }): Promise<void> {
  const { tx, endedSessions } = currentScope()
  await revoke(tx, 'session', id)
  endedSessions?.push(id)
}

function accountMade({ id, email }: { id: string; email: string }): Promise<void> {
  currentScope().madeAccount = { id, email }
  return Promise.resolve()
}

/** It changes accounts for one reason only: a link has proved the address. */
function accountChanged({ emailVerified }: { emailVerified: boolean }): Promise<void> {
  if (emailVerified) currentScope().confirmedAddress = true
  return Promise.resolve()
}

/** An empty set makes the plugin mint a key. */
function keysToSignWith() {
  const { tx, mintKey } = currentScope()
  return mintKey ? Promise.resolve([]) : signingKeys(tx)
}

function nameOrganization() {
  const { tenantId } = currentScope()
  return Promise.resolve(tenantId === undefined ? undefined : { data: { id: tenantId } })
}
