import { randomBytes } from 'node:crypto'
import { serviceCaller } from '@slipway/auth'
import { variablePrefix } from '@slipway/service'

/** What stores and processes of one installation know each other by: the names of variables, and values. */
export type SecretValues = Readonly<Record<string, string>>

/** 256 bits in characters that every store takes in a password and that URLs need not escape. */
const password = () => randomBytes(32).toString('base64url')

/** Made once; what is there stays. */
const makers: Readonly<Record<string, () => string>> = {
  DATABASE_ADMIN_PASSWORD: password,
  DATABASE_BACKUP_PASSWORD: password,
  REDIS_PASSWORD: password,
  S3_ACCESS_KEY: () => randomBytes(10).toString('hex'),
  S3_SECRET_KEY: password,
  IDENTITY_SECRET: password,
  IDENTITY_ENCRYPTION_KEY: () => `k1:${randomBytes(32).toString('base64')}`,
}

/** Who may call internal listeners beside the services: this command. */
const ownCredential = 'CLI_CREDENTIAL'

const rolePasswords = (service: string) => ['RUNTIME', 'SYSTEM'].map((role) => `${variablePrefix(service)}_DB_${role}_PASSWORD`)

/** Names that an installation can do without, as somebody else gives their values or nobody needs any. */
export function optionalSecrets(services: readonly string[]): string[] {
  return [...Object.keys(makers), ...services.flatMap(rolePasswords)]
}

/**
 * What has to be added to the secret of an installation with these services, but for the names of `without`. `SLIPWAY_SERVICE_CALLERS`
 * follows from the credentials, so that it is made anew with them; nothing else is ever changed.
 */
export function missingSecrets(present: SecretValues, services: readonly string[], without: readonly string[] = []): SecretValues {
  const added: Record<string, string> = {}
  const has = (name: string) => present[name] || added[name]
  const lacks = (name: string) => !has(name) && !without.includes(name)
  for (const [name, make] of Object.entries(makers)) if (lacks(name)) added[name] = make()
  for (const name of services.flatMap(rolePasswords)) if (lacks(name)) added[name] = password()
  const credentials = new Map([...services.map((name) => [`${variablePrefix(name)}_CREDENTIAL`, name] as const), [ownCredential, 'cli']])
  for (const [name, service] of credentials) if (!has(name)) added[name] = `${service}.${password()}`
  const callers = [...credentials.keys()].map((name) => serviceCaller(has(name) || '')).join(',')
  return present['SLIPWAY_SERVICE_CALLERS'] === callers ? added : { ...added, SLIPWAY_SERVICE_CALLERS: callers }
}
