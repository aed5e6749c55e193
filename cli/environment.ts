import { serviceCaller } from '@slipway/auth'
import type { Environment } from '@slipway/config'
import { variables } from '@slipway/config'
import { type AnyManifest, variableGroups, variablePrefix } from '@slipway/service'
import type { StackSecrets } from './secrets.ts'

/** Where the stores of this stack are. */
export interface Stores {
  readonly postgres: { readonly adminUrl: string }
  readonly redis: { readonly url: string }
  readonly scanner: { readonly host: string; readonly port: number }
  readonly storage: { readonly endpoint: string; readonly region: string; readonly accessKey: string; readonly secretKey: string }
  readonly mail: { readonly smtpUrl: string }
}

export interface ProcessPlan {
  readonly manifest: AnyManifest
  readonly kind: 'api' | 'worker'
  readonly ports: ProcessPorts
}

export interface ProcessPorts {
  readonly open: number
  readonly internal: number
}

interface EnvironmentOptions {
  readonly stores: Stores
  readonly secrets: StackSecrets
  readonly manifests: readonly AnyManifest[]
  readonly publicUrl: string
  /** The internal listener of identity. */
  readonly identityUrl: string
  /** The environment of the person at the terminal. */
  readonly inherited: Environment
}

/** What a program needs of the terminal's environment to run at all. */
const systemNames = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'NODE_COMPILE_CACHE'] as const

/**
 * The whole environment of one process. Variables of the platform that a developer has set (`FILES_SYNC_BYTES=… ./slipway up`) are
 * passed on, except for those by which the stack holds its own parts together.
 */
export function processEnvironmentOf(plan: ProcessPlan, options: EnvironmentOptions): Record<string, string> {
  const { manifest, kind, ports } = plan
  const prefix = variablePrefix(manifest.name)
  return defined({
    ...chosenByDeveloper(options.manifests, options.inherited),
    ...platform(options),
    ...storage(options.stores),
    ...own(manifest, options),
    SLIPWAY_INSTANCE: `${manifest.name}-${kind}`,
    OTEL_SERVICE_NAME: `slipway-${manifest.name}-${kind}`,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(ports.open),
    HTTP_INTERNAL_HOST: '127.0.0.1',
    HTTP_INTERNAL_PORT: String(ports.internal),
    SLIPWAY_SERVICE_CREDENTIAL: serviceCredential(manifest.name, options.secrets),
    [`${prefix}_DB_RUNTIME_PASSWORD`]: options.secrets.get(`${manifest.name}.database.runtime`),
    [`${prefix}_DB_SYSTEM_PASSWORD`]: options.secrets.get(`${manifest.name}.database.system`),
  })
}

function chosenByDeveloper(manifests: readonly AnyManifest[], inherited: Environment): Record<string, string | undefined> {
  const names = variableGroups(manifests).flatMap((group) => variables(group.tree).map((variable) => variable.name))
  const known = names.flatMap((name) => [name, `${name}_FILE`])
  return Object.fromEntries([...systemNames, ...known].map((name) => [name, inherited[name] || undefined]))
}

/** API processes do not get the admin's credentials: those are for migrations only. */
function platform({ stores, secrets, manifests, publicUrl, identityUrl }: EnvironmentOptions): Record<string, string> {
  const database = new URL(stores.postgres.adminUrl)
  database.username = ''
  database.password = ''
  return {
    SLIPWAY_ENV: 'development',
    SLIPWAY_PUBLIC_URL: publicUrl,
    SLIPWAY_BASE_DOMAIN: 'localhost',
    SLIPWAY_SERVICES: manifests.map((manifest) => manifest.name).join(','),
    SLIPWAY_IDENTITY_URL: identityUrl,
    SLIPWAY_SERVICE_CALLERS: callers(manifests, secrets),
    DATABASE_URL: database.href,
    REDIS_URL: stores.redis.url,
  }
}

function storage({ storage: s3, scanner }: Stores): Record<string, string> {
  return {
    S3_ENDPOINT: s3.endpoint,
    S3_REGION: s3.region,
    S3_ACCESS_KEY: s3.accessKey,
    S3_SECRET_KEY: s3.secretKey,
    S3_PATH_STYLE: 'true',
    CLAMAV_HOST: scanner.host,
    CLAMAV_PORT: String(scanner.port),
    CLAMAV_ALLOW_TEST_SIGNATURES: 'true',
  }
}

/** What single services want beside the platform's variables. */
function own(manifest: AnyManifest, { secrets, stores, inherited, publicUrl }: EnvironmentOptions): Record<string, string> {
  if (manifest.name !== 'identity') return {}
  return {
    IDENTITY_SECRET: secrets.get('identity.secret'),
    IDENTITY_ENCRYPTION_KEY: `dev:${secrets.key('identity.encryption')}`,
    IDENTITY_OPEN_SIGN_UP: inherited['IDENTITY_OPEN_SIGN_UP'] || 'true',
    IDENTITY_LINK_URL: inherited['IDENTITY_LINK_URL'] || `${publicUrl}/link`,
    IDENTITY_VERIFY_EMAIL: inherited['IDENTITY_VERIFY_EMAIL'] || 'false',
    SMTP_URL: stores.mail.smtpUrl,
    MAIL_FROM: inherited['MAIL_FROM'] || 'Slipway <no-reply@slipway.localhost>',
  }
}

function callers(manifests: readonly AnyManifest[], secrets: StackSecrets): string {
  const credentials = [...manifests.map((manifest) => serviceCredential(manifest.name, secrets)), cliCredential(secrets)]
  return credentials.map(serviceCaller).join(',')
}

/** What this command shows to internal listeners. */
export function cliCredential(secrets: StackSecrets): string {
  return serviceCredential('cli', secrets)
}

function serviceCredential(service: string, secrets: StackSecrets): string {
  return `${service}.${secrets.get(`${service}.credential`)}`
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
