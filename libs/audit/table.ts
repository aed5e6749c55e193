import { inet, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** Without schema: the search path of each service's roles leads to its own table. */
export const audit = pgTable('audit', {
  id: uuid('id').primaryKey(),
  tenantId: uuid('tenant_id'),
  at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  action: text('action').notNull(),
  actorKind: text('actor_kind').notNull(),
  actorId: text('actor_id').notNull(),
  actorName: text('actor_name'),
  subjectType: text('subject_type').notNull(),
  subjectId: text('subject_id').notNull(),
  before: jsonb('before'),
  after: jsonb('after'),
  requestId: text('request_id'),
  traceId: text('trace_id'),
  ip: inet('ip'),
  userAgent: text('user_agent'),
})
