export { inBatches } from './batches.ts'
export { currentTenant, tenantColumns } from './columns.ts'
export { connect, type Database, type DatabaseSettings, type TransactionOptions } from './connect.ts'
export { type DeclaredTables, declaredTables } from './declared-tables.ts'
export { databaseError, dbProblem, isForeignKeyViolation, isUniqueViolation, retryConflicts } from './error.ts'
export { newId } from './id.ts'
export {
  type MigrateOptions,
  type MigrationReport,
  migrate,
  migrationLock,
  type PendingOptions,
  pendingMigrations,
  prepareRestore,
  type ServiceMigrations,
} from './migrate.ts'
export { type AppliedMigration, MigrationError, type MigrationSource } from './migration-plan.ts'
export { renewSchema, type ServicePasswords } from './provision.ts'
export { backupRole, type Role, roleName } from './role.ts'
export { clientConfig, type ServerSettings, type Tls, withClient } from './settings.ts'
export { assertTenantTables, type TenantTableOptions, tenantFaults } from './tenant-check.ts'
export { awsTokenRole, awsTokens, type SignIn, TokenError, type TokenSource } from './token.ts'
export { onCommit, type Transaction } from './transaction.ts'
