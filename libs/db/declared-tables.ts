import { ownMigrations } from './migrate.ts'
import { loadMigrations, type MigrationSource } from './migration-plan.ts'

export interface DeclaredTables {
  readonly tables: readonly string[]
  /** Those that were given to `tenant_table()`. */
  readonly ofTenants: readonly string[]
}

/** One statement at the beginning of its line, as migrations are written. */
const statement =
  /^(?:(create|drop) table (?:if (?:not )?exists )?"?(\w+)"?|alter table "?(\w+)"? rename to "?(\w+)"?|call tenant_table\('"?(\w+)"?'\))/gim

/** The tables that a schema has once all migrations of this release are applied, as far as their SQL says it. */
export async function declaredTables(service: MigrationSource, libraries: readonly MigrationSource[] = []): Promise<DeclaredTables> {
  const tables = new Set(['schema_migrations'])
  const ofTenants = new Set<string>()
  for (const { sql } of await loadMigrations([ownMigrations, ...libraries, service])) {
    for (const [, verb, name = '', from = '', to, tenant] of sql.matchAll(statement)) {
      if (tenant !== undefined) ofTenants.add(tenant)
      else if (to !== undefined) rename([tables, ofTenants], from, to)
      else if (verb?.toLowerCase() === 'create') tables.add(name)
      else for (const set of [tables, ofTenants]) set.delete(name)
    }
  }
  return { tables: [...tables].sort(), ofTenants: [...ofTenants].sort() }
}

function rename(sets: readonly Set<string>[], from: string, to: string): void {
  for (const set of sets) if (set.delete(from)) set.add(to)
}
