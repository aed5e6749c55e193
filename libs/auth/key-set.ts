import { importJWK, type JWK, type CryptoKey as PublicKey } from 'jose'
import type { KeySetDocument } from './identity-source.ts'

/** Signature algorithms that a published key may have. Nothing symmetric: a public key must never be usable as a shared secret. */
type Algorithm = 'EdDSA' | 'ES256' | 'RS256'

interface PreparedKey {
  readonly algorithm: Algorithm
  readonly key: PublicKey
}

interface KeySetOptions {
  readonly load: () => Promise<KeySetDocument>
  readonly now: () => number
  /** An unknown kid asks for the set again, but not more often than this: strangers can invent kids. */
  readonly floorMilliseconds?: number
  /** Age at which the set is loaded again without being asked, so that withdrawn keys stop to count. */
  readonly maxAgeMilliseconds?: number
}

/** The keys of one issuer, imported once and found by kid. */
export class KeySet {
  readonly #options: Required<KeySetOptions>
  #keys = new Map<string, PreparedKey>()
  #loadedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #loading: Promise<void> | null = null

  constructor(options: KeySetOptions) {
    this.#options = { floorMilliseconds: 10_000, maxAgeMilliseconds: 300_000, ...options }
  }

  /** @throws identity.unavailable when the set cannot be loaded and an answer depends on it */
  async find(kid: string, algorithm: string): Promise<PublicKey | null> {
    const now = this.#options.now()
    if (now - this.#loadedAt > this.#options.maxAgeMilliseconds) await this.#refresh()
    if (!this.#keys.has(kid) && now - this.#triedAt >= this.#options.floorMilliseconds) await this.#refresh()
    const found = this.#keys.get(kid)
    return found?.algorithm === algorithm ? found.key : null
  }

  async #refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null
    })
    await this.#loading
  }

  async #load(): Promise<void> {
    const started = this.#options.now()
    this.#triedAt = started
    const { keys } = await this.#options.load()
    this.#keys = new Map((await Promise.all(keys.map(prepare))).filter((entry) => entry !== null))
    this.#loadedAt = started
  }
}

/** Imports what we would trust and drops the rest, so that one odd key does not make the others useless. */
async function prepare(jwk: KeySetDocument['keys'][number]): Promise<[string, PreparedKey] | null> {
  const algorithm = algorithmOf(jwk)
  const { kid, use } = jwk
  if (algorithm === null || typeof kid !== 'string' || (use !== undefined && use !== 'sig')) return null
  const { d: _private, ...publicPart } = jwk
  const key = await importJWK(publicPart as JWK, algorithm).catch(() => null)
  return key !== null && !(key instanceof Uint8Array) && isLongEnough(key) ? [kid, { algorithm, key }] : null
}

function algorithmOf({ kty, crv, alg }: KeySetDocument['keys'][number]): Algorithm | null {
  const natural = kty === 'OKP' && crv === 'Ed25519' ? 'EdDSA' : kty === 'EC' && crv === 'P-256' ? 'ES256' : kty === 'RSA' ? 'RS256' : null
  return alg === undefined || alg === natural ? natural : null
}

/** RFC 7518 §3.3: RSA keys of 2048 bits or more. */
function isLongEnough({ algorithm }: PublicKey): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= 2048
}
