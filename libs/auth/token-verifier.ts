import { isProblem } from '@slipway/problem'
import { decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { BoundedCache } from './bounded-cache.ts'
import { fingerprint, refused } from './credentials.ts'
import type { KeySet } from './key-set.ts'
import { anyScope, type Principal, tenantRoles } from './principal.ts'

/** Larger ones are refused before a byte is decoded. */
const longestToken = 8 * 1024
/** Clocks of machines differ: how far `nbf` and `iat` may lie ahead of ours. */
const skewSeconds = 5

const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  sid: z.string().min(1).max(255).optional(),
  tenant: z.uuid().optional(),
  tenant_slug: z.string().min(1).max(63).optional(),
  role: z.enum(tenantRoles).optional(),
  scope: z.string().max(2_000).optional(),
  operator: z.boolean().optional(),
  name: z.string().max(255).optional(),
  iat: z.number(),
  iat_ms: z.number().optional(),
  exp: z.number(),
})

type Claims = z.infer<typeof claimsSchema>

/** Whose tokens are accepted, and by which keys. */
export interface Issuer {
  readonly issuer: string
  readonly audience: string
  /** A set of public keys, or the shared secret of an external issuer, which allows HS256 and nothing else. */
  readonly keys: KeySet | Uint8Array
  /** Only identity's own tokens can make an operator, and they always belong to a session. */
  readonly own: boolean
  /** Tokens that live longer are refused: revocations are not kept for longer. */
  readonly longestLifeSeconds: number
}

export interface VerifiedToken {
  readonly principal: Principal
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

interface TokenVerifierOptions {
  readonly issuers: readonly Issuer[]
  readonly now: () => number
  readonly cacheSize?: number
}

/** Verifies signatures and claims. A verified token is remembered until it expires, so that its signature is checked once. */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #now: () => number
  readonly #verified: BoundedCache<VerifiedToken>

  constructor({ issuers, now, cacheSize = 10_000 }: TokenVerifierOptions) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]))
    this.#now = now
    this.#verified = new BoundedCache(cacheSize)
  }

  /** @throws auth.invalid, auth.expired, identity.unavailable */
  async verify(text: string): Promise<VerifiedToken> {
    if (text.length > longestToken) throw refused('auth.invalid')
    const name = fingerprint(text)
    const known = this.#verified.get(name)
    const token = known ?? (await this.#check(text))
    if (token.expiresAt * 1000 <= this.#now()) {
      this.#verified.delete(name)
      throw refused('auth.expired')
    }
    if (known === undefined) this.#verified.set(name, token)
    return token
  }

  async #check(token: string): Promise<VerifiedToken> {
    try {
      const issuer = this.#issuers.get(decodeJwt(token).iss ?? '')
      if (issuer === undefined) throw refused('auth.invalid')
      const { payload } = await jwtVerify(token, keyFinder(issuer), {
        algorithms: issuer.keys instanceof Uint8Array ? ['HS256'] : ['EdDSA', 'ES256', 'RS256'],
        issuer: issuer.issuer,
        audience: issuer.audience,
        requiredClaims: ['sub', 'iat', 'exp'],
        currentDate: new Date(this.#now()),
        clockTolerance: skewSeconds,
      })
      return verifiedToken(claimsSchema.parse(payload), issuer, this.#now())
    } catch (error) {
      if (isProblem(error)) throw error
      throw refused(error instanceof errors.JWTExpired ? 'auth.expired' : 'auth.invalid', error)
    }
  }
}

/** The header names a key by its kid and nothing else: `jwk`, `jku` and `x5u` are never looked at. */
function keyFinder({ keys }: Issuer): JWTVerifyGetKey {
  return async ({ kid, alg }) => {
    if (keys instanceof Uint8Array) return keys
    const key = typeof kid === 'string' && kid.length <= 128 ? await keys.find(kid, alg) : null
    if (key === null) throw refused('auth.invalid')
    return key
  }
}

function verifiedToken(claims: Claims, issuer: Issuer, now: number): VerifiedToken {
  const ahead = claims.iat - now / 1000
  const tenantParts = [claims.tenant, claims.tenant_slug, claims.role].filter((part) => part !== undefined).length
  const consistent = tenantParts === 0 || tenantParts === 3
  const sessionless = issuer.own && claims.sid === undefined
  if (ahead > skewSeconds || claims.exp - claims.iat > issuer.longestLifeSeconds || !consistent || sessionless)
    throw refused('auth.invalid')
  return { principal: principalOf(claims, issuer), issuedAt: claims.iat_ms ?? claims.iat * 1000, expiresAt: claims.exp }
}

function principalOf(claims: Claims, issuer: Issuer): Principal {
  const { tenant, tenant_slug: slug, role } = claims
  return {
    kind: issuer.own && claims.operator === true ? 'operator' : 'user',
    id: claims.sub,
    scopes: claims.scope === undefined ? [anyScope] : claims.scope.split(' ').filter(Boolean),
    ...(tenant !== undefined && slug !== undefined && role !== undefined ? { tenant: { id: tenant, slug }, role } : {}),
    ...(claims.sid === undefined ? {} : { sessionId: claims.sid }),
    ...(claims.name === undefined ? {} : { name: claims.name }),
  }
}
