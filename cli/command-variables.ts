import { secret, text, type VariableTree } from '@slipway/config'
import { type AnyManifest, variablePrefix } from '@slipway/service'

/** What only the migration step is told, beside what it shares with the processes. */
export const backupPassword = secret('DATABASE_BACKUP_PASSWORD', {
  optional: true,
  description: 'Password of the role that may read everything, for backups; without it the role cannot sign in',
})

/** Who may make schemas and roles. */
export const admin = {
  user: text('DATABASE_ADMIN_USER', { optional: true, description: 'Instead of the user in DATABASE_URL' }),
  password: secret('DATABASE_ADMIN_PASSWORD', { optional: true, description: 'Instead of the password in DATABASE_URL' }),
}

export function ownerPassword(service: string) {
  return secret(`${variablePrefix(service)}_DB_OWNER_PASSWORD`, {
    optional: true,
    description: `Password of the role that owns the schema of ${service}; without it the role cannot sign in`,
  })
}

export function commandVariables(manifests: readonly AnyManifest[]): VariableTree {
  return { admin, backupPassword, owners: Object.fromEntries(manifests.map(({ name }) => [name, ownerPassword(name)])) }
}
