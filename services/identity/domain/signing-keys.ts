import type { KeySetDocument } from '@slipway/auth'
import type { Transaction } from '@slipway/db'
import { sql } from 'drizzle-orm'
import { jwks } from '../schema.ts'
import { keyGraceSeconds, keyLeadSeconds } from './limits.ts'

type StoredKey = typeof jwks.$inferSelect

/**
 * The keys that sign, or those that verify. While there is no other, a key signs from its first moment: verifiers then ask for the set
 * anew when they meet its id.
 */
async function storedKeys(tx: Transaction, purpose: 'signing' | 'verifying') {
  const rows = await tx
    .select()
    .from(jwks)
    .where(purpose === 'verifying' ? verifying : undefined)
    .orderBy(jwks.createdAt)
  const ready = rows.filter((row) => purpose === 'verifying' || isReady(row))
  const live = ready.filter((row) => row.expiresAt === null || row.expiresAt.getTime() > Date.now())
  return (purpose === 'verifying' || live.length > 0 ? ready : rows).map(asJwk)
}

/**
 * The keys that sign. Where there is none, the first who comes makes one and all others wait for it: verifiers do not ask for the set
 * often enough to learn of one new key after the other.
 */
export async function signingKeys(tx: Transaction) {
  const keys = await storedKeys(tx, 'signing')
  if (keys.some(({ expiresAt }) => expiresAt === undefined || expiresAt.getTime() > Date.now())) return keys
  await lockSigningKeys(tx)
  return storedKeys(tx, 'signing')
}

/** Whoever makes a key, until the end of the transaction. */
export async function lockSigningKeys(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('identity.signing-key'))`)
}

const verifying = sql`${jwks.expiresAt} is null or ${jwks.expiresAt} > now() - make_interval(secs => ${keyGraceSeconds})`

function isReady({ createdAt }: StoredKey): boolean {
  return createdAt.getTime() <= Date.now() - keyLeadSeconds * 1000
}

function asJwk({ id, publicKey, privateKey, createdAt, expiresAt }: StoredKey) {
  return {
    id,
    publicKey,
    privateKey,
    createdAt,
    ...(expiresAt === null ? {} : { expiresAt }),
    alg: 'EdDSA' as const,
    crv: 'Ed25519' as const,
  }
}

/** The set that verifiers load (RFC 7517). */
export async function publicKeySet(tx: Transaction): Promise<KeySetDocument> {
  const keys = await storedKeys(tx, 'verifying')
  return { keys: keys.map(({ id, publicKey }) => ({ ...JSON.parse(publicKey), kid: id, alg: 'EdDSA', use: 'sig' })) }
}

/** Whether the newest key ends so soon that its successor has to be published. */
export async function needsSuccessor(tx: Transaction): Promise<boolean> {
  const { rows } = await tx.execute<{ due: boolean }>(
    sql`select count(*) = 0 as due from ${jwks} where ${jwks.expiresAt} is null or ${jwks.expiresAt} > now() + interval '12 hours'`,
  )
  return rows[0]?.due === true
}
