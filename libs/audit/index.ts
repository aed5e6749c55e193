import type { MigrationSource } from '@slipway/db'

export { type AuditPage, type AuditQuery, type AuditRow, listAudit } from './list.ts'
export { type AuditEntry, type AuditOrigin, record } from './record.ts'
export { audit } from './table.ts'

/** Given to `migrate()` as a library: every service schema gets its own table. */
export const migrations: MigrationSource = { name: 'audit', folder: new URL('./migrations/', import.meta.url) }
