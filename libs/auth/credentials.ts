import { hash, timingSafeEqual } from 'node:crypto'
import { type Problem, problem } from '@slipway/problem'

type Refusal = 'auth.invalid' | 'auth.expired' | 'auth.revoked'

/** A 401 for credentials that were sent; says nothing about why a signature failed (RFC 6750 §3.1). */
export function refused(code: Refusal, cause?: unknown): Problem {
  return problem(code, { headers: { 'www-authenticate': 'Bearer realm="slipway", error="invalid_token"' }, cause })
}

/** The credentials of one scheme; undefined when the header is absent or of another scheme. */
export function credentialsOf(header: string | undefined, scheme: string): string | undefined {
  const match = header === undefined ? null : /^([A-Za-z]+) +([\x21-\x7e]+) *$/.exec(header)
  return match && match[1]?.toLowerCase() === scheme.toLowerCase() ? match[2] : undefined
}

/** How caches and configuration name a secret without holding it. */
export function fingerprint(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Compares two fingerprints in constant time. */
export function sameFingerprint(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex')
  const right = Buffer.from(b, 'hex')
  return left.length === 32 && right.length === 32 && timingSafeEqual(left, right)
}
