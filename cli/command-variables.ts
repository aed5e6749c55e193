import { secret, type VariableTree } from '@slipway/config'
import { type AnyManifest, variablePrefix } from '@slipway/service'

/** What only the migration step is told, beside what it shares with the processes. */
export const backupPassword = secret('DATABASE_BACKUP_PASSWORD', {
  optional: true,
  description: 'Password of the role that may read everything, for backups; without it the role cannot sign in',
})

export function ownerPassword(service: string) {
  return secret(`${variablePrefix(service)}_DB_OWNER_PASSWORD`, {
    optional: true,
    description: `Password of the role that owns the schema of ${service}; without it the role cannot sign in`,
  })
}

export function commandVariables(manifests: readonly AnyManifest[]): VariableTree {
  return { backupPassword, owners: Object.fromEntries(manifests.map(({ name }) => [name, ownerPassword(name)])) }
}
