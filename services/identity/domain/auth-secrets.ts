import { ConfigError } from '@slipway/config'

export interface AuthSecrets {
  /** The first one encrypts, all of them decrypt what was encrypted with their version; absent when there is only one without a version. */
  readonly secrets?: { version: number; value: string }[]
  /** Decrypts what was encrypted before there were versions. */
  readonly secret?: string
}

const leastCharacters = 32
const versioned = /^(\d{1,15}):(.+)$/s

/**
 * Reads `IDENTITY_SECRET`: one secret, or `<version>:<secret>` separated by commas, newest first, of which the last one may be the
 * secret without a version that was there before. Only what begins with a version is such a list: a secret may have commas itself.
 *
 * @throws {ConfigError} if a secret is too short to be one, or a version is there twice
 */
export function parseAuthSecrets(text: string): AuthSecrets {
  const entries = versioned.test(text) ? text.split(',').map((entry) => entry.trim()) : [text]
  const parsed = entries.map((entry) => {
    const [, version, value = entry] = versioned.exec(entry) ?? []
    return { version: version === undefined ? null : Number(version), value }
  })
  const secrets = parsed.flatMap(({ version, value }) => (version === null ? [] : [{ version, value }]))
  const plain = parsed.flatMap(({ version, value }) => (version === null ? [value] : []))
  const faults = [
    ...(parsed.some(({ value }) => value.length < leastCharacters)
      ? [`IDENTITY_SECRET has fewer than ${leastCharacters} characters: make one with \`openssl rand -base64 32\``]
      : []),
    ...(new Set(secrets.map(({ version }) => version)).size < secrets.length ? ['IDENTITY_SECRET has two secrets of one version'] : []),
    ...(parsed.slice(0, -1).some(({ version }) => version === null)
      ? ['IDENTITY_SECRET has a secret without version that is not the last one']
      : []),
  ]
  if (faults.length > 0) throw new ConfigError(faults)
  return { ...(secrets.length > 0 ? { secrets } : {}), ...(plain[0] === undefined ? {} : { secret: plain[0] }) }
}
