import { sql } from 'drizzle-orm'
import { uuid } from 'drizzle-orm/pg-core'

/** The tenant that the running transaction was opened for; null outside of one. */
export const currentTenant = sql<string | null>`nullif(current_setting('slipway.tenant', true), '')::uuid`

/**
 * Spread into every table of a service. The column fills itself from the transaction's tenant, so inserts need not name it;
 * the `system` role has no tenant and must. The migration that makes the table calls `tenant_table('<name>')`.
 */
export const tenantColumns = {
  tenantId: uuid('tenant_id').notNull().default(sql`nullif(current_setting('slipway.tenant', true), '')::uuid`),
}
