import type { Revocation, RevocationPage } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { asc, gte, sql } from 'drizzle-orm'
import { revocation } from '../schema.ts'

/**
 * Says in the transaction of the change that access has ended. It goes after the change: the row that the change locked is what a
 * token is made from, so every token with the old rights is older than this moment.
 */
export async function revoke(tx: Transaction, kind: Revocation['kind'], ...subjects: readonly string[]): Promise<void> {
  if (subjects.length > 0) await tx.insert(revocation).values(subjects.map((subject) => ({ kind, subject })))
}

export function memberSubject(tenantId: string, userId: string): string {
  return `${tenantId}:${userId}`
}

/** Milliseconds by the clock of the database, which all replicas share. */
export async function databaseNow(tx: Transaction): Promise<number> {
  const { rows } = await tx.execute<{ now: string }>(sql`select floor(extract(epoch from clock_timestamp()) * 1000) as now`)
  return Number(rows[0]?.now)
}

export async function revocationsSince(tx: Transaction, since: Date): Promise<RevocationPage> {
  const now = await databaseNow(tx)
  const rows = await tx.select().from(revocation).where(gte(revocation.at, since)).orderBy(asc(revocation.at))
  return { items: rows.map(({ kind, subject, at }) => ({ kind, subject, at: at.getTime() })), now }
}
