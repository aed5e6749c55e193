/** Who a process is to Postgres: `runtime` sees the rows of one tenant, `system` all rows, `owner` changes the schema. */
export type Role = 'runtime' | 'system' | 'owner'

/** Reads every table of every service, past row level security. One for the whole database. */
export const backupRole = 'slipway_backup'

const serviceName = /^[a-z][a-z0-9_]{0,39}$/

/** `slipway_files_runtime`. Roles belong to the whole cluster: two installations on one cluster share them. */
export function roleName(service: string, role: Role): string {
  if (!serviceName.test(service)) {
    throw new Error(`"${service}" cannot name a schema: use lower-case letters, digits and _, 40 at most, a letter first`)
  }
  return `slipway_${service}_${role}`
}
