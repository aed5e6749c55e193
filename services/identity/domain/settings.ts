import type { Transaction } from '@slipway/db'
import { problem } from '@slipway/problem'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { setting } from '../schema.ts'
import { type Actor, audited } from './actor.ts'
import { SealError, type Sealer } from './seal.ts'

/** A typed value; that of a secret can be written and replaced, but only services read it back. */
export type SettingValue =
  | { readonly type: 'string' | 'secret'; readonly value: string }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'json'; readonly value: unknown }

type Row = typeof setting.$inferSelect

export interface Setting {
  readonly key: string
  readonly type: Row['type']
  /** Absent for secrets. */
  readonly value?: unknown
  readonly version: number
  readonly updatedAt: Date
  readonly updatedBy: string
}

export async function listSettings(tx: Transaction, { after, limit }: { after: string | null; limit: number }): Promise<Setting[]> {
  const rows = await tx
    .select()
    .from(setting)
    .where(after === null ? undefined : gt(setting.key, after))
    .orderBy(asc(setting.key))
    .limit(limit)
  return rows.map(present)
}

export async function findSetting(tx: Transaction, key: string): Promise<Setting | null> {
  const [row] = await tx.select().from(setting).where(eq(setting.key, key))
  return row === undefined ? null : present(row)
}

export interface SettingChange {
  readonly tenantId: string
  readonly key: string
  readonly actor: Actor
  readonly sealer: Sealer
  /** What the client has seen is the current state, or it throws. */
  readonly check: (current: Setting | null) => void
}

export async function putSetting(tx: Transaction, change: SettingChange, given: SettingValue): Promise<Setting> {
  const { tenantId, key, actor } = change
  const before = await lockSetting(tx, change)
  const fields = { type: given.type, updatedBy: actor.id, ...stored(change, given) }
  const [row] = await tx
    .insert(setting)
    .values({ tenantId, key, ...fields })
    .onConflictDoUpdate({
      target: [setting.tenantId, setting.key],
      set: { ...fields, version: sql`${setting.version} + 1`, updatedAt: sql`now()` },
    })
    .returning()
  if (row === undefined) throw new Error('the setting was not stored')
  await audited(tx, actor, {
    action: 'setting.changed',
    tenantId,
    subject: { type: 'setting', id: key },
    before: shown(before),
    after: shown(present(row)),
  })
  return present(row)
}

export async function removeSetting(tx: Transaction, change: SettingChange): Promise<void> {
  const before = await lockSetting(tx, change)
  if (before === null) throw problem('resource.not-found')
  const { tenantId, key, actor } = change
  await tx.delete(setting).where(eq(setting.key, key))
  await audited(tx, actor, { action: 'setting.removed', tenantId, subject: { type: 'setting', id: key }, before: shown(before) })
}

/** Also locks the name of a setting that does not exist: two that create it must not both find nothing. */
async function lockSetting(tx: Transaction, { tenantId, key, check }: SettingChange): Promise<Setting | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${purpose({ tenantId, key })}, 0))`)
  const [row] = await tx.select().from(setting).where(eq(setting.key, key)).for('update')
  const current = row === undefined ? null : present(row)
  check(current)
  return current
}

/** The value with secrets in the clear, for services on the internal listener. */
export async function revealSetting(tx: Transaction, sealer: Sealer, key: string): Promise<{ type: Row['type']; value: unknown } | null> {
  const [row] = await tx.select().from(setting).where(eq(setting.key, key))
  if (row === undefined) return null
  return { type: row.type, value: row.sealed === null ? row.value : sealer.open(row.sealed, purpose(row)) }
}

export interface Resealed {
  readonly done: number
  /** What the first of those that could not be opened says; the others are sealed again all the same. */
  readonly failed: { readonly count: number; readonly first: SealError } | null
}

/** Seals again what an older key has sealed. For the system role. */
export async function resealSettings(tx: Transaction, sealer: Sealer): Promise<Resealed> {
  const rows = await tx.select().from(setting).where(eq(setting.type, 'secret')).for('update')
  const failures: SealError[] = []
  let done = 0
  for (const { tenantId, key, sealed: old } of rows) {
    if (old === null || !sealer.isStale(old)) continue
    const sealed = resealed(sealer, old, purpose({ tenantId, key }))
    if (sealed instanceof SealError) failures.push(sealed)
    else {
      await tx
        .update(setting)
        .set({ sealed })
        .where(and(eq(setting.tenantId, tenantId), eq(setting.key, key)))
      done++
    }
  }
  const [first] = failures
  return { done, failed: first === undefined ? null : { count: failures.length, first } }
}

function resealed(sealer: Sealer, old: Buffer, why: string): Buffer | SealError {
  try {
    return sealer.seal(sealer.open(old, why), why)
  } catch (error) {
    if (error instanceof SealError) return error
    throw error
  }
}

/** JSON's null is a value, SQL's is none. */
function stored({ sealer, tenantId, key }: SettingChange, given: SettingValue): { value: unknown; sealed: Buffer | null } {
  if (given.type !== 'secret') return { value: given.value ?? sql`'null'::jsonb`, sealed: null }
  return { value: null, sealed: sealer.seal(given.value, purpose({ tenantId, key })) }
}

function purpose({ tenantId, key }: { tenantId: string; key: string }): string {
  return `setting:${tenantId}:${key}`
}

function present({ key, type, value, version, updatedAt, updatedBy }: Row): Setting {
  return { key, type, ...(type === 'secret' ? {} : { value }), version, updatedAt, updatedBy }
}

function shown(state: Setting | null): object | null {
  return state === null ? null : { type: state.type, value: state.type === 'secret' ? '[secret]' : state.value }
}
