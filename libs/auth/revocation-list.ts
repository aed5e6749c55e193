import { problem } from '@slipway/problem'
import type { IdentitySource, Revocation } from './identity-source.ts'

/** Access ends at most this long after identity has committed the revocation. */
const waitAfter = 4_000
const pollAfter = 2_000
/** A transaction that began before a poll may commit after it: every poll looks this far back. */
const overlap = 30_000

interface RevocationListOptions {
  readonly source: Pick<IdentitySource, 'revocations'>
  readonly now: () => number
  /** Longest life of any token; what was revoked before that is of no interest. */
  readonly retentionMilliseconds: number
  readonly limit?: number
}

/** What a token says of itself that a revocation can be about. */
export interface Revocable {
  readonly userId?: string | undefined
  readonly tenantId?: string | undefined
  readonly sessionId?: string | undefined
  readonly keyId?: string | undefined
  /** When it was made or verified, by identity's clock. */
  readonly issuedAt: number
}

/**
 * A copy of identity's revocations, brought up to date when it is asked: in the background from 2 s of age on, before the
 * answer from 4 s on. It costs nothing while nobody asks.
 */
export class RevocationList {
  readonly #options: Required<RevocationListOptions>
  readonly #revokedAt = new Map<string, number>()
  /** Everything older counts as revoked: what remains to be said of entries that had to make room. */
  #horizon = Number.NEGATIVE_INFINITY
  #currentAt = Number.NEGATIVE_INFINITY
  #since: number | null = null
  #polling: Promise<void> | null = null

  constructor(options: RevocationListOptions) {
    this.#options = { limit: 100_000, ...options }
  }

  /** @throws identity.unavailable when no news is to be had: an answer from an older copy could let a removed member in */
  async refresh(): Promise<void> {
    if (this.#age() <= pollAfter) return
    if (this.#age() > waitAfter) await this.#poll()
    if (this.#age() > waitAfter) await this.#poll()
    if (this.#age() > waitAfter) throw problem('identity.unavailable')
    if (this.#age() > pollAfter) this.#poll().catch(() => undefined)
  }

  /** Whether what a token stands on has ended since the token was made. Sessions and keys end for good; members and users may come back. */
  isRevoked({ userId, tenantId, sessionId, keyId, issuedAt }: Revocable): boolean {
    if (issuedAt <= this.#horizon) return true
    if (sessionId !== undefined && this.#revokedAt.has(`session ${sessionId}`)) return true
    if (keyId !== undefined && this.#revokedAt.has(`key ${keyId}`)) return true
    const member = userId !== undefined && tenantId !== undefined ? this.#revokedAt.get(`member ${tenantId}:${userId}`) : undefined
    const user = userId === undefined ? undefined : this.#revokedAt.get(`user ${userId}`)
    return Math.max(member ?? 0, user ?? 0) >= issuedAt
  }

  /** Waits for the poll that may be under way in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#polling?.catch(() => undefined)
  }

  #age(): number {
    return this.#options.now() - this.#currentAt
  }

  async #poll(): Promise<void> {
    this.#polling ??= this.#load().finally(() => {
      this.#polling = null
    })
    await this.#polling
  }

  async #load(): Promise<void> {
    const { source, now, retentionMilliseconds } = this.#options
    const started = now()
    const page = await source.revocations(this.#since ?? started - retentionMilliseconds - overlap)
    for (const revocation of page.items) this.#remember(revocation)
    this.#forget(page.now - retentionMilliseconds - overlap)
    this.#since = page.now - overlap
    this.#currentAt = started
  }

  #remember({ kind, subject, at }: Revocation): void {
    const name = `${kind} ${subject}`
    const latest = Math.max(at, this.#revokedAt.get(name) ?? 0)
    this.#revokedAt.delete(name)
    this.#revokedAt.set(name, latest)
  }

  #forget(before: number): void {
    for (const [name, at] of this.#revokedAt) {
      const crowded = this.#revokedAt.size > this.#options.limit
      if (at >= before && !crowded) return
      this.#revokedAt.delete(name)
      if (at >= before) this.#horizon = Math.max(this.#horizon, at)
    }
  }
}
