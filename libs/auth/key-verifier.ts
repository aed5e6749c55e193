import { BoundedCache } from './bounded-cache.ts'
import { fingerprint, refused } from './credentials.ts'
import type { IdentitySource, KeyVerdict } from './identity-source.ts'
import type { Principal } from './principal.ts'
import type { RevocationList } from './revocation-list.ts'

/** API keys are `slp_<id>_<secret>`: recognisable to secret scanners, and told apart from JWTs without decoding. */
const keyForm = /^slp_[A-Za-z0-9-]{8,64}_[A-Za-z0-9_-]{32,128}$/

const goodFor = 60_000
const badFor = 5_000

type GoodKey = Extract<KeyVerdict, { valid: true }>

interface Remembered {
  readonly verdict: KeyVerdict
  readonly until: number
}

interface KeyVerifierOptions {
  readonly source: Pick<IdentitySource, 'verifyKey'>
  readonly revocations: RevocationList
  readonly now: () => number
  readonly cacheSize?: number
}

export function looksLikeKey(credentials: string): boolean {
  return credentials.startsWith('slp_')
}

/** Asks identity about API keys and remembers its answers for a minute, unless a revocation speaks against them. */
export class KeyVerifier {
  readonly #options: KeyVerifierOptions
  readonly #good: BoundedCache<Remembered>
  /** Kept apart, so that a flood of invented keys cannot push out the real ones. */
  readonly #bad: BoundedCache<Remembered>
  readonly #asking = new Map<string, Promise<KeyVerdict>>()

  constructor(options: KeyVerifierOptions) {
    this.#options = options
    this.#good = new BoundedCache(options.cacheSize ?? 10_000)
    this.#bad = new BoundedCache(1_000)
  }

  /** @throws auth.invalid, auth.expired, auth.revoked, identity.unavailable */
  async verify(key: string): Promise<Principal> {
    if (!keyForm.test(key)) throw refused('auth.invalid')
    const name = fingerprint(key)
    const verdict = this.#remembered(name) ?? (await this.#ask(name, key))
    if (!verdict.valid)
      throw refused(({ unknown: 'auth.invalid', expired: 'auth.expired', revoked: 'auth.revoked' } as const)[verdict.reason])
    if (verdict.expiresAt !== null && verdict.expiresAt <= this.#options.now()) throw refused('auth.expired')
    return principalOf(verdict)
  }

  #remembered(name: string): KeyVerdict | undefined {
    const found = this.#good.get(name) ?? this.#bad.get(name)
    if (found === undefined || found.until <= this.#options.now()) return undefined
    return found.verdict.valid && this.#options.revocations.isRevoked(aboutKey(found.verdict)) ? undefined : found.verdict
  }

  async #ask(name: string, key: string): Promise<KeyVerdict> {
    const asked = this.#asking.get(name) ?? this.#askIdentity(name, key)
    this.#asking.set(name, asked)
    try {
      return await asked
    } finally {
      this.#asking.delete(name)
    }
  }

  async #askIdentity(name: string, key: string): Promise<KeyVerdict> {
    const { source, now } = this.#options
    const started = now()
    const verdict = await source.verifyKey(key)
    const [keep, drop, time] = verdict.valid ? [this.#good, this.#bad, goodFor] : [this.#bad, this.#good, badFor]
    drop.delete(name)
    keep.set(name, { verdict, until: started + time })
    return verdict
  }
}

function aboutKey(key: GoodKey) {
  return { keyId: key.id, tenantId: key.tenant.id, userId: key.createdBy, issuedAt: key.verifiedAt }
}

function principalOf(key: GoodKey): Principal {
  const { id, name, tenant, role, scopes, createdBy } = key
  return { kind: 'key', id, keyId: id, person: createdBy, name, tenant, role, scopes }
}
