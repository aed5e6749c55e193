import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { sql } from 'drizzle-orm'
import { retention } from '../schema.ts'
import { type Author, audit, nameOf } from './author.ts'

/** How long is kept what nobody sees any more. */
export interface Retention {
  /** Earlier versions of a file; 0 = none. */
  versionsKept: number
  /** Days after which a version goes, counted from when something else took its place. */
  versionDays: number
  /** Days until what lies in the trash goes. */
  trashDays: number
}

/** What the installation does, and how much a tenant may ask for. */
export interface RetentionLimits extends Retention {
  most: { versionsKept: number; days: number }
}

export type RetentionRow = typeof retention.$inferSelect

/** What a tenant says; null = as the installation does. */
export type OwnRetention = { [Rule in keyof Retention]: number | null }

/** A maximum that was lowered holds for what tenants had decided before. */
export function effectiveRetention(own: OwnRetention | undefined, limits: RetentionLimits): Retention {
  const { most } = limits
  return {
    versionsKept: Math.min(own?.versionsKept ?? limits.versionsKept, most.versionsKept),
    versionDays: Math.min(own?.versionDays ?? limits.versionDays, most.days),
    trashDays: Math.min(own?.trashDays ?? limits.trashDays, most.days),
  }
}

/** Of the tenant of the transaction. */
export async function selectRetention(tx: Transaction): Promise<RetentionRow | undefined> {
  const [row] = await tx.select().from(retention)
  return row
}

export async function retentionOf(tx: Transaction, limits: RetentionLimits): Promise<Retention> {
  return effectiveRetention(await selectRetention(tx), limits)
}

interface RetentionChange {
  own: OwnRetention
  limits: RetentionLimits
  now: Date
  /** Throws if the rules are not those that the client has seen. */
  expect: (row: RetentionRow | undefined) => void
}

/** Replaces what the tenant has decided. Expects the tree to be locked. @throws request.invalid above what the operator allows */
export async function changeRetention(tx: Transaction, author: Author, change: RetentionChange): Promise<RetentionRow> {
  const { own, limits, now, expect } = change
  const before = await selectRetention(tx)
  expect(before)
  requireWithin(own, limits)
  const values = { ...own, updatedBy: nameOf(author.principal), updatedAt: now }
  const [row] = await tx
    .insert(retention)
    .values({ tenantId: author.tenantId, ...values })
    .onConflictDoUpdate({ target: retention.tenantId, set: { ...values, version: sql`${retention.version} + 1` } })
    .returning()
  if (!row) throw new Error('insert returned no row')
  await audit(tx, author, {
    action: 'retention.changed',
    subject: { type: 'retention', id: author.tenantId },
    ...(before ? { before: rulesOf(before) } : {}),
    after: rulesOf(row),
  })
  return row
}

function rulesOf({ versionsKept, versionDays, trashDays }: RetentionRow): OwnRetention {
  return { versionsKept, versionDays, trashDays }
}

function requireWithin(own: OwnRetention, { most }: RetentionLimits): void {
  const rules = [
    { value: own.versionsKept, limit: most.versionsKept, pointer: '/body/versions/kept' },
    { value: own.versionDays, limit: most.days, pointer: '/body/versions/days' },
    { value: own.trashDays, limit: most.days, pointer: '/body/trash/days' },
  ]
  const errors = rules.flatMap(({ value, limit, pointer }) =>
    value !== null && value > limit ? [{ pointer, detail: `must be at most ${limit}, which is what the operator allows` }] : [],
  )
  if (errors.length > 0) throw problem('request.invalid', { errors })
}
